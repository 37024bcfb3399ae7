"""SQLite files that many processes open at once: write-ahead logging, and whole transactions."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from domain.errors import StoreUnavailable

_PATIENCE_SECONDS = 30.0
_CHECKPOINT_PAGES = 8_000  # 32 MB: bringing the log into the file costs syncs and random writes
_REFUSALS = {  # primary result code of SQLite -> what is the matter, and the cure
    sqlite3.SQLITE_FULL: "the disk is full; make room there",
    sqlite3.SQLITE_IOERR: "the disk does not take it; see that it has room and is well",
    sqlite3.SQLITE_CANTOPEN: "the disk does not open it; see that it has room and is well",
    sqlite3.SQLITE_READONLY: "the disk is read only; mount it for writing",
    sqlite3.SQLITE_BUSY: "another process on this disk keeps it for too long; end that one",
}


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
        _roll_back(db)


@contextmanager
def all_or_nothing(db: sqlite3.Connection) -> Iterator[None]:
    """Run one transaction; other writers wait, and any failure takes all of it back."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        _roll_back(db)
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


def _roll_back(db: sqlite3.Connection) -> None:
    if db.in_transaction:  # on a full disk SQLite has taken it back by itself
        db.execute("ROLLBACK")


@contextmanager
def reaching_file(path: Path) -> Iterator[None]:
    """Turn a disk that refuses a write into the error that every store of ours may raise."""
    try:
        yield
    except sqlite3.OperationalError as fault:
        refusal = _REFUSALS.get(getattr(fault, "sqlite_errorcode", 0) & 0xFF)
        if refusal is None:
            raise
        raise StoreUnavailable(f"{path} cannot be written ({fault}): {refusal}") from fault
