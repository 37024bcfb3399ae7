"""Which clicks and purchases belong to which list: by the decision id carried back, or by person.

carried  an event counts for the list whose decision id it carries, if that list showed the item
profile  an event counts for the latest list before it that showed the item to the same person

Either way it must have happened within some days of the showing. An event may also carry the id of
a whole call: then it counts for the list of that call which showed the item.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from domain.behaviour import DAY_MICROS
from domain.catalogue import RECOMMENDATION_SHOWN, builtin_catalogue
from domain.events import to_micros
from feature_repo.event_rows import COLUMNS
from feature_repo.log import Log
from serving.people import BUYING

CARRIED, PROFILE = "carried", "profile"
_PLACE = {name: COLUMNS.index(name) + 1 for name in COLUMNS}  # behind seq
_CLICKING = tuple(
    k.name
    for k in builtin_catalogue().kinds.values()
    if k.group in ("interest", "intent") and k.score > 0
)
_KINDS = (*_CLICKING, *sorted(BUYING))

Lines = Sequence[Mapping[str, Any]]


@dataclass(slots=True)
class Showing:
    """One list that was shown, and what came of it."""

    decision_id: str
    at: int  # microseconds
    profile_id: str | None
    items: frozenset[str]
    versions: str  # JSON text: the model versions and the fallback
    clicked: bool = False
    bought: bool = False
    revenue: float = 0.0

    def credit(self, kind: str, lines: Lines, value: float | None) -> None:
        """Take in an event that touched items of this list."""
        if kind not in BUYING:
            self.clicked = True
            return
        self.bought = True
        only = value if len(lines) == 1 else None  # the money of an order that is this item alone
        self.revenue += sum(_money(n, only) for n in lines if n["item_id"] in self.items)


def _money(line: Mapping[str, Any], otherwise: float | None) -> float:
    price = line.get("unit_price")
    return otherwise or 0.0 if price is None else float(line.get("quantity") or 0.0) * price


@dataclass(frozen=True, slots=True)
class Window:
    """Lists shown from `since` up to `until` (not in), microseconds; `days` to act on them."""

    since: int
    until: int
    days: float

    @property
    def micros(self) -> int:
        """How long after its showing a list is credited."""
        return int(self.days * DAY_MICROS)


def placements(log: Log, until: int) -> dict[str, list[int]]:
    """Return each placement with the times of its showings' first and last, and how many."""
    found: dict[str, list[int]] = {}
    for row in log.with_decision(RECOMMENDATION_SHOWN, 0, until):
        at, name = row[_PLACE["at"]], _properties(row).get("placement")
        if isinstance(name, str):
            seen = found.setdefault(name, [at, at, 0])
            seen[1], seen[2] = at, seen[2] + 1
    return found


def showings(log: Log, placement: str, window: Window, rule: str) -> list[Showing]:
    """Return the lists that a placement showed within the window, with what came of them."""
    found: dict[str, Showing] = {}
    for row in log.with_decision(RECOMMENDATION_SHOWN, window.since, window.until):
        properties = _properties(row)
        if properties.get("placement") == placement:
            shown = _showing(log, row, properties)
            found.setdefault(shown.decision_id, shown)
    (_credit_carried if rule == CARRIED else _credit_profiles)(log, found, window)
    return list(found.values())


def _showing(log: Log, row: tuple[Any, ...], properties: Mapping[str, Any]) -> Showing:
    customer, device = row[_PLACE["customer_id"]], row[_PLACE["anonymous_id"]]
    told = {name: properties.get(name) for name in ("model_versions", "fallback")}
    return Showing(
        decision_id=row[_PLACE["decision_id"]],
        at=row[_PLACE["at"]],
        profile_id=customer or (device and (log.customer_of(device) or device)),
        items=frozenset(line["item_id"] for line in _lines(row)),
        versions=json.dumps(told, sort_keys=True),
    )


def _credit_carried(log: Log, found: Mapping[str, Showing], window: Window) -> None:
    by_call: dict[str, list[Showing]] = defaultdict(list)
    for shown in found.values():
        by_call[shown.decision_id.rpartition("-")[0]].append(shown)
    for kind in _KINDS:
        until = window.until + window.micros
        for row in log.with_decision(kind, window.since - DAY_MICROS, until):
            carried = row[_PLACE["decision_id"]]
            named = [found[carried]] if carried in found else by_call.get(carried, [])
            _credit(named, row[_PLACE["at"]], kind, _lines(row), row[_PLACE["value"]], window)


def _credit_profiles(log: Log, found: Mapping[str, Showing], window: Window) -> None:
    by_profile: dict[str, list[Showing]] = defaultdict(list)
    for shown in sorted(found.values(), key=lambda s: -s.at):
        if shown.profile_id is not None:
            by_profile[shown.profile_id].append(shown)
    for profile_id, lists in by_profile.items():
        for event in log.events_of(profile_id, kinds=_KINDS):
            at = to_micros(event.at)
            before = [shown for shown in lists if shown.at <= at]
            for line in event.lines:
                plain = {"item_id": line.item_id, "quantity": line.quantity,
                         "unit_price": line.unit_price}  # fmt: skip
                latest = next((s for s in before if line.item_id in s.items), None)
                value = event.value if len(event.lines) == 1 else None
                _credit([latest] if latest else [], at, event.kind, [plain], value, window)


def _credit(
    named: Iterable[Showing], at: int, kind: str, lines: Lines, value: float | None, window: Window
) -> None:
    for shown in named:
        touched = any(line["item_id"] in shown.items for line in lines)
        if touched and at <= shown.at + window.micros:
            shown.credit(kind, lines, value)


def _lines(row: tuple[Any, ...]) -> list[dict[str, Any]]:
    return list(json.loads(row[_PLACE["lines"]] or "[]"))


def _properties(row: tuple[Any, ...]) -> dict[str, Any]:
    return dict(json.loads(row[_PLACE["properties"]] or "{}"))
