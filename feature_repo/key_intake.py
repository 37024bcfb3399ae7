"""What new events say of who is whom: keys in the traits of customers, and aliases."""

import json
import sqlite3
from collections.abc import Sequence
from typing import Any

from domain.events import Event
from domain.identity import keys_of
from domain.stitching import ALIAS, FOREVER
from feature_repo.identity_tables import IdentityTables

_SAID = """
SELECT customer_id, anonymous_id, kind, at, message_id, traits FROM events
WHERE seq > ? AND customer_id IS NOT NULL AND (traits IS NOT NULL OR kind = 'alias')
"""
_SHOWN = """
INSERT INTO identity_keys (key, customer_id, reason, at, message_id) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (key, customer_id) DO UPDATE SET at = excluded.at, message_id = excluded.message_id
WHERE (excluded.at, excluded.message_id) < (identity_keys.at, identity_keys.message_id)
"""
_ALIASED = """
INSERT INTO aliases (previous_id, customer_id, at, message_id) VALUES (?, ?, ?, ?)
ON CONFLICT (previous_id, customer_id)
DO UPDATE SET at = excluded.at, message_id = excluded.message_id
WHERE (excluded.at, excluded.message_id) < (aliases.at, aliases.message_id)
"""
_AWAITED = "SELECT 1 FROM aliases WHERE previous_id = ? LIMIT 1"
_HELD = "SELECT 1 FROM identity_keys WHERE customer_id = ? AND key = ?"


class KeyIntake:
    """Reads the events behind a sequence number, within the transaction that stored them."""

    def __init__(
        self, db: sqlite3.Connection, tables: IdentityTables, salt: bytes, calling_code: str
    ) -> None:
        self._db = db
        self._tables = tables
        self._salt = salt
        self._calling_code = calling_code

    def learn(self, after: int) -> None:
        """Note keys and aliases of the events behind `after`, and stitch whom they join."""
        touched: set[str] = set()
        for row in self._db.execute(_SAID, (after,)).fetchall():
            touched |= self._noted(*row)
        touched |= self._became_customers(after)
        if touched:
            self._tables.restitch(touched)

    def may_join(self, events: Sequence[Event]) -> bool:
        """Return whether `learn` may join customers by these events that were apart before."""
        return any(self._may_join(e.customer_id, e) for e in events if e.customer_id)

    def _may_join(self, customer: str, event: Event) -> bool:
        if event.kind == ALIAS or self._is_known(_AWAITED, customer):
            return True
        keys = keys_of(event.traits, self._salt, self._calling_code)
        return not all(self._is_known(_HELD, customer, key.digest) for key in keys)

    def _is_known(self, sql: str, *params: str) -> bool:
        return self._db.execute(sql, params).fetchone() is not None

    def _noted(
        self, customer: str, device: str | None, kind: str, at: int, message_id: str, traits: Any
    ) -> set[str]:
        """Note one event; return the ids whose stitches it may change."""
        touched: set[str] = set()
        keys = keys_of(json.loads(traits), self._salt, self._calling_code) if traits else ()
        for key in keys:
            row = (key.digest, customer, key.reason, at, message_id)
            if self._db.execute(_SHOWN, row).rowcount and self._is_shared(key.digest):
                touched.add(customer)
        if kind == ALIAS and device and device != customer:
            said = (device, customer, at, message_id)
            if self._db.execute(_ALIASED, said).rowcount:
                touched |= {customer, device}
        return touched

    def _is_shared(self, key: str) -> bool:
        sql = "SELECT count(*) FROM (SELECT 1 FROM identity_keys WHERE key = ? LIMIT 2)"
        return bool(self._db.execute(sql, (key,)).fetchone()[0] == 2)

    def _became_customers(self, after: int) -> set[str]:
        """Return the previous ids of aliases that new events make customers, or make so earlier."""
        if not self._db.execute("SELECT 1 FROM aliases LIMIT 1").fetchone():
            return set()
        rows = self._db.execute(
            "SELECT DISTINCT e.customer_id FROM events e "
            "JOIN aliases a ON a.previous_id = e.customer_id WHERE e.seq > ? AND e.at < coalesce("
            "(SELECT m.at FROM merges m WHERE m.id_a = a.previous_id AND m.id_b = a.customer_id "
            "AND m.reason = ?), ?)",
            (after, ALIAS, FOREVER),
        )
        return {row[0] for row in rows}
