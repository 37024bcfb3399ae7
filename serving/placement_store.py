"""The rules of placements in `control.sqlite`, and every change that was made to them."""

import json
import logging
import sqlite3
import threading
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from domain.errors import NotFound
from feature_repo.wal import all_or_nothing, use_wal
from serving.shapes.placements import Rule

logger = logging.getLogger(__name__)
MAX_CHANGES = 200  # of one placement that are told at once
_SCHEMA = """
CREATE TABLE IF NOT EXISTS placements (
    name TEXT PRIMARY KEY, rule TEXT NOT NULL, version INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS placement_changes (
    version INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, at TEXT NOT NULL,
    by TEXT NOT NULL, before TEXT, after TEXT
);
CREATE INDEX IF NOT EXISTS placement_changes_of ON placement_changes (name, version);
"""


@dataclass(frozen=True, slots=True)
class Kept:
    """The rule of one placement: as it was given, as it is applied, and the change behind it."""

    name: str
    plain: dict[str, Any]
    rule: Rule
    version: int
    at: datetime
    by: str

    def to_plain(self) -> dict[str, Any]:
        """Return it as it goes over the wire."""
        return {
            "name": self.name,
            "rule": self.plain,
            "version": self.version,
            "changed_at": self.at,
            "changed_by": self.by,
        }


class PlacementStore:
    """Rules in SQLite, read into memory and read again when any process changed them."""

    def __init__(self, home: Path) -> None:
        home.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._db = sqlite3.connect(
            home / "control.sqlite", timeout=30, isolation_level=None, check_same_thread=False
        )
        use_wal(self._db)
        self._db.executescript(_SCHEMA)
        self._seen: tuple[int, dict[str, Kept]] | None = None

    def all(self) -> dict[str, Kept]:
        """Return every placement that has a rule, by name."""
        with self._lock:
            return self._known()

    def find(self, name: str) -> Kept | None:
        """Return the rule of a placement, or None where it has none."""
        return self.all().get(name)

    def get(self, name: str) -> Kept:
        """Return the rule of a placement."""
        found = self.find(name)
        if found is None:
            raise _unknown(name)
        return found

    def put(self, name: str, plain: dict[str, Any], at: datetime, by: str) -> Kept:
        """Keep a rule that was read and found good, in place of an older one."""
        with self._lock, all_or_nothing(self._db):
            text = json.dumps(plain)
            version = self._note(name, text, at, by)
            self._db.execute(
                "INSERT OR REPLACE INTO placements VALUES (?, ?, ?)", (name, text, version)
            )
            self._seen = None
        return self.get(name)

    def delete(self, name: str, at: datetime, by: str) -> None:
        """Forget the rule of a placement; its changes stay on record."""
        self.get(name)
        with self._lock, all_or_nothing(self._db):
            self._note(name, None, at, by)
            self._db.execute("DELETE FROM placements WHERE name = ?", (name,))
            self._seen = None

    def changes(self, name: str) -> list[dict[str, Any]]:
        """Return the latest changes of a placement, newest first."""
        with self._lock:
            rows = self._db.execute(
                "SELECT version, at, by, before, after FROM placement_changes WHERE name = ? "
                "ORDER BY version DESC LIMIT ?",
                (name, MAX_CHANGES),
            ).fetchall()
        if not rows:
            raise _unknown(name)
        return [
            {
                "version": version, "at": datetime.fromisoformat(at), "by": by,
                "before": before and json.loads(before), "after": after and json.loads(after),
            }
            for version, at, by, before, after in rows
        ]  # fmt: skip

    def pins_for(self, customer_ids: Collection[str]) -> list[dict[str, Any]]:
        """Return the pins that are for these customers alone, each with its placement."""
        return [
            {"placement": kept.name} | pin
            for kept in self.all().values()
            for pin in kept.plain.get("pins", ())
            if pin.get("customer_id") in customer_ids
        ]

    def forget(self, customer_ids: Collection[str]) -> None:
        """Remove pins that are for these customers, from the rules and from what is on record."""
        with self._lock, all_or_nothing(self._db):
            for table, key, column in (
                ("placements", "name", "rule"),
                ("placement_changes", "version", "before"),
                ("placement_changes", "version", "after"),
            ):
                rows = self._db.execute(f"SELECT {key}, {column} FROM {table}").fetchall()
                for at, text in rows:
                    kept = _without(text, customer_ids)
                    if kept != text:
                        sql = f"UPDATE {table} SET {column} = ? WHERE {key} = ?"
                        self._db.execute(sql, (kept, at))
            self._seen = None

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def _note(self, name: str, after: str | None, at: datetime, by: str) -> int:
        """Put a change on record and return its number."""
        row = self._db.execute("SELECT rule FROM placements WHERE name = ?", (name,)).fetchone()
        before = row[0] if row else None
        made = self._db.execute(
            "INSERT INTO placement_changes (name, at, by, before, after) VALUES (?, ?, ?, ?, ?)",
            (name, at.isoformat(), by, before, after),
        )
        return int(made.lastrowid or 0)

    def _known(self) -> dict[str, Kept]:
        version = int(self._db.execute("PRAGMA data_version").fetchone()[0])
        if self._seen is None or self._seen[0] != version:
            rows = self._db.execute(
                "SELECT p.name, p.rule, version, c.at, c.by FROM placements p "
                "JOIN placement_changes c USING (version) ORDER BY p.name"
            ).fetchall()
            kept = {k.name: k for row in rows if (k := _kept(*row)) is not None}
            self._seen = version, kept
        return self._seen[1]


def _kept(name: str, text: str, version: int, at: str, by: str) -> Kept | None:
    """Return a kept rule, or None where this version cannot read it any more."""
    plain = json.loads(text)
    try:
        rule = Rule.model_validate(plain)
    except ValidationError as fault:
        logger.error("the rule of placement %s is left out: %s", name, fault)
        return None
    return Kept(name, plain, rule, version, datetime.fromisoformat(at), by)


def _without(text: str | None, customer_ids: Collection[str]) -> str | None:
    """Return a rule without the pins that are for these customers."""
    if text is None or '"pins"' not in text:
        return text
    plain = json.loads(text)
    pins = [pin for pin in plain["pins"] if pin.get("customer_id") not in customer_ids]
    return text if pins == plain["pins"] else json.dumps(plain | {"pins": pins})


def _unknown(name: str) -> NotFound:
    return NotFound(
        f"placement {name[:100]!r} has no rule; PUT /v1/placements/{{name}} gives it one",
        field="name",
    )
