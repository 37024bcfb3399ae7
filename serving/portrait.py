"""One profile as people want to see it: who, what they did, how they score, where they belong."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from domain.behaviour import State
from domain.derived import latest_session
from domain.errors import NotFound
from domain.events import Event, from_micros
from domain.features import features_at
from domain.tastes import TOPS, top_names
from serving.runtime import Runtime


def portrait(runtime: Runtime, profile_id: str, event_limit: int, now: datetime) -> dict[str, Any]:
    """Return everything known of a profile; a device's id finds the customer it is linked to."""
    person = runtime.people.find(None, profile_id)
    if not person.known:
        raise NotFound(f"nothing is known of the profile {profile_id[:100]!r}", field="profile_id")
    events = runtime.people.latest_events(person.profile_id, event_limit)
    behaviour = features_at(person.state, now)
    return {
        "profile_id": person.profile_id,
        "traits": {name: stamp.value for name, stamp in sorted(person.state.traits.items())},
        "consent": person.consent,
        "behaviour": behaviour,
        "session": _session(person.state, behaviour),
        "top": {stem: [n for name in top_names(stem) if (n := behaviour[name])] for stem in TOPS},
        "interactions": _interactions(person.state),
        "scores": dict(person.scores),
        "segments": runtime.segments.of(person.attributes(now)),
        "events": [_event(event) for event in events],
        "features_age_seconds": person.age_seconds(now),
        "fallback": "log" if person.written_at is None else None,
    }


def _session(state: State, behaviour: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the latest session, None for who did nothing."""
    latest = latest_session(state)
    if not latest:
        return None
    return {
        "started_at": from_micros(latest[0].at),
        "last_event_at": from_micros(latest[-1].at),
        "minutes": behaviour["session_minutes"],
        "events": len(latest),
        "items": int(behaviour["session_item_count"]),
        "campaign": behaviour["session_campaign"],
    }


def _interactions(state: State) -> list[dict[str, Any]]:
    """Return the last 50 times that an item was touched, newest first."""
    return [
        {
            "item_id": touch.item_id,
            "kind": touch.kind,
            "at": from_micros(touch.at),
            "category": touch.category,
            "brand": touch.brand,
            "message_id": touch.message_id,
        }
        for touch in reversed(state.touches)
    ]


def _event(event: Event) -> dict[str, Any]:
    optional = ("value", "currency", "order_id", "channel", "device", "campaign", "decision_id")
    told = {name: v for name in optional if (v := getattr(event, name)) is not None}
    items = [
        {"item_id": line.item_id, "quantity": line.quantity, "unit_price": line.unit_price}
        for line in event.lines
    ]
    plain = {"message_id": event.message_id, "kind": event.kind, "at": event.at}
    return plain | told | {"items": items, "properties": dict(event.properties)}
