"""What came of a load: what was sent, acknowledged and found, and whether the states are right."""

from collections import Counter
from contextlib import closing
from dataclasses import dataclass, fields

from once import pairs
from test_monoid import assert_same

from feature_repo.backends import open_features, open_log
from feature_repo.event_rows import to_event
from feature_repo.offsets import read_offsets
from feature_repo.stream import Stream
from serving.collector import to_event as read


@dataclass(frozen=True)
class Tally:
    """One row of the table; all but the first three numbers must be 0."""

    fault: str
    back_end: str
    sent: int  # distinct events
    acknowledged: int
    found: int  # in the log, as they were sent
    doubled: int
    missing: int  # acknowledged, but not found as they were sent
    states_wrong: int
    unfolded: int  # runs of the log that the service had left unfolded when it was stopped

    @property
    def is_clean(self):
        return not any((self.doubled, self.missing, self.states_wrong, self.unfolded))

    def row(self):
        return {f.name.replace("_", " "): getattr(self, f.name) for f in fields(self)}


def count(fault, settings, *crowds):
    """Compare log and states with what the crowds sent; the service has ended by now."""
    sent = {i: m for crowd in crowds for i, m in crowd.sent.items()}
    acknowledged = set().union(*(crowd.acknowledged for crowd in crowds))
    told = sum((crowd.told_stored for crowd in crowds), Counter())
    with closing(open_log(settings)) as log, closing(open_features(settings)) as features:
        unfolded = Stream(log, features).catch_up()
        events = [to_event(row[1:]) for row in log.rows_after(0, 10_000_000)]
        events.sort(key=lambda e: (e.at, e.message_id))  # however they came, folded in order
        times = Counter(e.message_id for e in events)
        intact = {
            e.message_id
            for e in events
            if e.message_id in sent and read(sent[e.message_id], e.received_at) == e
        }
        return Tally(
            fault=fault,
            back_end="SQLite" if settings.event_log == "sqlite" else "Redis",
            sent=len(sent),
            acknowledged=len(acknowledged),
            found=len(intact),
            doubled=_doubled(times, told),
            missing=len(acknowledged - intact),
            states_wrong=sum(map(_differ, pairs(log, features, events).values())),
            unfolded=unfolded,
        )


def is_folded(settings):
    """Return whether the states hold all that the log holds."""
    with closing(open_log(settings)) as log, closing(open_features(settings)) as features:
        with features.exchange() as exchange:
            offsets = read_offsets(exchange, log, range(log.partitions))
        return not any(log.rows_since(offsets, 1).values())


def _doubled(times, told):
    """Return how often an event was stored, or said to be stored, once too often."""
    return sum(n - 1 for n in [*times.values(), *told.values()] if n > 1)


def _differ(pair):
    try:
        assert_same(*pair)
    except AssertionError:
        return True
    return False
