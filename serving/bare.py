"""Before the first release the log itself says what there is and what is bought most."""

import json
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import orjson

from domain.catalogue import PURCHASE_GROUP, builtin_catalogue
from domain.items import Item
from feature_repo.event_rows import COLUMNS
from feature_repo.log import Log
from serving.items import ItemTable

MAX_EVENTS = 100_000  # the latest events that are looked at
_CHUNK = 2_000
_KIND, _LINES = COLUMNS.index("kind") + 1, COLUMNS.index("lines") + 1  # behind seq
_PURCHASE = 100  # a purchase counts as much as so many looks


@dataclass(slots=True)
class _Run:
    """What one run of events says of items; it ends at a sequence number."""

    until: int
    events: int = 0
    points: Counter[str] = field(default_factory=Counter)


class ItemsOfLog:
    """The catalogue, or the items of the latest events, with their recent popularity.

    What was read once is not read again: a look reads what came since the last one.
    """

    def __init__(self, log: Log, most: int = MAX_EVENTS) -> None:
        self._log = log
        self._most = most
        self._runs: deque[_Run] = deque()
        self._points: Counter[str] = Counter()
        self._lines: dict[str, dict[str, Any]] = {}  # the latest line of each item

    def table(self) -> ItemTable:
        """Return the items as of now."""
        self._look()
        items = {item.item_id: _row(item) for item in self._log.items()}
        rows = items or {i: _guess(i, line) for i, line in self._lines.items()}
        popularity = np.array([self._points[i] for i in rows], dtype=np.float64) / _PURCHASE
        titles, categories, brands, prices, in_stock, attributes = (
            zip(*rows.values(), strict=True) if rows else ((),) * 6
        )
        return ItemTable(
            ids=list(rows), titles=list(titles), categories=list(categories), brands=list(brands),
            prices=list(prices), in_stock=np.array(in_stock, dtype=bool), popularity=popularity,
            trend=popularity, attributes=list(attributes),
        )  # fmt: skip

    def _look(self) -> None:
        last = self._log.last_seq()
        after = max(self._runs[-1].until if self._runs else 0, last - self._most)
        while after < last and (rows := self._log.rows_after(after, _CHUNK)):
            run = _Run(rows[-1][0], len(rows))
            for row in rows:
                self._count(run, row[_KIND], row[_LINES])
            self._runs.append(run)
            self._points += run.points
            after = run.until
        while self._runs and sum(run.events for run in self._runs) > self._most:
            self._forget(self._runs.popleft())

    def _count(self, run: _Run, kind: str, lines: str | None) -> None:
        known = builtin_catalogue().kinds.get(kind)
        bought = known is not None and known.group == PURCHASE_GROUP
        for line in orjson.loads(lines) if lines else ():
            run.points[line["item_id"]] += _PURCHASE if bought else 1
            self._lines[line["item_id"]] = line

    def _forget(self, run: _Run) -> None:
        self._points -= run.points  # drops what comes to zero
        self._lines = {i: line for i, line in self._lines.items() if i in self._points}


def _row(item: Item) -> tuple[Any, ...]:
    attributes = json.dumps(dict(item.attributes)) if item.attributes else None
    return item.title, item.category, item.brand, item.price, item.in_stock, attributes


def _guess(item_id: str, line: dict[str, Any]) -> tuple[Any, ...]:
    """Return what an event told of an item that no catalogue describes."""
    return item_id, line.get("category"), line.get("brand"), line.get("unit_price"), True, None
