"""The stream: every new event is folded into its customer's online state, exactly once in effect.

The offset up to which the log was read is written in the same commit as the states that it led to.
So wherever a process ends, the next one goes on from where the states really are.
"""

import logging
import random
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from domain.events import Event
from feature_repo.event_rows import COLUMNS, Row, to_event
from feature_repo.folding import Change, Folding
from feature_repo.loading import load_states
from feature_repo.log import Log
from feature_repo.offsets import offset_rows, read_offsets, read_progress, stitched_row
from feature_repo.online import Exchange, Overtaken
from feature_repo.store import Features

__all__ = ["Change", "Recorder", "Stream", "load_states"]

logger = logging.getLogger(__name__)
RUN = 1_000  # events that are folded in one commit, an equal share of each partition
Given = Mapping[str, Event]  # message id -> event
_NOTHING: Given = {}
_CUSTOMER, _DEVICE = (COLUMNS.index(name) + 1 for name in ("customer_id", "anonymous_id"))
Listener = Callable[[Sequence[Change]], None]


@dataclass(frozen=True, slots=True)
class _Step:
    """One commit: what it changed, and how far each partition is read now."""

    changes: list[Change] = field(default_factory=list)
    offsets: dict[int, int] = field(default_factory=dict)
    moved: bool = False


class Stream:
    """Keeps the online states equal to the fold of the log; any number may work at once."""

    def __init__(
        self,
        log: Log,
        features: Features,
        listeners: Collection[Listener] = (),
        partitions: Collection[int] | None = None,
    ) -> None:
        self._log = log
        self._features = features
        self._listeners = listeners
        self.partitions = range(log.partitions) if partitions is None else partitions
        self.offsets: Mapping[int, int] = {}  # up to which the states held the events, last time

    def advance(self, limit: int = RUN) -> list[Change]:
        """Fold up to about `limit` events in one commit; return what changed."""
        return self._advance(self.partitions, limit).changes

    def catch_up(self) -> int:
        """Fold everything there is; return how many commits it took."""
        count = 0
        while self.moves():
            count += 1
        return count

    def moves(self) -> bool:
        """Fold the next run in one commit; return whether there was anything to fold."""
        step = self._advance(self.partitions, RUN)
        self.offsets = step.offsets
        return step.moved

    def reach(self, wanted: Mapping[int, int], given: Given = _NOTHING) -> None:
        """Return when the states hold the events up to a sequence number, by partition.

        `given` are new events that the caller has at hand, so that they need not be read again. One
        may be gone by now, with the person whose it was; then there is no more to fold.
        """
        limit = RUN if len(wanted) == 1 else 2 * RUN  # a share may be larger than the others
        moved = True
        while wanted and moved:
            step = self._advance(wanted, limit, given)
            wanted = {part: seq for part, seq in wanted.items() if step.offsets[part] < seq}
            moved = step.moved

    def refold(self, profile_ids: Collection[str]) -> None:
        """Fold these profiles anew from the log, as far as it was folded: its past was changed."""
        while profile_ids:
            try:
                with self._features.exchange() as exchange:
                    self._refold(exchange, profile_ids)
                return
            except Overtaken:
                time.sleep(random.uniform(0, 0.005))

    def _refold(self, exchange: Exchange, profile_ids: Collection[str]) -> None:
        folding = Folding(exchange.texts, self._features.remembered)
        now = datetime.now(UTC)
        folding.refold(profile_ids)
        past = _Past(self._log, self._all_offsets(exchange, {}))
        folding.mend(past.trail, past.devices)
        exchange.commit((i, text, now) for i, text in folding.rows())

    def _advance(self, partitions: Collection[int], limit: int, given: Given = _NOTHING) -> _Step:
        """Fold one run; where another process was faster, look again at what is left."""
        while True:
            try:
                with self._features.exchange() as exchange:
                    step = self._fold(exchange, partitions, limit, given)
                break
            except Overtaken:
                time.sleep(random.uniform(0, 0.005))
        self._tell(step.changes)
        return step

    def _fold(
        self, exchange: Exchange, partitions: Collection[int], limit: int, given: Given
    ) -> _Step:
        offsets, known = read_progress(exchange, self._log, partitions)
        found = self._log.rows_since(offsets, -(-limit // len(offsets)))
        runs = {part: rows for part, rows in found.items() if rows}
        number, canonical = self._log.restitched(known)  # after the rows: what follows from them
        if not runs and number == known:
            return _Step(offsets=offsets)
        moved = {part: rows[-1][0] for part, rows in runs.items()}
        offsets |= moved
        folding = Folding(exchange.texts, self._features.remembered)
        folding.stitch(canonical)
        rows = sorted((row for run in runs.values() for row in run), key=lambda row: row[0])
        folding.take([_event_of(row, given) for row in rows])
        if folding.is_broken:
            past = _Past(self._log, self._all_offsets(exchange, offsets))
            folding.mend(past.trail, past.devices)
        now = datetime.now(UTC)
        states = [(i, text, now) for i, text in folding.rows()]
        if number != known:
            states.append(stitched_row(self._log, number, now))
        exchange.commit(states + offset_rows(self._log, moved, now))
        return _Step(folding.changes(), offsets, moved=True)

    def _all_offsets(self, exchange: Exchange, known: Mapping[int, int]) -> dict[int, int]:
        others = [p for p in range(self._log.partitions) if p not in known]
        return {**(read_offsets(exchange, self._log, others) if others else {}), **known}

    def _tell(self, changes: Sequence[Change]) -> None:
        for listener in self._listeners if changes else ():
            try:
                listener(changes)
            except Exception:  # the states are committed; a listener cannot take that back
                logger.exception("a listener failed on %d changes", len(changes))


def _event_of(row: Row, given: Given) -> Event:
    """Return the event of a row; a log may have left out the device of one who was erased."""
    event = given.get(row[1])
    if event is None or (event.customer_id, event.anonymous_id) != (row[_CUSTOMER], row[_DEVICE]):
        return to_event(row[1:])
    return event


class _Past:
    """The log as far as the states have read it."""

    def __init__(self, log: Log, offsets: Mapping[int, int]) -> None:
        self._log = log
        self._offsets = offsets

    def trail(self, subject_id: str, known: bool) -> list[Event]:
        """Return the events of a customer, or of a device while nobody was known on it."""
        until = self._offsets[self._log.partition_of(subject_id)]
        return [e for seq, e in self._log.trail(subject_id, known=known) if seq <= until]

    def devices(self, customer_id: str) -> set[str]:
        """Return every device that the customer was ever seen on, of later events too."""
        found = self._log.trail(customer_id, known=True)
        return {e.anonymous_id for _, e in found if e.anonymous_id}


class Recorder:
    """Stores events, and folds them before it returns, so that the next answer knows of them.

    Any number of recorders may work at once, in any number of processes. With `folds` off it only
    stores; a stream elsewhere folds.
    """

    def __init__(
        self,
        log: Log,
        features: Features,
        listeners: Collection[Listener] = (),
        *,
        folds: bool = True,
    ) -> None:
        self._log = log
        self._stream = Stream(log, features, listeners)
        self._folds = folds

    def record(self, events: Sequence[Event]) -> list[bool]:
        """Store events durably; return for each whether it was new."""
        stored = self._log.store(events)
        if self._folds:
            pairs = zip(events, stored.is_new, strict=True)
            self._stream.reach(stored.reached, {e.message_id: e for e, new in pairs if new})
        return stored.is_new

    def catch_up(self) -> int:
        """Fold what is stored and not yet folded; return how many commits it took."""
        return self._stream.catch_up() if self._folds else 0
