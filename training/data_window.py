"""The data window: from when to when, how much, and a fingerprint that tells data apart."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

import duckdb

from domain.errors import NotEnoughData
from domain.events import from_micros, to_micros

_SQL = """
    SELECT min(occurred_at), max(occurred_at), count(*),
           bit_xor(hash(message_id, kind, occurred_at)),
           count(DISTINCT coalesce(customer_id, anonymous_id)),
           (SELECT bit_xor(hash(anonymous_id, customer_id, linked_at)) FROM identities
            WHERE linked_at <= (SELECT max(occurred_at) FROM events)),
           (SELECT bit_xor(hash(id, canonical_id, from_at,
                                to_at <= (SELECT max(occurred_at) FROM events))) FROM stitches
            WHERE from_at <= (SELECT max(occurred_at) FROM events))
    FROM events"""

SKETCH = 128  # events of a sketch
_SKETCH = f"""
    SELECT left(md5(concat_ws('|', message_id, kind, occurred_at, value)), 12) AS mark
    FROM events WHERE occurred_at BETWEEN ? AND ? ORDER BY mark LIMIT {SKETCH}"""


@dataclass(frozen=True, slots=True)
class DataWindow:
    """What a model was learned from; `fingerprint` is equal for equal events and links."""

    first_at: datetime
    last_at: datetime
    events: int
    ids: int  # customer ids, and device ids of unknown visitors
    fingerprint: str

    @property
    def end(self) -> datetime:
        """The end of the last whole day (UTC): no label window reaches beyond it."""
        return self.last_at.replace(hour=0, minute=0, second=0, microsecond=0)

    @property
    def days(self) -> float:
        """Length of the history in days, up to `end`."""
        return (self.end - self.first_at) / timedelta(days=1)


def data_window(db: duckdb.DuckDBPyConnection) -> DataWindow:
    """Return the window of all events of the lake."""
    row = db.execute(_SQL).fetchone()
    if row is None or row[0] is None:
        raise NotEnoughData(
            "there are no events yet; run `nextbest import` or `nextbest demo` first"
        )
    first, last, events, mix, ids, *joins = row
    digest = sha256(f"{first} {last} {events} {mix} {joins}".encode()).hexdigest()[:16]
    return DataWindow(from_micros(first), from_micros(last), events, ids, digest)


def sketch(db: duckdb.DuckDBPyConnection, first_at: datetime, last_at: datetime) -> list[str]:
    """Return the marks of some events of these times: equal events give equal marks.

    They are the smallest of all marks, so two sketches tell how much two histories share
    (bottom-k sketch: Cohen and Kaplan 2007).
    """
    between = [to_micros(first_at), to_micros(last_at)]
    return [str(mark) for (mark,) in db.execute(_SKETCH, between).fetchall()]


def shared(one: list[str], other: list[str]) -> float:
    """Return the share of events that two sketches of the same times have in common, 0 to 1."""
    union = sorted({*one, *other})[:SKETCH]
    both = {*one} & {*other}
    return sum(mark in both for mark in union) / len(union) if union else 0.0
