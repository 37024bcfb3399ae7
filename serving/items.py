"""The items of a release as columns: one row per item, so that a filter is one comparison."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

TEXT, NUMBER, BOOLEAN = "text", "number", "boolean"
BUILTIN = ("item_id", "title", "category", "brand", "price", "in_stock")


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """One attribute of all items, missing ones included.

    Numbers are (items,) float64 with NaN for missing; text and booleans are (items,) int32 codes
    into `code_of`, -1 for missing.
    """

    type: str
    values: np.ndarray
    code_of: Mapping[float | str | bool, int]

    def equal_to(self, value: float | str | bool) -> np.ndarray:
        """Return which items have that value, (items,) bool."""
        if self.type == NUMBER:
            return np.asarray(self.values == value)
        code = self.code_of.get(value)
        return np.zeros(len(self.values), dtype=bool) if code is None else self.values == code

    def one_of(self, values: Iterable[float | str | bool]) -> np.ndarray:
        """Return which items have any of the values, (items,) bool."""
        if self.type == NUMBER:
            return np.isin(self.values, list(values))
        wanted = np.zeros(len(self.code_of) + 1, dtype=bool)  # the last place is for -1, missing
        wanted[[self.code_of[value] for value in values if value in self.code_of]] = True
        return np.asarray(wanted[self.values])


@dataclass(frozen=True, eq=False)
class ItemTable:
    """All items, in the order of their rows; lists and arrays have one entry per item.

    `popularity` is decayed purchases, `trend` the rise against the item's own past.
    """

    ids: list[str]
    titles: list[str]
    categories: list[str | None]
    brands: list[str | None]
    prices: list[float | None]
    in_stock: np.ndarray  # (items,) bool
    popularity: np.ndarray  # (items,) float64
    trend: np.ndarray  # (items,) float64
    attributes: list[str | None]  # JSON text

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def row_of(self) -> dict[str, int]:
        """The row of each item id."""
        return {item_id: row for row, item_id in enumerate(self.ids)}

    @cached_property
    def by_popularity(self) -> np.ndarray:
        """All rows, the most popular first; of equals the earlier row."""
        return np.argsort(-self.popularity, kind="stable")

    @cached_property
    def by_trend(self) -> np.ndarray:
        """All rows, the fastest rising first; of equals the more popular."""
        return np.lexsort((-self.popularity, -self.trend))

    @cached_property
    def masks(self) -> dict[str, np.ndarray]:
        """Filters that were asked lately, as JSON -> which items pass, (items,) bool."""
        return {}

    @cached_property
    def columns(self) -> dict[str, Column]:
        """Every attribute that a filter may name."""
        given: dict[str, Sequence[Any]] = {
            "item_id": self.ids,
            "title": self.titles,
            "category": self.categories,
            "brand": self.brands,
            "price": self.prices,
            "in_stock": self.in_stock.tolist(),
        }
        types = {"price": NUMBER, "in_stock": BOOLEAN}
        own = {name: column_of(values, types.get(name, TEXT)) for name, values in given.items()}
        return _extra_columns(self.attributes) | own

    def rows(self, item_ids: Iterable[str]) -> np.ndarray:
        """Return the rows of the known ids, unknown ones left out."""
        found = (self.row_of.get(item_id) for item_id in item_ids)
        return np.array([row for row in found if row is not None], dtype=np.int64)

    def to_plain(self, row: int) -> dict[str, Any]:
        """Return what a list says of one item."""
        return {
            "item_id": self.ids[row],
            "title": self.titles[row],
            "category": self.categories[row],
            "brand": self.brands[row],
            "price": self.prices[row],
        }


def column_of(values: Sequence[Any], kind: str) -> Column:
    """Return a column; a value of another type than `kind` counts as missing."""
    if kind == NUMBER:
        plain = [float(v) if type_of(v) == NUMBER else np.nan for v in values]
        return Column(NUMBER, np.array(plain, dtype=np.float64), {})
    code_of: dict[float | str | bool, int] = {}
    codes = [code_of.setdefault(v, len(code_of)) if type_of(v) == kind else -1 for v in values]
    return Column(kind, np.array(codes, dtype=np.int32), code_of)


def type_of(value: object) -> str | None:
    """Return the type of an attribute, None for what is no attribute."""
    if isinstance(value, bool):
        return BOOLEAN
    if isinstance(value, int | float):
        return NUMBER
    return TEXT if isinstance(value, str) else None


def _extra_columns(texts: Sequence[str | None]) -> dict[str, Column]:
    """Return the shop's own attributes as columns; the type is that of most of the values."""
    values: dict[str, dict[int, Any]] = {}
    for row, text in enumerate(texts):
        if text and text != "{}":
            for name, value in json.loads(text).items():
                if type_of(value):
                    values.setdefault(name, {})[row] = value
    return {
        name: column_of([of_row.get(n) for n in range(len(texts))], _commonest(of_row.values()))
        for name, of_row in values.items()
    }


def _commonest(values: Iterable[Any]) -> str:
    types = [str(type_of(value)) for value in values]
    return max((TEXT, NUMBER, BOOLEAN), key=types.count)


def read_items(path: Path) -> ItemTable:
    """Read `items.parquet` of a release."""
    found = pq.read_table(path).to_pydict()
    count = len(found["item_id"])
    nothing: list[Any] = [None] * count

    def numbers(name: str) -> np.ndarray:
        return np.nan_to_num(np.array(found.get(name, nothing), dtype=np.float64), nan=0.0)

    return ItemTable(
        ids=[str(i) for i in found["item_id"]],
        titles=[t or i for t, i in zip(found["title"], found["item_id"], strict=True)],
        categories=found.get("category", nothing),
        brands=found.get("brand", nothing),
        prices=[_finite(p) for p in found.get("price", nothing)],
        in_stock=np.array([s is not False for s in found.get("in_stock", nothing)], dtype=bool),
        popularity=numbers("popularity"),
        trend=numbers("trend"),
        attributes=found.get("attributes", nothing),
    )


def _finite(price: float | None) -> float | None:
    return price if price is not None and np.isfinite(price) else None
