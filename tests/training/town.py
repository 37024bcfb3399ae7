"""A little town whose customers behave by rules simple enough to know what a model must find."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from domain.events import Event, Line
from domain.items import Item
from domain.settings import Settings
from feature_repo.event_log import EventLog
from feature_repo.lake import export
from training.outcome import Outcome
from training.scoring import ScoredSummary

START = datetime(2025, 1, 1, tzinfo=UTC)
DAYS = 210
END = START + timedelta(days=DAYS)
NOW = datetime(2025, 8, 1, 12, tzinfo=UTC)  # the clock of every command
ITEMS = [
    Item(f"i{n:02d}", f"Item {n}", START, category="ab"[n % 2], price=5.0 + n) for n in range(40)
]


@dataclass(frozen=True)
class Town:
    """A town after its first day with Nextbest."""

    settings: Settings
    outcomes: dict[str, Outcome]
    scored: ScoredSummary
    release: Path


def act(
    number: int | str,
    kind: str,
    day: float,
    *,
    customer: str | None = None,
    device: str | None = None,
    value: float | None = None,
    items: Iterable[int] = (),
    decision: str | None = None,
    **properties: object,
) -> Event:
    """Return one event, `day` days after START."""
    at = START + timedelta(days=day)
    lines = tuple(Line(f"i{n:02d}", unit_price=5.0 + n) for n in items)
    return Event(
        f"m{number}", kind, at, at, customer, device, lines, value, decision_id=decision,
        properties=properties,
    )  # fmt: skip


def fill(home: Path, events: Iterable[Event]) -> None:
    """Write events and the catalogue, and bring the lake up to date."""
    log = EventLog(home)
    log.append(events, ITEMS)
    export(log, home)
    log.close()


def lively(customers: int, seed: int = 1, days: int = DAYS) -> Iterator[Event]:
    """Yield a town of regulars, who keep coming, and of fleeting ones, who soon stop.

    A regular buys every week or two, mostly even items or mostly odd ones; a fleeting customer
    three times and no more. Keen visitors look at many items a day and then buy; idle ones look at
    one now and then and never do.
    """
    rng = np.random.default_rng(seed)
    number = 0
    for who in range(customers):
        for event in _life(rng, who, days):
            number += 1
            yield act(number, *event[:2], **event[2])


def _life(rng: np.random.Generator, who: int, days: int) -> list[tuple]:
    role = ("regular", "fleeting", "keen", "idle")[who % 4]
    if role in ("regular", "fleeting"):
        return _customer(rng, f"c{who}", who % 8 < 4, role == "regular", days)
    return _visitor(rng, f"d{who}", role == "keen", days)


def _customer(
    rng: np.random.Generator, name: str, even: bool, regular: bool, days: int
) -> list[tuple]:
    events, day, bought = [], float(rng.uniform(0, max(days - 60, 1))), 0
    while day < days and (regular or bought < 3):
        item = int(rng.integers(0, 20)) * 2 + (0 if even else 1)
        value = float(rng.uniform(20, 30) if regular else rng.uniform(5, 10))
        events.append(("item-view", day - 0.01, {"customer": name, "items": [item]}))
        events.append(("purchase", day, {"customer": name, "items": [item], "value": value}))
        day, bought = day + float(rng.uniform(5, 14)), bought + 1
    return events


def _visitor(rng: np.random.Generator, name: str, keen: bool, days: int) -> list[tuple]:
    """A device that is linked to a customer by its first order, if it ever orders."""
    events: list[tuple] = []
    first = float(rng.uniform(0, days))
    for visit in range(6):
        day = first + visit * 4.0
        for look in range(5 if keen else 1):
            item = int(rng.integers(0, 40))
            events.append(("item-view", day + look / 100, {"device": name, "items": [item]}))
    if keen and rng.random() < 0.9:
        told = {"customer": f"k{name}", "device": name, "items": [1], "value": 15.0}
        events.append(("purchase", first + 26.0, told))
    return [e for e in events if e[1] < days]
