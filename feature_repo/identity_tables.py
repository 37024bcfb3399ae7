"""Who is whom, in the event log's file: the keys that were shown, what they join, since when.

`identity_keys` and `aliases` say what was seen; `merges` and `stitches` follow from them alone.
`stitch_changes` numbers every change of an id's present profile, for whoever keeps states by it.
"""

import sqlite3
from collections.abc import Iterable
from typing import Any

from domain.stitching import ALIAS, FOREVER, Edge, Holder, edges_of_key, intervals, reached
from feature_repo.persons import Merge

SCHEMA = """
CREATE TABLE IF NOT EXISTS identity_keys (
    key TEXT NOT NULL, customer_id TEXT NOT NULL, reason TEXT NOT NULL,
    at INTEGER NOT NULL, message_id TEXT NOT NULL, undone_at INTEGER,
    PRIMARY KEY (key, customer_id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS identity_keys_first ON identity_keys (key, at, customer_id)
    WHERE undone_at IS NULL;
CREATE INDEX IF NOT EXISTS identity_keys_customer ON identity_keys (customer_id);
CREATE TABLE IF NOT EXISTS aliases (
    previous_id TEXT NOT NULL, customer_id TEXT NOT NULL, at INTEGER NOT NULL,
    message_id TEXT NOT NULL, undone_at INTEGER, PRIMARY KEY (previous_id, customer_id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS aliases_customer ON aliases (customer_id);
CREATE TABLE IF NOT EXISTS merges (
    merge_id TEXT PRIMARY KEY, id_a TEXT NOT NULL, id_b TEXT NOT NULL, reason TEXT NOT NULL,
    key TEXT NOT NULL, at INTEGER NOT NULL, until INTEGER NOT NULL, message_id TEXT NOT NULL,
    undone_at INTEGER
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS merges_a ON merges (id_a);
CREATE INDEX IF NOT EXISTS merges_b ON merges (id_b);
CREATE TABLE IF NOT EXISTS stitches (
    id TEXT NOT NULL, canonical_id TEXT NOT NULL, from_at INTEGER NOT NULL, to_at INTEGER NOT NULL,
    PRIMARY KEY (id, from_at)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS stitches_canonical ON stitches (canonical_id);
CREATE TABLE IF NOT EXISTS stitch_changes (n INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS identities_customer ON identities (customer_id);
"""
_NOW = f"to_at = {FOREVER}"


class IdentityTables:
    """The tables over an open connection; whoever calls holds the transaction."""

    def __init__(self, db: sqlite3.Connection, max_profiles: int) -> None:
        self._db = db
        self._max_profiles = max_profiles

    def restitch(self, ids: Iterable[str]) -> None:
        """Work out anew what the ids, and all they hang together with, are joined to."""
        found, edges = reached(ids, self._around)
        self._write_merges(found, edges)
        before = {i: self.canonical_of(i) for i in found}
        for i in found:
            self._db.execute("DELETE FROM stitches WHERE id = ?", (i,))
        self._db.executemany("INSERT INTO stitches VALUES (?, ?, ?, ?)", intervals(edges))
        changed = [(i,) for i in sorted(found) if self.canonical_of(i) != before[i]]
        self._db.executemany("INSERT INTO stitch_changes (id) VALUES (?)", changed)

    def canonical_of(self, customer_id: str) -> str:
        """Return the id that a customer goes by now."""
        found = self._rows(
            f"SELECT canonical_id FROM stitches WHERE id = ? AND {_NOW}", (customer_id,)
        )
        return str(found[0][0]) if found else customer_id

    def members_of(self, canonical_id: str) -> list[str]:
        """Return all ids that go by this one now, itself first."""
        sql = f"SELECT id FROM stitches WHERE canonical_id = ? AND {_NOW} ORDER BY id"
        return [canonical_id, *(row[0] for row in self._rows(sql, (canonical_id,)))]

    def merges_of(self, ids: Iterable[str]) -> list[Merge]:
        """Return every merge that one of the ids has part in, undone ones too, by time."""
        found = {
            row[0]: _merge(row)
            for i in ids
            for row in self._rows("SELECT * FROM merges WHERE id_a = ? OR id_b = ?", (i, i))
        }
        return sorted(found.values(), key=lambda m: m.edge)

    def merge(self, merge_id: str) -> Merge | None:
        """Return one merge."""
        found = self._rows("SELECT * FROM merges WHERE merge_id = ?", (merge_id,))
        return _merge(found[0]) if found else None

    def undo(self, merge: Merge, at: int) -> None:
        """Take back a merge for all time: that customer is rid of the key or alias."""
        edge = merge.edge
        if edge.reason == ALIAS:
            where, pair = "aliases SET undone_at = ? WHERE previous_id", edge.id_a
        else:
            where, pair = "identity_keys SET undone_at = ? WHERE key", edge.key
        self._db.execute(f"UPDATE {where} = ? AND customer_id = ?", (at, pair, edge.id_b))
        self._db.execute("UPDATE merges SET undone_at = ? WHERE merge_id = ?", (at, edge.merge_id))
        self.restitch([edge.id_a, edge.id_b])

    def restitched(self, after: int) -> tuple[int, dict[str, str]]:
        """Return the number of the last change, and the present id of each id changed since."""
        rows = self._rows(
            f"""
            SELECT (SELECT max(n) FROM stitch_changes), c.id, coalesce(s.canonical_id, c.id)
            FROM (SELECT DISTINCT id FROM stitch_changes WHERE n > ?) c
            LEFT JOIN stitches s ON s.id = c.id AND s.{_NOW}""",
            (after,),
        )
        return (rows[0][0] if rows else after), {row[1]: row[2] for row in rows}

    def stitches(self) -> tuple[int, list[tuple[str, str, int, int]]]:
        """Return the number of the last change, and (id, canonical id, from, to) of every row."""
        number = self._rows("SELECT coalesce(max(n), 0) FROM stitch_changes")[0][0]
        sql = "SELECT id, canonical_id, from_at, to_at FROM stitches ORDER BY id, from_at"
        return int(number), self._rows(sql)

    def _around(self, ids: Iterable[str]) -> tuple[set[Edge], set[str]]:
        """Return the edges of some ids, and with whom they were joined before."""
        edges = {e for i in ids for e in (*self._key_edges(i), *self._alias_edges(i))}
        return edges, {joined for i in ids for joined in self._once_joined(i)}

    def _key_edges(self, customer_id: str) -> list[Edge]:
        """Return the edges of every key of a customer; only the first holders can be joined."""
        keys = self._rows(
            "SELECT key, reason FROM identity_keys WHERE customer_id = ? AND undone_at IS NULL",
            (customer_id,),
        )
        edges: list[Edge] = []
        for key, reason in keys:
            rows = self._rows(
                "SELECT at, customer_id, message_id FROM identity_keys WHERE key = ? "
                "AND undone_at IS NULL ORDER BY at, customer_id LIMIT ?",
                (key, self._max_profiles + 1),
            )
            holders = [Holder(*row) for row in rows]
            if customer_id in {h.customer_id for h in holders}:
                edges += edges_of_key(reason, key, holders, self._max_profiles)
        return edges

    def _alias_edges(self, customer_id: str) -> list[Edge]:
        """Return the aliases of a customer whose previous id was a customer too.

        An id that was never one is a device, and a device never joins two customers.
        """
        rows = self._rows(
            """
            SELECT max(at, first_at), previous_id, customer_id, message_id
            FROM (SELECT *, (SELECT min(e.at) FROM events e WHERE e.customer_id = previous_id)
                         AS first_at
                  FROM aliases
                  WHERE (previous_id = :id OR customer_id = :id) AND undone_at IS NULL)
            WHERE first_at IS NOT NULL""",
            {"id": customer_id},
        )
        return [Edge(at, old, new, ALIAS, message_id=m) for at, old, new, m in rows]

    def _once_joined(self, customer_id: str) -> set[str]:
        rows = self._rows(
            "SELECT canonical_id FROM stitches WHERE id = :id "
            "UNION SELECT id FROM stitches WHERE canonical_id = :id",
            {"id": customer_id},
        )
        return {row[0] for row in rows}

    def _write_merges(self, ids: Iterable[str], edges: Iterable[Edge]) -> None:
        """Record the merges that stand; the undone ones stay on record."""
        for i in ids:
            self._db.execute(
                "DELETE FROM merges WHERE undone_at IS NULL AND (id_a = ? OR id_b = ?)", (i, i)
            )
        self._db.executemany(
            "INSERT OR REPLACE INTO merges VALUES (?, ?, ?, ?, ?, ?, ?, ?, NULL)",
            [(e.merge_id, e.id_a, e.id_b, e.reason, e.key, e.at, e.until, e.message_id)
             for e in edges],
        )  # fmt: skip

    def _rows(self, sql: str, params: Any = ()) -> list[tuple[Any, ...]]:
        return self._db.execute(sql, params).fetchall()


def _merge(row: tuple[Any, ...]) -> Merge:
    _, id_a, id_b, reason, key, at, until, message_id, undone_at = row
    return Merge(Edge(at, id_a, id_b, reason, key, until, message_id), undone_at)
