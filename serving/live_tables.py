"""The file `live.sqlite`: membership, journal, due times and deliveries, moved in one transaction.

It stands apart from `control.sqlite`, whose readers look again at each change. It holds the secrets
of webhooks, so only its owner may read it.
"""

import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from feature_repo.wal import all_or_nothing, reaching_file, use_wal

_SCHEMA = """
CREATE TABLE IF NOT EXISTS versions (
    segment TEXT PRIMARY KEY, version INTEGER NOT NULL,
    rule TEXT,                       -- JSON; NULL when the segment is gone
    started_at INTEGER NOT NULL      -- microseconds since 1970, like all instants here
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS members (
    segment TEXT, profile TEXT, since INTEGER NOT NULL, PRIMARY KEY (segment, profile)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS members_profile ON members (profile);
CREATE TABLE IF NOT EXISTS journal (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, segment TEXT NOT NULL, version INTEGER NOT NULL,
    profile TEXT NOT NULL, op TEXT NOT NULL, at INTEGER NOT NULL, cause TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS journal_segment ON journal (segment, seq);
CREATE INDEX IF NOT EXISTS journal_profile ON journal (profile);
CREATE TABLE IF NOT EXISTS due (
    profile TEXT, segment TEXT, at INTEGER NOT NULL, PRIMARY KEY (profile, segment)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS due_at ON due (at);
CREATE TABLE IF NOT EXISTS profiles (profile TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS links (
    device TEXT, customer TEXT, PRIMARY KEY (device, customer)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS sweeps (      -- segments to be asked of everybody, in order of id
    segment TEXT, cause TEXT, reached TEXT NOT NULL, PRIMARY KEY (segment, cause)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS progress (what TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS lease (
    name TEXT PRIMARY KEY, holder TEXT NOT NULL, until INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS webhooks (
    id TEXT PRIMARY KEY, url TEXT NOT NULL, segments TEXT NOT NULL,  -- JSON; [] means all
    secret TEXT NOT NULL, created_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS outbox (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, webhook TEXT NOT NULL,
    body TEXT NOT NULL, created_at INTEGER NOT NULL, attempts INTEGER NOT NULL DEFAULT 0,
    next_at INTEGER NOT NULL, dead_at INTEGER, error TEXT
);
CREATE INDEX IF NOT EXISTS outbox_waiting ON outbox (webhook, seq) WHERE dead_at IS NULL;
CREATE INDEX IF NOT EXISTS outbox_dead ON outbox (webhook, seq) WHERE dead_at IS NOT NULL;
"""


class LiveTables:
    """One connection for all threads of a process, a transaction has it alone; one more looks."""

    def __init__(self, home: Path) -> None:
        home.mkdir(parents=True, exist_ok=True)
        path = self._path = home / "live.sqlite"
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        self._lock = threading.RLock()
        self._db = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
        use_wal(self._db)
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.executescript(_SCHEMA)
        self._looking_lock = threading.Lock()
        self._looking = sqlite3.connect(
            path, timeout=30, isolation_level=None, check_same_thread=False
        )

    def rows(self, sql: str, params: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Return what a statement yields."""
        with self._lock:
            return self._db.execute(sql, params).fetchall()

    def look(self, sql: str, params: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Return what a statement yields of all that is committed, waiting for no transaction."""
        with self._looking_lock:
            return self._looking.execute(sql, params).fetchall()

    def change(self, sql: str, params: Sequence[Any] = ()) -> int:
        """Run one statement; return how many rows it changed."""
        with self._lock:
            return self._db.execute(sql, params).rowcount

    def change_many(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        """Run one statement for each row."""
        if rows:
            with self._lock:
                self._db.executemany(sql, rows)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All of it or nothing; other threads and processes wait."""
        with self._lock, reaching_file(self._path), all_or_nothing(self._db):
            yield

    def note(self, what: str) -> str | None:
        """Return a noted progress, or None."""
        found = self.rows("SELECT value FROM progress WHERE what = ?", (what,))
        return str(found[0][0]) if found else None

    def put_note(self, what: str, value: str) -> None:
        """Note a progress."""
        self.change("INSERT OR REPLACE INTO progress VALUES (?, ?)", (what, value))

    def close(self) -> None:
        """Close the file."""
        with self._lock, self._looking_lock:
            self._looking.close()
            self._db.close()


def marks(values: Sequence[Any]) -> str:
    """Return one question mark per value, for IN (...)."""
    return ", ".join("?" * len(values))
