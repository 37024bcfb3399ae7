"""How far the states have read the log: rows beside the states, so that one commit moves both."""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime

from feature_repo.log import Log
from feature_repo.online import RESERVED, Row, Texts


def read_progress(states: Texts, log: Log, partitions: Iterable[int]) -> tuple[dict[int, int], int]:
    """Return by partition the sequence number up to which all events are in the states.

    And the number of the last change of identities that is in them.
    """
    names, stitched = {part: _name(log, part) for part in partitions}, _stitched(log)
    found = {i: json.loads(t) for i, t in states.texts([*names.values(), stitched]).items()}
    offsets = {part: found[n]["offset"] if n in found else 0 for part, n in names.items()}
    return offsets, int(found[stitched]["number"]) if stitched in found else 0


def read_offsets(states: Texts, log: Log, partitions: Iterable[int]) -> dict[int, int]:
    """Return by partition the sequence number up to which all events are in the states."""
    return read_progress(states, log, partitions)[0]


def offset_rows(log: Log, offsets: Mapping[int, int], at: datetime) -> list[Row]:
    """Return the rows that say how far the states now are."""
    return [(_name(log, part), json.dumps({"offset": seq}), at) for part, seq in offsets.items()]


def stitched_row(log: Log, number: int, at: datetime) -> Row:
    """Return the row that says up to which change of identities the states now are."""
    return _stitched(log), json.dumps({"number": number}), at


def _stitched(log: Log) -> str:
    return f"{RESERVED}stitched/{log.log_id}"


def _name(log: Log, partition: int) -> str:
    """Return the row's id; another log counts from its own beginning."""
    return f"{RESERVED}offset/{log.log_id}/{partition}"
