"""The event log in SQLite: every event once, durable before the answer; all else follows."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from domain.events import Event, from_micros
from domain.identity import MAX_PROFILES
from domain.items import Item
from domain.stitching import FOREVER
from feature_repo.consumers import Consumer, PartitionLag, WholeLog
from feature_repo.event_rows import COLUMNS, Row, item_to_row, to_event, to_item, to_row
from feature_repo.log import Appended, LogSummary, Stored, Together
from feature_repo.log_persons import LogPersons
from feature_repo.wal import taken_back

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
CREATE INDEX IF NOT EXISTS events_decision ON events (kind, at) WHERE decision_id IS NOT NULL;
CREATE TABLE IF NOT EXISTS about (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS items (
    item_id TEXT PRIMARY KEY, updated_at INTEGER NOT NULL, title TEXT NOT NULL, category TEXT,
    brand TEXT, price REAL, in_stock INTEGER NOT NULL, attributes TEXT
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS item_changes (item_id TEXT PRIMARY KEY, change INTEGER NOT NULL)
    WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS item_changes_in_order ON item_changes (change);
CREATE TRIGGER IF NOT EXISTS item_added AFTER INSERT ON items BEGIN
    INSERT INTO item_changes
    VALUES (new.item_id, 1 + (SELECT coalesce(max(change), 0) FROM item_changes))
    ON CONFLICT (item_id) DO UPDATE SET change = excluded.change;
END;
CREATE TRIGGER IF NOT EXISTS item_changed AFTER UPDATE ON items
WHEN (old.title, old.category, old.brand, old.price, old.in_stock, old.attributes)
  IS NOT (new.title, new.category, new.brand, new.price, new.in_stock, new.attributes) BEGIN
    INSERT INTO item_changes
    VALUES (new.item_id, 1 + (SELECT coalesce(max(change), 0) FROM item_changes))
    ON CONFLICT (item_id) DO UPDATE SET change = excluded.change;
END;
"""

_ITEM = "i.item_id, updated_at, title, category, brand, price, in_stock, attributes"
_INSERT = (
    f"INSERT OR IGNORE INTO events ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))})"
)
_LINK = """
INSERT INTO identities (anonymous_id, customer_id, at)
SELECT anonymous_id, customer_id, at FROM events
WHERE seq > ? AND anonymous_id IS NOT NULL AND customer_id IS NOT NULL
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
_DEVICES = "SELECT anonymous_id FROM identities WHERE customer_id = ?"
_PAGE = 2_000


class EventLog(LogPersons):
    """SQLite in WAL mode under `<home>/log`; safe for many threads and processes."""

    def __init__(
        self, home: Path, identity_max_profiles: int = MAX_PROFILES, calling_code: str = ""
    ) -> None:
        super().__init__(home, identity_max_profiles, calling_code)
        self._db.executescript(_SCHEMA)
        self.log_id = self._named()
        self.partitions = 1

    def _named(self) -> str:
        """Return the name of this log; the first to open it gives one."""
        asked = "SELECT value FROM about WHERE name = 'log_id'"
        if not self._rows(asked):  # only then wait for other writers
            self._rows("INSERT OR IGNORE INTO about VALUES ('log_id', lower(hex(randomblob(8))))")
        return str(self._rows(asked)[0][0])

    def append(self, events: Iterable[Event], items: Iterable[Item] = ()) -> Appended:
        """Store events (and items) in one transaction: all of them, or on any failure none."""
        given = 0

        def counted() -> Iterator[Row]:
            nonlocal given
            for event in events:
                given += 1
                if (kept := admitted(event)) is not None:
                    yield to_row(kept)

        with self._transaction():
            before, admitted = self.last_seq(), self._marks.screen()
            changes = self._db.total_changes
            self._db.executemany(_INSERT, counted())
            stored = self._db.total_changes - changes
            self._db.execute(_LINK, (before,))
            self._keys.learn(before)
            self._db.executemany(_PUT_ITEM, map(item_to_row, items))
        return Appended(stored, given - stored)

    def store(self, events: Sequence[Event]) -> Stored:
        """Store a few events in one transaction and say for each whether it is new."""
        with self._transaction():
            admitted = self._marks.screen()
            kept = [admitted(event) for event in events]
            is_new = self._learn_all(kept)
            reached = self.last_seq()
        return Stored(is_new, {0: reached})

    def together_with(
        self, events: Sequence[Event], customer_id: str | None, anonymous_id: str | None
    ) -> Together:
        """Return who a person would be if these events were stored; nothing is stored."""
        with self._lock, taken_back(self._db):
            self._learn_all(events)
            owner = customer_id or self.customer_of(anonymous_id or "") or anonymous_id or ""
            customers = self.members_of(self.canonical_of(owner))
            found = [self._rows(_DEVICES, (customer,)) for customer in customers]
        return Together(tuple(customers), tuple(row[0] for rows in found for row in rows))

    def put_items(self, items: Iterable[Item]) -> None:
        """Add items, or replace those with an older `updated_at`; all or none."""
        self.append((), items)

    def item_changes(self) -> int:
        """Return the number of the last change of the catalogue, 0 if there never was an item."""
        return int(self._rows("SELECT coalesce(max(change), 0) FROM item_changes")[0][0])

    def items_since(self, change: int) -> list[Item]:
        """Return the items, as they are now, that changed behind that number."""
        rows = self._rows(
            f"SELECT {_ITEM} FROM item_changes c JOIN items i USING (item_id) "
            "WHERE c.change > ? ORDER BY c.change", (change,),
        )  # fmt: skip
        return [to_item(row) for row in rows]

    def last_seq(self) -> int:
        """Return the sequence number of the newest event, 0 when there is none."""
        return int(self._rows("SELECT coalesce(max(seq), 0) FROM events")[0][0])

    def rows_after(self, seq: int, limit: int) -> list[Row]:
        """Return up to `limit` raw rows (seq, *COLUMNS) with a larger sequence number, in order."""
        return self._rows(
            f"SELECT seq, {', '.join(COLUMNS)} FROM events WHERE seq > ? ORDER BY seq LIMIT ?",
            (seq, limit),
        )

    def rows_since(self, offsets: Mapping[int, int], limit: int) -> dict[int, list[Row]]:
        """Return up to `limit` raw rows behind the offset; all events are in partition 0."""
        return {part: self.rows_after(seq, limit) for part, seq in offsets.items()}

    def partition_of(self, subject_id: str) -> int:
        """Return 0: one file, one partition."""
        return 0

    def consumer(self) -> Consumer:
        """Return a consumer of the whole log."""
        return WholeLog(self.last_seq, self.partitions)

    def lag(self) -> list[PartitionLag]:
        """Return nothing: consumers of a file tell nobody how far they are."""
        return []

    def trail(self, subject_id: str, *, known: bool) -> list[tuple[int, Event]]:
        """Return (seq, event) of a customer id (`known`), or of a device while nobody was known."""
        where = "customer_id = ?" if known else "customer_id IS NULL AND anonymous_id = ?"
        rows = self._rows(
            f"SELECT seq, {', '.join(COLUMNS)} FROM events WHERE {where}", (subject_id,)
        )
        return [(row[0], to_event(row[1:])) for row in rows]

    def events_of(
        self, profile_id: str, limit: int | None = None, kinds: Collection[str] = ()
    ) -> list[Event]:
        """Return the events of one profile, with all its ids and devices, newest first.

        `kinds` keeps to these kinds of event; empty means all.
        """
        names = {f"kind{n}": kind for n, kind in enumerate(kinds)}
        only = f"AND kind IN ({', '.join(f':{name}' for name in names)})" if names else ""
        rows = self._rows(
            f"""
            WITH who (id) AS (
                SELECT :id UNION
                SELECT id FROM stitches WHERE canonical_id = :id AND to_at = {FOREVER})
            SELECT {", ".join(COLUMNS)} FROM events WHERE customer_id IN who {only}
            UNION ALL
            SELECT {", ".join(COLUMNS)} FROM events
            WHERE customer_id IS NULL AND anonymous_id IN (
                SELECT anonymous_id FROM identities WHERE customer_id IN who UNION
                SELECT id FROM who) {only}
            ORDER BY at DESC, message_id DESC LIMIT :limit
            """,
            {"id": profile_id, "limit": -1 if limit is None else limit, **names},
        )
        return [to_event(row) for row in rows]

    def stored_ids(self, message_ids: Iterable[str]) -> set[str]:
        """Return those of the message ids that are in the log already."""
        sql = "SELECT message_id FROM events WHERE message_id = ?"
        return {str(row[0]) for i in message_ids for row in self._rows(sql, (i,))}

    def rows_with(self, message_ids: Sequence[str]) -> list[Row]:
        """Return the rows (seq, *COLUMNS) with these message ids, in no order."""
        sql = f"SELECT seq, {', '.join(COLUMNS)} FROM events WHERE message_id = ?"
        return [row for i in message_ids for row in self._rows(sql, (i,))]

    def with_decision(self, kind: str, since: int, until: int) -> Iterator[Row]:
        """Yield rows (seq, *COLUMNS) of a kind with a decision id, by time (µs, `until` not in).

        They are read in pages, so that other readers have their turn.
        """
        at, seq = since, 0
        while rows := self._rows(
            f"SELECT seq, {', '.join(COLUMNS)} FROM events WHERE decision_id IS NOT NULL "
            "AND kind = ? AND at >= ? AND at < ? AND (at > ? OR seq > ?) ORDER BY at, seq LIMIT ?",
            (kind, at, until, at, seq, _PAGE),
        ):
            yield from rows
            seq, at = rows[-1][0], rows[-1][3]

    def items(self) -> Iterator[Item]:
        """Yield the catalogue in item id order."""
        return map(to_item, self._rows(f"SELECT {_ITEM} FROM items i ORDER BY item_id"))

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

    def _learn_all(self, events: Sequence[Event | None]) -> list[bool]:
        """Insert events and take note of all that follows from them; say which were new."""
        before = self.last_seq()
        is_new = [event is not None and self._insert(event) for event in events]
        self._db.execute(_LINK, (before,))
        self._keys.learn(before)
        return is_new

    def _insert(self, event: Event) -> bool:
        return self._db.execute(_INSERT, to_row(event)).rowcount == 1
