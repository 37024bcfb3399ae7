"""The event log: every event once, durable before the answer; all else can be rebuilt from it."""

import json
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from domain.events import Event, Line, from_micros, to_micros
from domain.items import Item

COLUMNS = (
    "message_id", "kind", "at", "received_at", "customer_id", "anonymous_id", "order_id", "value",
    "currency", "channel", "device", "campaign", "decision_id", "lines", "properties", "traits",
    "consent",
)  # fmt: skip

_SCHEMA = """
CREATE TABLE IF NOT EXISTS events (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    message_id TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    at INTEGER NOT NULL,           -- microseconds since 1970, UTC
    received_at INTEGER NOT NULL,
    customer_id TEXT, anonymous_id TEXT, order_id TEXT,
    value REAL, currency TEXT, channel TEXT, device TEXT, campaign TEXT, decision_id TEXT,
    lines TEXT, properties TEXT, traits TEXT, consent TEXT  -- JSON or NULL
);
CREATE INDEX IF NOT EXISTS events_customer ON events (customer_id, at)
    WHERE customer_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS events_device ON events (anonymous_id, at)
    WHERE anonymous_id IS NOT NULL;
CREATE TABLE IF NOT EXISTS identities (
    anonymous_id TEXT PRIMARY KEY, customer_id TEXT NOT NULL, at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS marks (name TEXT PRIMARY KEY, seq INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS items (
    item_id TEXT PRIMARY KEY, updated_at INTEGER NOT NULL, title TEXT NOT NULL, category TEXT,
    brand TEXT, price REAL, in_stock INTEGER NOT NULL, attributes TEXT
) WITHOUT ROWID;
"""

_INSERT = (
    f"INSERT OR IGNORE INTO events ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))})"
)
_LINK = """
INSERT INTO identities (anonymous_id, customer_id, at) VALUES (?, ?, ?)
ON CONFLICT (anonymous_id) DO UPDATE SET customer_id = excluded.customer_id, at = excluded.at
WHERE excluded.at < identities.at
   OR (excluded.at = identities.at AND excluded.customer_id < identities.customer_id)
"""
_PUT_ITEM = """
INSERT INTO items (item_id, updated_at, title, category, brand, price, in_stock, attributes)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (item_id) DO UPDATE SET updated_at = excluded.updated_at, title = excluded.title,
    category = excluded.category, brand = excluded.brand, price = excluded.price,
    in_stock = excluded.in_stock, attributes = excluded.attributes
WHERE excluded.updated_at >= items.updated_at
"""
_BATCH = 10_000


@dataclass(frozen=True, slots=True)
class Appended:
    """What an append did: `stored` new events, `duplicates` whose message_id was there already."""

    stored: int
    duplicates: int


@dataclass(frozen=True, slots=True)
class Link:
    """A device's customer changed from `before` (None: it had none) to `after`."""

    anonymous_id: str
    before: str | None
    after: str


@dataclass(frozen=True, slots=True)
class Stored:
    """What `store` did: per event whether it is new, the links that changed, the newest seq."""

    is_new: list[bool]
    links: list[Link]
    last_seq: int


@dataclass(frozen=True, slots=True)
class LogSummary:
    """What the log holds."""

    events: int
    customers: int
    devices: int
    items: int
    first_at: datetime | None
    last_at: datetime | None


class EventLog:
    """SQLite in WAL mode under `<home>/log`; safe for many threads and processes."""

    def __init__(self, home: Path) -> None:
        self.path = home / "log" / "events.sqlite"
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.RLock()
        self._db = sqlite3.connect(
            self.path, timeout=30, isolation_level=None, check_same_thread=False
        )
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.execute("PRAGMA cache_size = -65536")
        self._db.executescript(_SCHEMA)

    def append(self, events: Iterable[Event], items: Iterable[Item] = ()) -> Appended:
        """Store events (and items) in one transaction: all of them, or on any failure none."""
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                counts = self._insert(events)
                self._put(items)
                self._db.execute("COMMIT")
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
        return counts

    def store(self, events: Sequence[Event]) -> Stored:
        """Store a few events in one transaction and say for each whether it is new."""
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                is_new = [self._db.execute(_INSERT, _to_row(e)).rowcount == 1 for e in events]
                links = [link for e in events if (link := self._link(e)) is not None]
                self._db.execute("COMMIT")
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            return Stored(is_new, links, self.last_seq())

    def _link(self, event: Event) -> Link | None:
        """Link the event's device to its customer; return the change, if it is one."""
        if not (event.customer_id and event.anonymous_id):
            return None
        before = self.customer_of(event.anonymous_id)
        self._db.execute(_LINK, (event.anonymous_id, event.customer_id, to_micros(event.at)))
        after = self.customer_of(event.anonymous_id)
        if after is None or before == after:
            return None
        return Link(event.anonymous_id, before, after)

    def put_items(self, items: Iterable[Item]) -> None:
        """Add items, or replace those with an older `updated_at`; all or none."""
        self.append((), items)

    def _insert(self, events: Iterable[Event]) -> Appended:
        given = 0
        before = self._db.total_changes
        batch: list[tuple[Any, ...]] = []
        links: list[tuple[str, str, int]] = []
        for event in events:
            given += 1
            batch.append(_to_row(event))
            if event.customer_id and event.anonymous_id:
                links.append((event.anonymous_id, event.customer_id, to_micros(event.at)))
            if len(batch) == _BATCH:
                self._db.executemany(_INSERT, batch)
                batch.clear()
        self._db.executemany(_INSERT, batch)
        stored = self._db.total_changes - before
        self._db.executemany(_LINK, links)
        return Appended(stored, given - stored)

    def _put(self, items: Iterable[Item]) -> None:
        self._db.executemany(
            _PUT_ITEM,
            (
                (
                    i.item_id, to_micros(i.updated_at), i.title, i.category, i.brand, i.price,
                    int(i.in_stock), _json(i.attributes),
                )
                for i in items
            ),
        )  # fmt: skip

    def last_seq(self) -> int:
        """Return the sequence number of the newest event, 0 when there is none."""
        return int(self._rows("SELECT coalesce(max(seq), 0) FROM events")[0][0])

    def rows_after(self, seq: int, limit: int) -> list[tuple[Any, ...]]:
        """Return up to `limit` raw rows (seq, *COLUMNS) with a larger sequence number, in order."""
        return self._rows(
            f"SELECT seq, {', '.join(COLUMNS)} FROM events WHERE seq > ? ORDER BY seq LIMIT ?",
            (seq, limit),
        )

    def events_of(self, profile_id: str, limit: int | None = None) -> list[Event]:
        """Return the events of one profile, its linked devices included, newest first."""
        rows = self._rows(
            f"""
            SELECT {", ".join(COLUMNS)} FROM events WHERE customer_id = :id
            UNION ALL
            SELECT {", ".join(COLUMNS)} FROM events
            WHERE customer_id IS NULL AND anonymous_id IN (
                SELECT anonymous_id FROM identities WHERE customer_id = :id UNION SELECT :id)
            ORDER BY at DESC, message_id DESC LIMIT :limit
            """,
            {"id": profile_id, "limit": -1 if limit is None else limit},
        )
        return [_to_event(row) for row in rows]

    def customer_of(self, anonymous_id: str) -> str | None:
        """Return the customer a device was linked to, or None."""
        found = self._rows(
            "SELECT customer_id FROM identities WHERE anonymous_id = ?", (anonymous_id,)
        )
        return str(found[0][0]) if found else None

    def profile_id_of(self, event: Event) -> str | None:
        """Return the profile an event belongs to by what is known now; None for item-only lines."""
        if event.customer_id or not event.anonymous_id:
            return event.customer_id
        return self.customer_of(event.anonymous_id) or event.anonymous_id

    def profiles_after(self, seq: int) -> set[str]:
        """Return the profiles with an event stored after sequence number `seq`."""
        return {
            str(row[0])
            for row in self._rows(
                """
                SELECT DISTINCT coalesce(e.customer_id, i.customer_id, e.anonymous_id)
                FROM events e LEFT JOIN identities i
                  ON e.customer_id IS NULL AND i.anonymous_id = e.anonymous_id
                WHERE e.seq > ? AND (e.customer_id IS NOT NULL OR e.anonymous_id IS NOT NULL)
                """,
                (seq,),
            )
        }

    def mark(self, name: str, seq: int) -> None:
        """Remember that the reader `name` has taken in all events up to `seq`."""
        with self._lock:
            self._db.execute("INSERT OR REPLACE INTO marks VALUES (?, ?)", (name, seq))

    def marked(self, name: str) -> int:
        """Return up to where the reader `name` has read, 0 when it never did."""
        found = self._rows("SELECT seq FROM marks WHERE name = ?", (name,))
        return int(found[0][0]) if found else 0

    def identities(self) -> list[tuple[str, str, int]]:
        """Return (anonymous_id, customer_id, linked at in microseconds) of every link."""
        return self._rows("SELECT anonymous_id, customer_id, at FROM identities ORDER BY 1")

    def items(self) -> Iterator[Item]:
        """Yield the catalogue in item id order."""
        for row in self._rows(
            "SELECT item_id, updated_at, title, category, brand, price, in_stock, attributes "
            "FROM items ORDER BY item_id"
        ):
            yield Item(
                row[0], row[2], from_micros(row[1]), row[3], row[4], row[5], bool(row[6]),
                json.loads(row[7] or "{}"),
            )  # fmt: skip

    def summary(self) -> LogSummary:
        """Count what is there."""
        events, first, last = self._rows("SELECT count(*), min(at), max(at) FROM events")[0]
        customers = self._rows("SELECT count(DISTINCT customer_id) FROM events")[0][0]
        devices = self._rows("SELECT count(DISTINCT anonymous_id) FROM events")[0][0]
        items = self._rows("SELECT count(*) FROM items")[0][0]
        return LogSummary(
            events, customers, devices, items,
            None if first is None else from_micros(first),
            None if last is None else from_micros(last),
        )  # fmt: skip

    def close(self) -> None:
        """Close the file; the log cannot be used afterwards."""
        with self._lock:
            self._db.close()

    def _rows(self, sql: str, params: Any = ()) -> list[tuple[Any, ...]]:
        with self._lock:
            return self._db.execute(sql, params).fetchall()


def _json(value: Any) -> str | None:
    return (
        json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        if value
        else None
    )


def _to_row(event: Event) -> tuple[Any, ...]:
    lines = [
        {"item_id": n.item_id, "quantity": n.quantity, "unit_price": n.unit_price,
         "category": n.category, "brand": n.brand}
        for n in event.lines
    ]  # fmt: skip
    return (
        event.message_id, event.kind, to_micros(event.at), to_micros(event.received_at),
        event.customer_id, event.anonymous_id, event.order_id, event.value, event.currency,
        event.channel, event.device, event.campaign, event.decision_id, _json(lines),
        _json(dict(event.properties)), _json(dict(event.traits)), _json(dict(event.consent)),
    )  # fmt: skip


def _to_event(row: tuple[Any, ...]) -> Event:
    return Event(
        message_id=row[0], kind=row[1], at=from_micros(row[2]), received_at=from_micros(row[3]),
        customer_id=row[4], anonymous_id=row[5], order_id=row[6], value=row[7], currency=row[8],
        channel=row[9], device=row[10], campaign=row[11], decision_id=row[12],
        lines=tuple(Line(**line) for line in json.loads(row[13] or "[]")),
        properties=json.loads(row[14] or "{}"), traits=json.loads(row[15] or "{}"),
        consent=json.loads(row[16] or "{}"),
    )  # fmt: skip
