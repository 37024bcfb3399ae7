"""Before the first release the log itself says what there is and what is bought most."""

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from domain.catalogue import PURCHASE_GROUP, builtin_catalogue
from domain.items import Item
from feature_repo.event_rows import COLUMNS
from feature_repo.log import Log
from serving.items import ItemTable

MAX_EVENTS = 100_000  # the latest events that are looked at
_CHUNK = 10_000
_KIND, _LINES = COLUMNS.index("kind") + 1, COLUMNS.index("lines") + 1  # behind seq
_TOUCH_WEIGHT = 0.01  # a look counts this much beside a purchase


@dataclass(slots=True)
class _Seen:
    """What the latest events say of items."""

    popularity: Counter[str] = field(default_factory=Counter)
    lines: dict[str, dict[str, Any]] = field(default_factory=dict)  # the latest line of each item


def items_of_log(log: Log) -> ItemTable:
    """Return the catalogue, or the items of the latest events, with their recent popularity."""
    seen = _look(log)
    items = {item.item_id: _row(item) for item in log.items()}
    rows = items or {item_id: _guess(item_id, line) for item_id, line in seen.lines.items()}
    popularity = np.array([seen.popularity[item_id] for item_id in rows], dtype=np.float64)
    titles, categories, brands, prices, in_stock, attributes = (
        zip(*rows.values(), strict=True) if rows else ((),) * 6
    )
    return ItemTable(
        ids=list(rows), titles=list(titles), categories=list(categories), brands=list(brands),
        prices=list(prices), in_stock=np.array(in_stock, dtype=bool), popularity=popularity,
        trend=popularity, attributes=list(attributes),
    )  # fmt: skip


def _row(item: Item) -> tuple[Any, ...]:
    attributes = json.dumps(dict(item.attributes)) if item.attributes else None
    return item.title, item.category, item.brand, item.price, item.in_stock, attributes


def _guess(item_id: str, line: dict[str, Any]) -> tuple[Any, ...]:
    """Return what an event told of an item that no catalogue describes."""
    return item_id, line.get("category"), line.get("brand"), line.get("unit_price"), True, None


def _look(log: Log) -> _Seen:
    seen = _Seen()
    after = max(0, log.last_seq() - MAX_EVENTS)
    while rows := log.rows_after(after, _CHUNK):
        for row in rows:
            _count(seen, row[_KIND], row[_LINES])
        after = rows[-1][0]
    return seen


def _count(seen: _Seen, kind: str, lines: str | None) -> None:
    known = builtin_catalogue().kinds.get(kind)
    bought = known is not None and known.group == PURCHASE_GROUP
    for line in json.loads(lines or "[]"):
        seen.popularity[line["item_id"]] += 1.0 if bought else _TOUCH_WEIGHT  # type: ignore[assignment]
        seen.lines[line["item_id"]] = line
