"""SQLite files that many processes open at once: write-ahead logging, switched on with patience."""

import sqlite3
import time

_PATIENCE_SECONDS = 30.0


def use_wal(db: sqlite3.Connection) -> None:
    """Put a file in WAL mode; wait for others who open it at the same time.

    SQLite does not apply its busy timeout to this switch, so it is tried again here.
    """
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            db.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)
