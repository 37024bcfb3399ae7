"""A lease: of all workers over one home, one at a time may do a thing."""

import contextlib
import sqlite3
import uuid
from datetime import datetime

from domain.events import to_micros
from serving.live_tables import LiveTables


class LostLease(Exception):
    """Another worker took over; nothing of the transaction was written."""


class Lease:
    """A row with a holder and an end; whoever finds it ended takes it.

    An end that lies much further ahead than a lease is long was set by a clock that has been set
    back since; such a lease has ended too.
    """

    def __init__(self, tables: LiveTables, name: str, seconds: float) -> None:
        self._tables, self._name = tables, name
        self._length = int(seconds * 1_000_000)
        self._holder = uuid.uuid4().hex
        self._until = 0

    def hold(self, now: datetime) -> bool:
        """Return whether this worker holds the lease; it is renewed when half of it is over."""
        at = to_micros(now)
        if self._until - self._length <= at < self._until - self._length // 2:
            return True
        if self._until == 0 and self.is_held_by_other(now):
            return False
        held = self._tables.change(
            "INSERT INTO lease VALUES (?1, ?2, ?3) ON CONFLICT (name) DO UPDATE "
            "SET holder = excluded.holder, until = excluded.until "
            "WHERE lease.holder = excluded.holder "
            "OR lease.until < ?4 OR lease.until > ?5",
            (self._name, self._holder, at + self._length, at, at + 2 * self._length),
        )
        self._until = at + self._length if held else 0
        return bool(held)

    def is_held(self) -> bool:
        """Return whether this worker held the lease when it last looked."""
        return self._until > 0

    def is_held_by_other(self, now: datetime) -> bool:
        """Return whether another worker holds it at this moment."""
        rows = self._tables.rows("SELECT holder, until FROM lease WHERE name = ?", (self._name,))
        if not rows or rows[0][0] == self._holder:
            return False
        return bool(0 <= rows[0][1] - to_micros(now) <= 2 * self._length)

    def check(self) -> None:
        """Raise LostLease, inside a transaction, if somebody else took the lease meanwhile."""
        rows = self._tables.rows("SELECT holder FROM lease WHERE name = ?", (self._name,))
        if not rows or rows[0][0] != self._holder:
            self._until = 0
            raise LostLease(self._name)

    def release(self) -> None:
        """Give the lease back, so that the next worker need not wait for its end."""
        self._until = 0
        with contextlib.suppress(sqlite3.OperationalError):  # a full disk: the next one waits
            self._tables.change(
                "DELETE FROM lease WHERE name = ? AND holder = ?", (self._name, self._holder)
            )
