"""A filter says which items may be shown: `{"category": "mugs", "price": {"<=": 20}}`.

    {"category": "mugs"}                     equal
    {"brand": ["a", "b"]}                    one of
    {"price": {">": 5, "<=": 20}}            all of these comparisons: = != < <= > >= in notIn
    {"not": {"category": "mugs"}}            turned around; an item without a category passes
    {"any": [{...}, {...}]}                  at least one of these

Names beside each other must all hold. A missing value fulfils no comparison, `!=` included.
"""

import difflib
import json
import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from domain.errors import InvalidInput
from serving.items import NUMBER, Column, ItemTable

MAX_DEPTH = 5
MAX_VALUES = 1000
MAX_KEPT = 32  # masks of one table
_ORDER: dict[str, Callable[[np.ndarray, float], np.ndarray]] = {
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
}
_OPERATORS = ("=", "!=", *_ORDER, "in", "notIn")
_TYPES = {"text": "a text", "number": "a finite number", "boolean": "true or false"}


def mask_of(plain: Mapping[str, Any], items: ItemTable) -> np.ndarray:
    """Return which items pass, (items,) bool, or raise InvalidInput with the place of the fault.

    The table keeps the masks of the latest filters, which is why they are read only.
    """
    try:
        text = json.dumps(plain)
    except (TypeError, ValueError):  # no JSON, so it is a fault that `_all` names
        return _all(plain, items, "filter", 1)
    mask = items.masks.get(text)
    if mask is None:
        mask = _all(plain, items, "filter", 1)
        mask.flags.writeable = False
        if len(items.masks) >= MAX_KEPT:
            items.masks.clear()
        items.masks[text] = mask
    return mask


def failing(plain: Mapping[str, Any], items: ItemTable, row: int) -> list[str]:
    """Return the parts of a filter that an item does not pass, such as `filter.price.<=`."""
    parts: list[tuple[str, dict[str, Any]]] = []
    for name, given in plain.items():
        if isinstance(given, Mapping) and name != "not":
            parts += [(f".{name}.{op}", {name: {op: value}}) for op, value in given.items()]
        else:
            parts.append((f".{name}", {name: given}))
    return [f"filter{place}" for place, part in parts if not mask_of(part, items)[row]]


def _all(plain: Any, items: ItemTable, path: str, depth: int) -> np.ndarray:
    if not isinstance(plain, Mapping):
        raise InvalidInput(f"{path} {plain!r:.40} must be an object of attributes", field=path)
    if depth > MAX_DEPTH:
        raise InvalidInput(f"{path} is nested deeper than {MAX_DEPTH}; flatten it", field=path)
    passed = np.ones(len(items), dtype=bool)
    for name, given in plain.items():
        passed &= _one(name, given, items, f"{path}.{name}", depth)
    return passed


def _one(name: str, given: Any, items: ItemTable, path: str, depth: int) -> np.ndarray:
    if name == "not":
        return ~_all(given, items, path, depth + 1)
    if name == "any":
        return _any(given, items, path, depth)
    column = items.columns.get(name)
    if column is None:
        near = difflib.get_close_matches(name, items.columns, n=1)
        hint = (
            f"did you mean {near[0]!r}?" if near else f"known: {', '.join(sorted(items.columns))}"
        )
        raise InvalidInput(f"unknown attribute {name!r:.80}; {hint}", field=path)
    if isinstance(given, Mapping):
        return _compared(column, given, path)
    return _in(column, given, path) if isinstance(given, list) else _equal(column, given, path)


def _any(given: Any, items: ItemTable, path: str, depth: int) -> np.ndarray:
    if not isinstance(given, list) or not given:
        raise InvalidInput(f"{path} must be a list with at least one filter", field=path)
    parts = [_all(part, items, f"{path}[{n}]", depth + 1) for n, part in enumerate(given)]
    return np.asarray(np.logical_or.reduce(parts))


def _compared(column: Column, given: Mapping[str, Any], path: str) -> np.ndarray:
    if not given:
        raise InvalidInput(f"{path} needs a comparison, one of {' '.join(_OPERATORS)}", field=path)
    parts = [_operator(column, operator, value, path) for operator, value in given.items()]
    return np.asarray(np.logical_and.reduce(parts))


def _operator(column: Column, operator: str, value: Any, path: str) -> np.ndarray:
    if operator in _ORDER:
        if column.type != NUMBER:
            raise InvalidInput(
                f"{path} is {_TYPES[column.type]}; {operator} needs a number", field=path
            )
        return np.asarray(_ORDER[operator](column.values, _checked(column, value, path)))
    if operator == "=":
        return _equal(column, value, path)
    if operator == "!=":
        return np.asarray(_known(column) & ~_equal(column, value, path))
    if operator == "in":
        return _in(column, value, path)
    if operator == "notIn":
        return np.asarray(_known(column) & ~_in(column, value, path))
    raise InvalidInput(
        f"{path}: unknown operator {operator!r:.40}; use one of {' '.join(_OPERATORS)}", field=path
    )


def _known(column: Column) -> np.ndarray:
    return np.asarray(~np.isnan(column.values) if column.type == NUMBER else column.values >= 0)


def _equal(column: Column, value: Any, path: str) -> np.ndarray:
    return np.asarray(column.equal_to(_checked(column, value, path)))


def _in(column: Column, values: Any, path: str) -> np.ndarray:
    if not isinstance(values, list) or not 0 < len(values) <= MAX_VALUES:
        raise InvalidInput(f"{path} needs a list of 1 to {MAX_VALUES} values", field=path)
    checked = [_checked(column, value, path) for value in values]
    return column.one_of(checked)


def _checked(column: Column, value: Any, path: str) -> Any:
    """Return `value` if it has the type of the column."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    fits = {
        "number": is_number and math.isfinite(value),
        "text": isinstance(value, str),
        "boolean": isinstance(value, bool),
    }[column.type]
    if not fits:
        raise InvalidInput(f"{path} {value!r:.40} must be {_TYPES[column.type]}", field=path)
    return value
