"""All profiles of a release as one table: how many a rule holds for, and which."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb

from domain.segment_sql import to_sql
from domain.segments import Rule, fields_of

_SAMPLE = 10
_REMEMBERED = 1_000  # rules whose size is kept


@dataclass(frozen=True, slots=True)
class Preview:
    """How many of all profiles a rule holds for, with some of them."""

    size: int
    total: int
    sample: list[dict[str, Any]]


class Audience:
    """Asks DuckDB about `profiles.parquet`; each question has a cursor of its own."""

    def __init__(self, path: Path, threads: int = 2) -> None:
        self._db = duckdb.connect(config={"threads": threads})
        source = str(path).replace("'", "''")
        self._db.execute(f"CREATE VIEW profiles AS SELECT * FROM read_parquet('{source}')")
        described = self._db.execute("DESCRIBE profiles").fetchall()
        self._sizes: dict[Rule, int] = {}
        self.columns: dict[str, str] = {row[0]: row[1] for row in described}

    @cached_property
    def total(self) -> int:
        """How many profiles there are."""
        return int(self._ask("SELECT count(*) FROM profiles", [])[0][0])

    def preview(self, rule: Rule) -> Preview:
        """Return size, share and a sample of a rule."""
        size = self.size(rule)
        return Preview(size, self.total, self._some(rule, _SAMPLE) if size else [])

    def _some(self, rule: Rule, limit: int) -> list[dict[str, Any]]:
        condition, params = to_sql(rule, self.columns)
        names = self._shown(rule)
        sql = f"SELECT {_list(names)} FROM profiles WHERE {condition} LIMIT {limit}"
        return [dict(zip(names, row, strict=True)) for row in self._ask(sql, params)]

    def size(self, rule: Rule) -> int:
        """Return how many profiles a rule holds for; counted once, for profiles never change."""
        size = self._sizes.get(rule)
        if size is None:
            condition, params = to_sql(rule, self.columns)
            counted = self._ask(f"SELECT count(*) FROM profiles WHERE {condition}", params)
            size = int(counted[0][0])
            if len(self._sizes) >= _REMEMBERED:
                self._sizes.clear()
            self._sizes[rule] = size
        return size

    def ids(self, rule: Rule, limit: int) -> list[str]:
        """Return the ids of up to `limit` members, in order."""
        condition, params = to_sql(rule, self.columns)
        sql = f"SELECT profile_id FROM profiles WHERE {condition} ORDER BY profile_id LIMIT {limit}"
        return [row[0] for row in self._ask(sql, params)]

    def _shown(self, rule: Rule) -> list[str]:
        return ["profile_id", *sorted(fields_of(rule) & set(self.columns))]

    def _ask(self, sql: str, params: list[object]) -> list[tuple[Any, ...]]:
        with self._db.cursor() as db:
            return db.execute(sql, params).fetchall()


def _list(names: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)
