"""The persons of the event log: whose a device is, who is stitched to whom, who was erased."""

import json
import sqlite3
import threading
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from domain.events import Event, to_micros
from domain.stitching import FOREVER
from feature_repo.identity_tables import SCHEMA as IDENTITY_SCHEMA
from feature_repo.identity_tables import IdentityTables
from feature_repo.key_intake import KeyIntake
from feature_repo.log_erasure import LogErasure
from feature_repo.persons import Merge, Persons, Plan, checked_undoable
from feature_repo.salt import ensure_salt
from feature_repo.tombstones import SCHEMA as TOMBSTONES
from feature_repo.tombstones import Tombstones
from feature_repo.wal import all_or_nothing, compact, reaching_file, use_wal

_LINKS = """
CREATE TABLE IF NOT EXISTS identities (
    anonymous_id TEXT PRIMARY KEY, customer_id TEXT NOT NULL, at INTEGER NOT NULL
) WITHOUT ROWID;
"""
_RESOLVE = f"""
SELECT o.id, coalesce(s.canonical_id, o.owner)
FROM (SELECT j.value AS id, coalesce(i.customer_id, j.value) AS owner
      FROM json_each(?) j LEFT JOIN identities i ON i.anonymous_id = j.value) o
LEFT JOIN stitches s ON s.id = o.owner AND s.to_at = {FOREVER}
"""


class LogPersons(Persons):
    """The part of the log's file that tells persons; it holds the connection and the lock."""

    def __init__(self, home: Path, identity_max_profiles: int, calling_code: str) -> None:
        self.path = home / "log" / "events.sqlite"
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.RLock()
        self._db = sqlite3.connect(
            self.path, timeout=30, isolation_level=None, check_same_thread=False
        )
        use_wal(self._db)
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.execute("PRAGMA cache_size = -65536")
        self._db.executescript(_LINKS + IDENTITY_SCHEMA + TOMBSTONES)
        self._identity = IdentityTables(self._db, identity_max_profiles)
        salt = ensure_salt(home)
        self._keys = KeyIntake(self._db, self._identity, salt, calling_code)
        self._marks = Tombstones(self._db, salt)
        self._erasure = LogErasure(self._db, self._identity, self._marks)

    def customer_of(self, anonymous_id: str) -> str | None:
        """Return the customer a device was linked to, or None."""
        found = self._rows(
            "SELECT customer_id FROM identities WHERE anonymous_id = ?", (anonymous_id,)
        )
        return str(found[0][0]) if found else None

    def resolve_many(self, ids: Collection[str]) -> dict[str, str]:
        """Return by id the profile that it leads to now, of all ids at once."""
        return dict(self._rows(_RESOLVE, (json.dumps(list(ids)),)))

    def canonical_of(self, customer_id: str) -> str:
        """Return the id that a customer goes by now, its own where it is stitched to no other."""
        with self._lock:
            return self._identity.canonical_of(customer_id)

    def restitched(self, after: int) -> tuple[int, dict[str, str]]:
        """Return the number of the last change of identities, and what id each id goes by now.

        Only ids that changed behind `after` are there.
        """
        with self._lock:
            return self._identity.restitched(after)

    def stitches(self) -> tuple[int, list[tuple[str, str, int, int]]]:
        """Return the number of the last change, and (id, canonical id, from µs, to µs) of all."""
        with self._lock:
            return self._identity.stitches()

    def merges_of(self, profile_id: str) -> list[Merge]:
        """Return the merges of a profile, of all its ids, undone ones too, by time."""
        with self._lock:
            return self._identity.merges_of(self._identity.members_of(profile_id))

    def members_of(self, profile_id: str) -> list[str]:
        """Return all customer ids that go by this one now, itself first."""
        with self._lock:
            return self._identity.members_of(profile_id)

    def may_join(self, events: Sequence[Event]) -> bool:
        """Return whether storing these events may make customers one person who were not so."""
        with self._lock:
            return self._keys.may_join(events)

    def undo_merge(self, merge_id: str, at: datetime) -> Merge:
        """Take back a merge for all time; the states follow with the next fold."""
        with self._transaction():
            merge = checked_undoable(self._identity.merge(merge_id), merge_id)
            self._identity.undo(merge, to_micros(at))
        return merge

    def is_erased(self, profile_id: str) -> bool:
        """Return whether the id is that of somebody who was erased."""
        with self._lock:
            return self._marks.has(profile_id)

    def erasures(self) -> int:
        """Return a number that grows with each erasure; 0 as long as nobody was erased."""
        with self._lock:
            return self._marks.count()

    def erased_among(self, ids: Iterable[str]) -> frozenset[str]:
        """Return those of the ids that are of somebody who was erased."""
        with self._lock:
            return self._marks.among(ids)

    def admits(self, events: Iterable[Event]) -> list[bool]:
        """Return for each event whether it may be kept: it is not of somebody who was erased."""
        with self._lock:
            admitted = self._marks.screen()
            return [admitted(event) is not None for event in events]

    def erase(self, profile_id: str) -> Plan | None:
        """Remove a person under all their ids; return what else is to be done, None for nobody."""
        with self._transaction():
            owner = self.customer_of(profile_id) or profile_id
            return self._erasure.erase(self._identity.canonical_of(owner))

    def pending_erasures(self) -> list[Plan]:
        """Return the erasures that were begun and not ended."""
        with self._lock:
            return self._erasure.pending()

    def end_erasure(self, plan: Plan) -> None:
        """Forget whom an erasure was about: all of it is done."""
        with self._transaction():
            self._erasure.end(plan)

    def compact(self) -> bool:
        """Write the file anew, without what was removed; False where a reader held it too long."""
        return compact(self.path)

    def identities(self) -> list[tuple[str, str, int]]:
        """Return (anonymous_id, customer_id, linked at in microseconds) of every link."""
        return self._rows("SELECT anonymous_id, customer_id, at FROM identities ORDER BY 1")

    def close(self) -> None:
        """Close the file; the log cannot be used afterwards."""
        with self._lock:
            self._db.close()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """All of it or nothing; other writers wait."""
        with self._lock, reaching_file(self.path), all_or_nothing(self._db):
            yield

    def _rows(self, sql: str, params: Any = ()) -> list[tuple[Any, ...]]:
        with self._lock:
            return self._db.execute(sql, params).fetchall()
