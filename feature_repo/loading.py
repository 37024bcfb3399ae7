"""The states of all history at once, built from the lake: what a stream goes on from."""

import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from feature_repo.event_rows import COLUMNS
from feature_repo.kept import Kept, Link, with_ties
from feature_repo.lake import exported_seq, stitches_number
from feature_repo.log import Log
from feature_repo.offsets import offset_rows, read_offsets, stitched_row
from feature_repo.online import Overtaken
from feature_repo.states import LakeStates
from feature_repo.store import Features

_END = datetime(9999, 1, 1, tzinfo=UTC)
_PAGE = 10_000
_CUSTOMER, _DEVICE = (COLUMNS.index(n) + 1 for n in ("customer_id", "anonymous_id"))  # seq first


def load_states(log: Log, features: Features, home: Path, *, threads: int = 2) -> int:
    """Write the states of all events in the lake, and that the states are so far; return how many.

    It is one commit: whoever reads sees the states before it or after it, and streams that record
    meanwhile wait, then fold the events behind the lake.
    """
    while exported_seq(home):
        try:
            return _load(log, features, home, threads)
        except Overtaken:  # only where this process stood still for longer than others wait
            continue
    return 0


def _load(log: Log, features: Features, home: Path, threads: int) -> int:
    until = exported_seq(home)
    with LakeStates(home, _END, until=until, threads=threads) as lake:
        loaded = _Loaded(lake)
        with features.exchange() as exchange:
            parts = range(log.partitions)
            loaded.ahead = _ids_between(log, until, read_offsets(exchange, log, parts))
            now = datetime.now(UTC)
            offsets = offset_rows(log, dict.fromkeys(parts, until), now)
            offsets.append(stitched_row(log, stitches_number(home), now))
            texts = _without_erased(log, loaded.texts())
            exchange.commit(itertools.chain(((i, t, now) for i, t in texts), offsets))
    return loaded.profiles


def _without_erased(log: Log, texts: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Leave out who was erased since the lake was read; one erased later is removed after this."""
    waiting = iter(texts)
    while page := list(itertools.islice(waiting, _PAGE)):
        gone = log.erased_among(i for i, _ in page)
        yield from ((i, text) for i, text in page if i not in gone)


class _Loaded:
    """What the lake says of every id, each once; the work is done before others must wait."""

    def __init__(self, lake: LakeStates) -> None:
        self._ties = _ties(lake)
        states = lake.states()
        self._states = itertools.chain(list(itertools.islice(states, 1)), states)
        self.ahead: set[str] = set()  # ids of later events that the states know already
        self.profiles = 0

    def texts(self) -> Iterator[tuple[str, str]]:
        """Yield states, then ids that have only ties to others, then ids the lake has not met."""
        for profile_id, text in self._states:
            self.profiles += 1
            self.ahead.discard(profile_id)
            kept = self._ties.pop(profile_id, None)
            yield profile_id, text if kept is None else with_ties(text, kept)
        for tied, kept in self._ties.items():
            self.ahead.discard(tied)
            yield tied, kept.to_text()
        for unmet in self.ahead:  # their events are folded again
            yield unmet, Kept().to_text()


def _ties(lake: LakeStates) -> dict[str, Kept]:
    """Return by id whose device it is, what it goes by, and who goes by it."""
    ties = {device: Kept(link=Link(at, customer)) for device, customer, at in lake.links()}
    for i, canonical in lake.stitches():
        ties[i] = replace(ties.get(i, Kept()), canonical=canonical)
        there = ties.get(canonical, Kept())
        ties[canonical] = replace(there, members=there.members | {i})
    return ties


def _ids_between(log: Log, after: int, offsets: Mapping[int, int]) -> set[str]:
    """Return the ids of the events behind `after` that are folded already."""
    found: set[str] = set()
    for part, until in offsets.items():
        seq = after
        while seq < until and (rows := log.rows_since({part: seq}, _PAGE)[part]):
            found |= _ids(row for row in rows if row[0] <= until)
            seq = rows[-1][0]
    return found


def _ids(rows: Iterable[tuple[object, ...]]) -> set[str]:
    return {str(i) for row in rows for i in (row[_CUSTOMER], row[_DEVICE]) if i is not None}
