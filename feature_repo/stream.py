"""The stream: every new event is folded into its customer's online state before it is answered."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import reduce
from pathlib import Path

from domain.behaviour import State, fold, merge
from domain.events import Event
from feature_repo.event_log import EventLog, Link, Stored
from feature_repo.states import build_states
from feature_repo.store import Features

_MARK = "states"
_AFTER = timedelta(seconds=1)
_MARK_EVERY = 500  # events between two marks; what lies past the mark is rebuilt at the next start


def load_states(log: EventLog, features: Features, home: Path, *, threads: int = 2) -> int:
    """Write the states of all history, built at once from the lake; return how many."""
    newest, last_at = log.last_seq(), log.summary().last_at
    if last_at is None:
        return 0
    count = 0

    def rows() -> Iterator[tuple[str, str, datetime]]:
        nonlocal count
        now = datetime.now(UTC)
        for profile_id, state in build_states(home, last_at + _AFTER, threads=threads):
            count += 1
            yield profile_id, state, now

    features.write_states(rows())
    log.mark(_MARK, newest)
    return count


class Recorder:
    """Stores events and keeps the online states equal to the fold of the log.

    The log is the truth. The mark says up to which event the states are known to be written;
    profiles with later events are folded anew at start, so a crash loses and doubles nothing.
    One recorder writes at a time.
    """

    def __init__(self, log: EventLog, features: Features) -> None:
        self._log = log
        self._features = features
        self._since_mark = 0

    def record(self, events: Sequence[Event]) -> list[bool]:
        """Store events, fold the new ones; return for each whether it was new."""
        stored = self._log.store(events)
        rebuilt = self._rebuilt(stored.links)
        states = self._merged(stored.links) | rebuilt
        for event, is_new in zip(events, stored.is_new, strict=True):
            profile_id = self._log.profile_id_of(event) if is_new else None
            if profile_id is not None and profile_id not in rebuilt:
                states[profile_id] = fold(self._state_of(profile_id, states), event)
        self._write(states)
        self._advance(len(events), stored)
        return stored.is_new

    def catch_up(self) -> int:
        """Fold anew every profile with events past the mark; return how many there were."""
        newest = self._log.last_seq()
        profiles = self._log.profiles_after(self._log.marked(_MARK))
        for profile_id in profiles:
            self._write({profile_id: self._from_log(profile_id)})
        self._log.mark(_MARK, newest)
        return len(profiles)

    def _advance(self, count: int, stored: Stored) -> None:
        self._since_mark += count
        if self._since_mark >= _MARK_EVERY:
            self._log.mark(_MARK, stored.last_seq)
            self._since_mark = 0

    def _merged(self, links: Sequence[Link]) -> dict[str, State]:
        """Return the states after devices joined their first customer: theirs merge into it."""
        states: dict[str, State] = {}
        for link in links:
            if link.before is None:
                device = self._state_of(link.anonymous_id, states)
                states[link.after] = merge(self._state_of(link.after, states), device)
                states[link.anonymous_id] = State()
        return states

    def _rebuilt(self, links: Sequence[Link]) -> dict[str, State]:
        """Return, folded anew, both customers of a device that an earlier log-in moved."""
        moved = {i for n in links if n.before is not None for i in (n.before, n.after)}
        return {profile_id: self._from_log(profile_id) for profile_id in moved}

    def _state_of(self, profile_id: str, states: dict[str, State]) -> State:
        if profile_id in states:
            return states[profile_id]
        found = self._features.read(profile_id)
        return found.state if found else State()

    def _from_log(self, profile_id: str) -> State:
        return reduce(fold, self._log.events_of(profile_id), State())

    def _write(self, states: dict[str, State]) -> None:
        now = datetime.now(UTC)
        self._features.write_states((i, state.to_json(), now) for i, state in states.items())
