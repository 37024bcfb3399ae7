"""How far the states have read the log: rows beside the states, so that one commit moves both."""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime

from feature_repo.log import Log
from feature_repo.online import RESERVED, Row, Texts


def read_offsets(states: Texts, log: Log, partitions: Iterable[int]) -> dict[int, int]:
    """Return by partition the sequence number up to which all events are in the states."""
    names = {part: _name(log, part) for part in partitions}
    texts = states.texts(list(names.values()))
    return {
        part: json.loads(texts[name])["offset"] if name in texts else 0
        for part, name in names.items()
    }


def offset_rows(log: Log, offsets: Mapping[int, int], at: datetime) -> list[Row]:
    """Return the rows that say how far the states now are."""
    return [(_name(log, part), json.dumps({"offset": seq}), at) for part, seq in offsets.items()]


def read_stitched(states: Texts, log: Log) -> int:
    """Return the number of the last change of identities that is in the states."""
    name = _stitched(log)
    text = states.texts([name]).get(name)
    return int(json.loads(text)["number"]) if text else 0


def stitched_row(log: Log, number: int, at: datetime) -> Row:
    """Return the row that says up to which change of identities the states now are."""
    return _stitched(log), json.dumps({"number": number}), at


def _stitched(log: Log) -> str:
    return f"{RESERVED}stitched/{log.log_id}"


def _name(log: Log, partition: int) -> str:
    """Return the row's id; another log counts from its own beginning."""
    return f"{RESERVED}offset/{log.log_id}/{partition}"
