"""All profiles of a release as one table: who is in a segment, how many, and their list."""

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb

from domain.segment_sql import to_sql
from domain.segments import Rule, fields_of

_SAMPLE = 10
_CHUNK = 5_000
_REMEMBERED = 1_000  # rules whose size is kept


@dataclass(frozen=True, slots=True)
class Preview:
    """How many of all profiles a rule holds for, with some of them."""

    size: int
    total: int
    sample: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Page:
    """Some members in order of their id; `after` fetches the next ones, None at the end."""

    members: list[dict[str, Any]]
    after: str | None


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

    def page(self, rule: Rule, limit: int, after: str | None) -> Page:
        """Return up to `limit` members with an id behind `after`, with what the rule looks at."""
        condition, params = to_sql(rule, self.columns)
        names = self._shown(rule)
        if after is not None:
            condition, params = f"{condition} AND profile_id > ?", [*params, after]
        sql = (
            f"SELECT {_list(names)} FROM profiles WHERE {condition} "
            f"ORDER BY profile_id LIMIT {limit + 1}"
        )
        rows = self._ask(sql, params)
        members = [dict(zip(names, row, strict=True)) for row in rows[:limit]]
        return Page(members, members[-1]["profile_id"] if len(rows) > limit else None)

    def csv(self, rule: Rule) -> Iterator[bytes]:
        """Yield all members as CSV, a head line first."""
        condition, params = to_sql(rule, self.columns)
        names = self._shown(rule)
        yield _csv_lines([names])
        with self._db.cursor() as db:
            sql = f"SELECT {_list(names)} FROM profiles WHERE {condition} ORDER BY profile_id"
            found = db.execute(sql, params)
            while rows := found.fetchmany(_CHUNK):
                yield _csv_lines(rows)

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


def _csv_lines(rows: Iterable[Iterable[Any]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows([_safe(value) for value in row] for row in rows)
    return text.getvalue().encode()


def _safe(value: Any) -> Any:
    """Return a value that a spreadsheet does not run: text that begins like a formula is quoted."""
    return (
        f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t") else value
    )
