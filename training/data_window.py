"""The data window: from when to when, how much, and a fingerprint that tells data apart."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

import duckdb

from domain.errors import NotEnoughData
from domain.events import from_micros

_SQL = """
    SELECT min(occurred_at), max(occurred_at), count(*),
           bit_xor(hash(message_id, kind, occurred_at)),
           count(DISTINCT coalesce(customer_id, anonymous_id)),
           (SELECT bit_xor(hash(anonymous_id, customer_id, linked_at)) FROM identities),
           (SELECT bit_xor(hash(id, canonical_id, from_at, to_at)) FROM stitches)
    FROM events"""


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
