"""What the demo page shows: its shelf, and what is known of the visitor who asks, nobody else."""

from collections.abc import Sequence
from datetime import datetime
from functools import reduce
from typing import Any

from domain.behaviour import State, fold
from domain.catalogue import RECOMMENDATION_SHOWN, builtin_catalogue
from domain.errors import NotFound
from domain.events import Event
from serving.deciding import judge, situation_of
from serving.items import ItemTable
from serving.listing import new_decision_id
from serving.people import Person
from serving.runtime import Runtime

MAX_EVENTS = 500  # the panel folds no more than the latest
_LISTED_EVENTS = 6
_FEATURES = (
    "funnel_stage", "journey_stage", "lead_points", "engagement_points", "loyalty_points",
    "top_category", "top_brand", "event_count", "item_view_count", "search_count",
    "add_to_cart_count", "cart_abandoned", "order_count", "spend_total", "session_item_count",
    "is_known",
)  # fmt: skip


def panel(runtime: Runtime, prefix: str, anonymous_id: str, now: datetime) -> dict[str, Any]:
    """Return what is known of a device of the demo visitor with that prefix.

    With the public key anybody can link ids at will, so what counts is read off the visitor's own
    events alone: a foreign id among them closes the panel.
    """
    profile_id = runtime.people.customer_of(anonymous_id) or anonymous_id
    events = runtime.people.latest_events(profile_id, MAX_EVENTS)
    ids = [anonymous_id, profile_id, *_ids_of(events)]
    if not all(found.startswith(prefix) for found in ids):
        raise NotFound("no visitor of this demo page has that id", field="anonymous_id")
    person = _person(runtime, profile_id, events)
    situation = situation_of(runtime, person, None, now)
    told = [event for event in events if event.kind != RECOMMENDATION_SHOWN]
    return {
        "anonymous_id": anonymous_id,
        "profile_id": profile_id,
        "traits": {name: stamp.value for name, stamp in sorted(person.state.traits.items())},
        "devices": len({e.anonymous_id for e in told if e.anonymous_id}),
        "behaviour": {name: situation.profile.get(name) for name in _FEATURES},
        "scores": dict(person.scores),
        "segments": [s.name for s in runtime.segments.all() if s.key in situation.segments],
        "action": judge(runtime, person, situation, new_decision_id(), None).answer["action"],
        "events": [_line(runtime.release.items, event) for event in told[:_LISTED_EVENTS]],
    }


def _ids_of(events: Sequence[Event]) -> list[str]:
    return [i for e in events for i in (e.customer_id, e.anonymous_id) if i is not None]


def _person(runtime: Runtime, profile_id: str, events: Sequence[Event]) -> Person:
    """Return the person as of these events; scores only where these are all there are."""
    scores = runtime.people.profile(profile_id).scores if len(events) < MAX_EVENTS else {}
    return Person(profile_id, reduce(fold, events, State()), scores)


def _line(items: ItemTable, event: Event) -> dict[str, Any]:
    kind = builtin_catalogue().kinds.get(event.kind)
    about = [items.titles[row] for row in items.rows(line.item_id for line in event.lines).tolist()]
    words = str(event.properties.get("query") or event.properties.get("path") or "")
    return {
        "message_id": event.message_id,
        "label": kind.label if kind else event.kind.replace("-", " ").capitalize(),
        "about": ", ".join(about[:2]) or words[:100],
        "at": event.at,
    }


def shelf(
    items: ItemTable, query: str, category: str | None, ids: Sequence[str], limit: int
) -> dict[str, Any]:
    """Return items in stock, popular ones first: those named, else those that hold every word."""
    words = query.lower().split()
    ranked = items.rows(ids).tolist() if ids else items.by_popularity.tolist()
    found: list[dict[str, Any]] = []
    for row in ranked:
        if len(found) == limit:
            break
        if ids or (items.in_stock[row] and _fits(items, row, words, category)):
            found.append(items.to_plain(row) | {"in_stock": bool(items.in_stock[row])})
    return {"items": found, "categories": _categories(items)}


def _fits(items: ItemTable, row: int, words: Sequence[str], category: str | None) -> bool:
    if category is not None and items.categories[row] != category:
        return False
    text = f"{items.titles[row]} {items.categories[row]} {items.brands[row]}".lower()
    return all(word in text for word in words)


def _categories(items: ItemTable) -> list[str]:
    known = items.columns["category"].code_of
    return sorted(str(name) for name in known)[:16]
