"""A table of items with some of them changed or added: a new table, the old one stays as it was.

Rows keep their numbers and new items come behind, so what else is known by row stays true.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from domain.items import Item
from serving.items import NUMBER, Column, ItemTable, type_of


def changed(table: ItemTable, items: Iterable[Item]) -> list[Item]:
    """Return those of the items that the table does not hold as they are."""
    return [item for item in items if not _is_as_held(table, item)]


def _is_as_held(table: ItemTable, item: Item) -> bool:
    row = table.row_of.get(item.item_id)
    if row is None:
        return False
    held = (table.titles[row], table.categories[row], table.brands[row], table.prices[row])
    text = table.attributes[row]
    return (
        held == (item.title or item.item_id, item.category, item.brand, item.price)
        and bool(table.in_stock[row]) == item.in_stock
        and (json.loads(text) if text else {}) == dict(item.attributes)
    )


def with_items(table: ItemTable, items: Sequence[Item]) -> ItemTable:
    """Return the table with these items, each put in its row or behind all others.

    A new item has no popularity and no trend.
    """
    row_of = dict(table.row_of)
    rows = [row_of.setdefault(item.item_id, len(row_of)) for item in items]
    more = len(row_of) - len(table)
    attributes = [json.dumps(dict(i.attributes)) if i.attributes else None for i in items]
    put = _Put(rows, more)
    found = replace(
        table,
        ids=put.into(table.ids, [i.item_id for i in items]),
        titles=put.into(table.titles, [i.title or i.item_id for i in items]),
        categories=put.into(table.categories, [i.category for i in items]),
        brands=put.into(table.brands, [i.brand for i in items]),
        prices=put.into(table.prices, [i.price for i in items]),
        in_stock=put.into_array(table.in_stock, [i.in_stock for i in items]),
        popularity=np.append(table.popularity, np.zeros(more)),
        trend=np.append(table.trend, np.zeros(more)),
        attributes=put.into(table.attributes, attributes),
    )
    behind = np.arange(len(table), len(row_of))
    found.__dict__.update(  # what would otherwise be made anew, from all items
        row_of=row_of,
        by_popularity=np.append(table.by_popularity, behind),
        by_trend=np.append(table.by_trend, behind),
        columns=_columns(table.columns, items, put),
    )
    return found


class _Put:
    """Puts values into rows of copies that are longer by `more`."""

    def __init__(self, rows: list[int], more: int) -> None:
        self.rows = rows
        self._more = more

    def into(self, values: Sequence[Any], new: Sequence[Any]) -> list[Any]:
        found = [*values, *([None] * self._more)]
        for row, value in zip(self.rows, new, strict=True):
            found[row] = value
        return found

    def into_array(self, values: np.ndarray, new: Sequence[Any], missing: Any = 0) -> np.ndarray:
        found = np.append(values, np.full(self._more, missing, dtype=values.dtype))
        found[self.rows] = new
        return found


def _columns(columns: dict[str, Column], items: Sequence[Item], put: _Put) -> dict[str, Column]:
    own = {
        name: [getattr(item, name) for item in items]
        for name in ("item_id", "title", "category", "brand", "price", "in_stock")
    }
    names = {*columns, *(name for item in items for name in item.attributes)}
    size = len(columns["item_id"].values)
    found: dict[str, Column] = {}
    for name in names:
        values = own.get(name) or [item.attributes.get(name) for item in items]
        column = columns.get(name) or _empty(size, values)
        if column is not None:
            found[name] = _column_with(column, values, put)
    return found


def _empty(size: int, values: Sequence[Any]) -> Column | None:
    """Return a column of missing values, of the commonest type of `values`; None if none has one.

    So the first items that have an attribute say of what type it is.
    """
    types = [kind for value in values if (kind := type_of(value))]
    if not types:
        return None
    kind = max(dict.fromkeys(types), key=types.count)
    if kind == NUMBER:
        return Column(NUMBER, np.full(size, np.nan), {})
    return Column(kind, np.full(size, -1, dtype=np.int32), {})


def _column_with(column: Column, values: Sequence[Any], put: _Put) -> Column:
    fine = [value if type_of(value) == column.type else None for value in values]
    if column.type == NUMBER:
        numbers = [np.nan if value is None else float(value) for value in fine]
        return Column(NUMBER, put.into_array(column.values, numbers, np.nan), {})
    code_of = column.code_of
    new = [v for v in dict.fromkeys(fine) if v is not None and v not in code_of]
    if new:
        code_of = dict(code_of)
        code_of.update((value, len(code_of) + n) for n, value in enumerate(new))
    codes = [-1 if value is None else code_of[value] for value in fine]
    return Column(column.type, put.into_array(column.values, codes, -1), code_of)
