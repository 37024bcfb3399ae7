"""Who was erased, as salted hashes alone: enough to know them again, too little to name them."""

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from domain.events import Event
from domain.identity import hashed

SCHEMA = """
CREATE TABLE IF NOT EXISTS tombstones (mark TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS erasures (erasure_id INTEGER PRIMARY KEY, plan TEXT NOT NULL);
"""
ID, MESSAGE = "id", "message"
Named = tuple[str, str]  # ID or MESSAGE, and the id


def marks(ids: Iterable[str], message_ids: Iterable[str], salt: bytes) -> list[str]:
    """Return the marks of ids and messages that are erased."""
    named = [*((ID, i) for i in ids), *((MESSAGE, m) for m in message_ids)]
    return [hashed(name, salt) for name in named]


def named_in(event: Event) -> Iterator[Named]:
    """Yield what of an event may be marked."""
    yield MESSAGE, event.message_id
    for i in (event.customer_id, event.anonymous_id):
        if i:
            yield ID, i


def admitted(event: Event, is_marked: Callable[[Named], bool]) -> Event | None:
    """Return what may be kept of an event, None for one of somebody who was erased.

    Where somebody else uses the device of one who was erased, the device is left out.
    """
    if is_marked((MESSAGE, event.message_id)):
        return None
    if event.customer_id and is_marked((ID, event.customer_id)):
        return None
    if event.anonymous_id and is_marked((ID, event.anonymous_id)):
        return replace(event, anonymous_id=None) if event.customer_id else None
    return event


class Tombstones:
    """The marks over an open connection; whoever calls holds the transaction."""

    def __init__(self, db: sqlite3.Connection, salt: bytes) -> None:
        self._db = db
        self._salt = salt

    def set(self, ids: Iterable[str], message_ids: Iterable[str]) -> None:
        """Mark ids and messages as erased, for good."""
        rows = [(mark,) for mark in marks(ids, message_ids, self._salt)]
        self._db.executemany("INSERT OR IGNORE INTO tombstones VALUES (?)", rows)

    def has(self, profile_id: str) -> bool:
        """Return whether the id is that of somebody who was erased."""
        return self._is_marked((ID, profile_id))

    def count(self) -> int:
        """Return how many marks there are."""
        return int(self._db.execute("SELECT count(*) FROM tombstones").fetchone()[0])

    def among(self, ids: Iterable[str]) -> frozenset[str]:
        """Return those of the ids that are marked; for many at once."""
        marks = {row[0] for row in self._db.execute("SELECT mark FROM tombstones")}
        found = (i for i in ids if hashed((ID, i), self._salt) in marks)
        return frozenset(found if marks else ())

    def screen(self) -> Callable[[Event], Event | None]:
        """Return what makes of an event the one that may be kept; None for one that may not."""
        marked = self._db.execute("SELECT 1 FROM tombstones LIMIT 1").fetchone()
        return (lambda e: admitted(e, self._is_marked)) if marked else lambda e: e

    def _is_marked(self, name: Named) -> bool:
        mark = hashed(name, self._salt)
        found = self._db.execute("SELECT 1 FROM tombstones WHERE mark = ?", (mark,))
        return found.fetchone() is not None
