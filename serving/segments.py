"""The segments of a shop: named rules in `control.sqlite`, the shipped ones put there at first."""

import json
import logging
import re
import sqlite3
import threading
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from domain.attributes import DEFAULT_MODELS
from domain.errors import Conflict, InvalidInput, InvalidRule, NotFound
from domain.segment_defaults import Segment, default_segments
from domain.segment_formats import from_jquery, to_jquery
from domain.segments import Rule, Test, parse_rule, test_of, to_plain
from feature_repo.wal import use_wal

logger = logging.getLogger(__name__)
_SCHEMA = """
CREATE TABLE IF NOT EXISTS segments (
    key TEXT PRIMARY KEY, name TEXT NOT NULL, description TEXT NOT NULL, rule TEXT NOT NULL,
    models TEXT NOT NULL, created_at TEXT NOT NULL, place INTEGER
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS done (what TEXT PRIMARY KEY) WITHOUT ROWID;
"""
_SELECT = "SELECT key, name, description, rule, models FROM segments"


def read_rule(plain: Mapping[str, Any], models: Iterable[str]) -> Rule:
    """Read a rule in either builder's shape: jQuery's has 'condition', the native 'combinator'."""
    read = from_jquery if "condition" in plain else parse_rule
    try:
        return read(plain, models)
    except InvalidRule as fault:
        raise InvalidRule(fault.problems, field=f"rule.{fault.field}") from fault


def to_wire(segment: Segment, form: str, models: Iterable[str]) -> dict[str, Any]:
    """Return a segment with its rule in the form 'native' or 'jquery'."""
    plain = segment.to_plain()
    return plain if form == "native" else plain | {"rule": to_jquery(segment.rule, models)}


def key_of(name: str) -> str:
    """Return the key that a segment gets from its name: 'Big spenders!' -> 'big-spenders'."""
    key = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:60].strip("-")
    if len(key) < 2:
        raise InvalidInput(
            f"no key can be made of the name {name[:40]!r}; give a 'key' of a-z, 0-9 and -",
            field="key",
        )
    return key


class SegmentStore:
    """The segments in SQLite, read into memory; `models` are the scores that rules may name."""

    def __init__(self, home: Path, at: datetime) -> None:
        home.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._db = sqlite3.connect(
            home / "control.sqlite", timeout=30, isolation_level=None, check_same_thread=False
        )
        use_wal(self._db)
        self._db.executescript(_SCHEMA)
        self._fill_once(at)
        self._seen: tuple[int, dict[str, Segment], dict[str, Test]] | None = None

    def all(self) -> list[Segment]:
        """Return the segments: the shipped ones first, then the shop's own by time of creation."""
        return list(self._segments().values())

    def get(self, key: str) -> Segment:
        """Return one segment."""
        found = self._segments().get(key)
        if found is None:
            raise NotFound(f"no segment {key[:80]!r}; GET /v1/segments lists them", field="key")
        return found

    def add(self, segment: Segment, models: Iterable[str], at: datetime) -> None:
        """Keep a new segment, read with the score models `models`."""
        with self._lock:
            try:
                self._insert(segment, models, at, None)
            except sqlite3.IntegrityError as fault:
                raise Conflict(
                    f"a segment {segment.key!r} is there already; delete it or choose another key",
                    field="key",
                ) from fault
            self._seen = None

    def delete(self, key: str) -> None:
        """Forget a segment."""
        with self._lock:
            gone = self._db.execute("DELETE FROM segments WHERE key = ?", (key,)).rowcount
            self._seen = None
        if not gone:
            raise NotFound(f"no segment {key[:80]!r}; GET /v1/segments lists them", field="key")

    def of(self, profile: Mapping[str, object]) -> list[str]:
        """Return the keys of the segments that a profile is in."""
        return [key for key, test in self._known()[2].items() if test(profile)]

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def _segments(self) -> dict[str, Segment]:
        """Return all segments by key."""
        return self._known()[1]

    def _known(self) -> tuple[int, dict[str, Segment], dict[str, Test]]:
        """Return segments and tests by key, read again when any process changed them."""
        with self._lock:
            version = int(self._db.execute("PRAGMA data_version").fetchone()[0])
            if self._seen is None or self._seen[0] != version:
                rows = self._db.execute(f"{_SELECT} ORDER BY place IS NULL, place, created_at, key")
                found = [s for row in rows.fetchall() if (s := _segment(row)) is not None]
                tests = {segment.key: test_of(segment.rule) for segment in found}
                self._seen = version, {segment.key: segment for segment in found}, tests
            return self._seen

    def _insert(
        self, segment: Segment, models: Iterable[str], at: datetime, place: int | None
    ) -> None:
        self._db.execute(
            "INSERT INTO segments VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                segment.key, segment.name, segment.description,
                json.dumps(to_plain(segment.rule)), json.dumps(sorted(models)),
                at.isoformat(), place,
            ),
        )  # fmt: skip

    def _fill_once(self, at: datetime) -> None:
        """Put the shipped segments there; a shipped one that was deleted does not come back."""
        with self._lock, self._db:
            self._db.execute("BEGIN IMMEDIATE")
            if self._db.execute("SELECT 1 FROM done WHERE what = 'defaults'").fetchone():
                return
            for place, segment in enumerate(default_segments()):
                self._insert(segment, DEFAULT_MODELS, at, place)
            self._db.execute("INSERT INTO done VALUES ('defaults')")


def _segment(row: tuple[str, ...]) -> Segment | None:
    """Return a kept segment, or None where this version has no such attribute any more."""
    key, name, description, rule, models = row
    try:
        return Segment(key, name, description, parse_rule(json.loads(rule), json.loads(models)))
    except InvalidRule as fault:
        logger.error("segment %s is left out: %s", key, fault)
        return None
