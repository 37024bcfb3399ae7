"""Values online in Feast's SQLite store: one file, one writer at a time, readers never wait."""

import fcntl
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import feature_repo.light_feast  # noqa: F401  # isort: skip

from feast import FeatureStore
from feast.infra.key_encoding_utils import serialize_entity_key
from feast.infra.online_stores.sqlite import SqliteOnlineStore

from feature_repo.online import (
    FEATURE,
    STATE,
    Exchange,
    Found,
    Row,
    entity_key,
    from_feast,
    to_feast,
)
from feature_repo.wal import reaching_file, use_wal

_WAIT_MS = 30_000


class SqliteOnline:
    """Feast's SQLite store in WAL mode, with one connection that reads and one that writes.

    Writers stand in line at a lock file, whose holder the system forgets when it dies. A power cut
    may take the last commits, but never a part of one: what the states lose, their offset loses
    too, and the log gives it back.
    """

    def __init__(self, store: FeatureStore, home: Path) -> None:
        self._feast = store
        self._views = {name: store.get_feature_view(name) for name in FEATURE}
        self._reading, self._writing = _connected(store), _connected(store)
        self._read_lock, self._write_lock = threading.Lock(), threading.Lock()
        self._path = home / "online.db"
        self._turn = (home / "online.lock").open("ab")

    def read(self, view: str, ids: Sequence[str]) -> list[Found]:
        """Return what is kept of each id, in order."""
        with self._read_lock:
            return self._read(self._reading, view, ids)

    def write(self, view: str, rows: Sequence[Row]) -> None:
        """Replace what is kept; all rows or none."""
        with self._alone():
            self._write(view, rows)

    @contextmanager
    def exchange(self) -> Iterator[Exchange]:
        """Open an exchange of states; other writers wait until it ends."""
        with self._alone() as db:
            db.execute("BEGIN IMMEDIATE")
            try:
                yield _Exchange(self)
            finally:
                if db.in_transaction:
                    db.rollback()

    def flush(self) -> None:
        """Bring the write-ahead log into the file, which also syncs it to the disk."""
        with self._alone() as db:
            db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()

    def delete(self, ids: Sequence[str]) -> int:
        """Remove all views of the ids; return how many values went."""
        keys = [(serialize_entity_key(entity_key(i), 3),) for i in ids]
        gone = 0
        with self._alone() as db, db:
            for view in self._views:
                sql = f'DELETE FROM "{self._feast.project}_{view}" WHERE entity_key = ?'
                gone += db.executemany(sql, keys).rowcount
        return gone

    def compact(self) -> bool:
        """Do nothing: the file is one of the home folder's, which are written anew together."""
        return True

    def close(self) -> None:
        """Close the files."""
        for store in (self._reading, self._writing):
            store._get_conn(self._feast.config).close()
        self._turn.close()

    @contextmanager
    def _alone(self) -> Iterator[sqlite3.Connection]:
        """Wait for the turn of this thread among all writers of all processes."""
        with self._write_lock, reaching_file(self._path):
            fcntl.flock(self._turn, fcntl.LOCK_EX)
            try:
                yield self._writing._get_conn(self._feast.config)
            finally:
                fcntl.flock(self._turn, fcntl.LOCK_UN)

    def _read(self, store: SqliteOnlineStore, view: str, ids: Sequence[str]) -> list[Found]:
        keys = [entity_key(i) for i in ids]
        found = store.online_read(self._feast.config, self._views[view], keys)
        return [from_feast(at, values) for at, values in found]

    def _write(self, view: str, rows: Iterable[Row]) -> None:
        """Write in one transaction: the open one, which this ends, or one of its own."""
        data: Any = to_feast(view, rows)  # Feast goes through it once
        self._writing.online_write_batch(self._feast.config, self._views[view], data, progress=None)


class _Exchange:
    """The open transaction of the writing connection."""

    def __init__(self, online: SqliteOnline) -> None:
        self._online = online

    def texts(self, ids: Sequence[str]) -> dict[str, str]:
        """Return the JSON text of each id that has one."""
        found = self._online._read(self._online._writing, STATE, ids)
        return {i: text for i, (_, text) in zip(ids, found, strict=True) if text}

    def commit(self, rows: Iterable[Row]) -> None:
        """Write all rows and end the transaction."""
        self._online._write(STATE, rows)


def _connected(store: FeatureStore) -> SqliteOnlineStore:
    """Return an online store with a connection of its own, so that reads never wait for writes."""
    online = SqliteOnlineStore()
    db = online._get_conn(store.config)
    db.execute(f"PRAGMA busy_timeout = {_WAIT_MS}")
    use_wal(db)
    db.execute("PRAGMA synchronous = NORMAL")  # whole commits may go in a power cut, see the class
    db.execute("PRAGMA cache_size = -65536")  # 64 MB; new keys come in no order
    return online
