"""SQLite files that many processes open at once: write-ahead logging, and whole transactions."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

_PATIENCE_SECONDS = 30.0
_CHECKPOINT_PAGES = 8_000  # 32 MB: bringing the log into the file costs syncs and random writes


def use_wal(db: sqlite3.Connection) -> None:
    """Put a file in WAL mode; wait for others who open it at the same time.

    SQLite does not apply its busy timeout to this switch, so it is tried again here.
    """
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            db.execute("PRAGMA journal_mode = WAL")
            db.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
            return
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)


@contextmanager
def taken_back(db: sqlite3.Connection) -> Iterator[None]:
    """Run a transaction to see what would follow; nothing of it stays."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        db.execute("ROLLBACK")


@contextmanager
def all_or_nothing(db: sqlite3.Connection) -> Iterator[None]:
    """Run one transaction; other writers wait, and any failure takes all of it back."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        db.execute("ROLLBACK")
        raise


def compact(path: Path) -> bool:
    """Write a SQLite file anew without what was deleted; False where a reader held it too long."""
    with closing(sqlite3.connect(path, timeout=30, isolation_level=None)) as db:
        try:
            db.execute("VACUUM")
            busy = db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        except sqlite3.OperationalError:
            return False
    return not busy
