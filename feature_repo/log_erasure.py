"""Taking a person out of the event log: the events, the links, the keys; marks stay behind.

A device that others used too gets a name by chance in their events, so that what they agreed to on
it still counts. A key that too many share keeps a holder without a name, so that it joins nobody.
"""

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from typing import Any

from feature_repo.identity_tables import IdentityTables
from feature_repo.persons import Plan, nameless
from feature_repo.tombstones import Tombstones

_MINE = (
    "(customer_id IN (SELECT id FROM erased WHERE what = 'customer') "
    "OR customer_id IS NULL AND anonymous_id IN (SELECT id FROM erased))"
)
_RELINK = """
INSERT INTO identities (anonymous_id, customer_id, at)
SELECT anonymous_id, customer_id, at FROM events
WHERE anonymous_id = ? AND customer_id IS NOT NULL ORDER BY at, customer_id LIMIT 1
"""


class LogErasure:
    """Works on an open connection; whoever calls holds the transaction."""

    def __init__(self, db: sqlite3.Connection, tables: IdentityTables, marks: Tombstones) -> None:
        self._db, self._tables, self._marks = db, tables, marks

    def erase(self, canonical_id: str) -> Plan | None:
        """Remove a person, all ids stitched to them and their devices; None if nothing is there."""
        customers = self._tables.members_of(canonical_id)
        devices = self._devices_of(customers)
        self._db.execute("CREATE TEMP TABLE IF NOT EXISTS erased (id TEXT PRIMARY KEY, what TEXT)")
        self._db.execute("DELETE FROM erased")
        self._fill("customer", customers)
        self._fill("device", devices)
        messages = [row[0] for row in self._rows(f"SELECT message_id FROM events WHERE {_MINE}")]
        if not messages:
            return None
        self._marks.set([*customers, *devices], messages)
        self._db.execute(f"DELETE FROM events WHERE {_MINE}")
        renamed, neighbours = self._rename_devices()
        self._forget_keys()
        self._db.execute("DELETE FROM erased")
        ids = (*customers, *devices)
        return self._noted(
            Plan(0, tuple(customers), ids, renamed, tuple(neighbours), len(messages))
        )

    def pending(self) -> list[Plan]:
        """Return the erasures that were begun and not ended."""
        rows = self._rows("SELECT erasure_id, plan FROM erasures ORDER BY erasure_id")
        return [Plan.from_plain(number, json.loads(text)) for number, text in rows]

    def end(self, plan: Plan) -> None:
        """Forget whom the erasure was about."""
        self._db.execute("DELETE FROM erasures WHERE erasure_id = ?", (plan.erasure_id,))

    def _devices_of(self, customers: Sequence[str]) -> list[str]:
        """Return the devices of the customers; an id that is somebody else's name is none."""
        found = {
            row[0]
            for customer in customers
            for row in self._rows(
                "SELECT anonymous_id FROM identities i WHERE customer_id = ? AND NOT EXISTS "
                "(SELECT 1 FROM events e WHERE e.customer_id = i.anonymous_id)",
                (customer,),
            )
        }
        return sorted(found - set(customers))

    def _rename_devices(self) -> tuple[dict[str, str], list[str]]:
        """Give the devices that others used another name; return both, and who the others are."""
        rows = self._rows(
            "SELECT DISTINCT anonymous_id, customer_id FROM events "
            "WHERE anonymous_id IN (SELECT id FROM erased)"
        )
        renamed = {device: nameless() for device in sorted({row[0] for row in rows})}
        self._db.execute(
            "DELETE FROM identities WHERE anonymous_id IN (SELECT id FROM erased) "
            "OR customer_id IN (SELECT id FROM erased WHERE what = 'customer')"
        )
        for device, name in renamed.items():
            self._db.execute(
                "UPDATE events SET anonymous_id = ? WHERE anonymous_id = ?", (name, device)
            )
            self._db.execute(_RELINK, (name,))
        return renamed, sorted({row[1] for row in rows})

    def _forget_keys(self) -> None:
        """Remove keys, aliases and merges of the person, and stitch anew whom that leaves."""
        mine = "IN (SELECT id FROM erased)"
        shared = self._rows(
            f"SELECT customer_id, key FROM identity_keys k WHERE customer_id {mine} "
            "AND undone_at IS NULL AND EXISTS (SELECT 1 FROM identity_keys o WHERE o.key = k.key "
            f"AND o.customer_id NOT {mine})"
        )
        names = {customer: nameless() for customer, _ in shared}
        for customer, key in shared:
            self._db.execute(
                "UPDATE identity_keys SET customer_id = ?, message_id = '' "
                "WHERE customer_id = ? AND key = ?",
                (names[customer], customer, key),
            )
        for table, columns in _TABLES.items():
            where = " OR ".join(f"{column} {mine}" for column in columns)
            self._db.execute(f"DELETE FROM {table} WHERE {where}")
        if names:
            self._tables.restitch(names.values())

    def _noted(self, plan: Plan) -> Plan:
        number = self._db.execute(
            "INSERT INTO erasures (plan) VALUES (?)", (json.dumps(asdict(plan)),)
        ).lastrowid
        return replace(plan, erasure_id=int(number or 0))

    def _fill(self, what: str, ids: Iterable[str]) -> None:
        rows = [(i, what) for i in ids]
        self._db.executemany("INSERT OR IGNORE INTO erased VALUES (?, ?)", rows)

    def _rows(self, sql: str, params: Any = ()) -> list[tuple[Any, ...]]:
        return self._db.execute(sql, params).fetchall()


_TABLES = {
    "identity_keys": ("customer_id",),
    "aliases": ("previous_id", "customer_id"),
    "merges": ("id_a", "id_b"),
    "stitches": ("id", "canonical_id"),
    "stitch_changes": ("id",),
}
