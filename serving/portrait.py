"""One profile as people want to see it: who, what they did, how they score, where they belong."""

from datetime import datetime
from typing import Any

from domain.errors import NotFound
from domain.events import Event
from domain.features import features_at
from serving.runtime import Runtime


def portrait(runtime: Runtime, profile_id: str, event_limit: int, now: datetime) -> dict[str, Any]:
    """Return everything known of a profile; a device's id finds the customer it is linked to."""
    person = runtime.people.find(None, profile_id)
    if not person.known:
        raise NotFound(f"nothing is known of the profile {profile_id[:100]!r}", field="profile_id")
    events = runtime.people.latest_events(person.profile_id, event_limit)
    return {
        "profile_id": person.profile_id,
        "traits": {name: stamp.value for name, stamp in sorted(person.state.traits.items())},
        "consent": person.consent,
        "behaviour": features_at(person.state, now),
        "scores": dict(person.scores),
        "segments": runtime.segments.of(person.attributes(now)),
        "events": [_event(event) for event in events],
        "features_age_seconds": person.age_seconds(now),
        "fallback": "log" if person.written_at is None else None,
    }


def _event(event: Event) -> dict[str, Any]:
    optional = ("value", "currency", "order_id", "channel", "device", "campaign", "decision_id")
    told = {name: v for name in optional if (v := getattr(event, name)) is not None}
    items = [
        {"item_id": line.item_id, "quantity": line.quantity, "unit_price": line.unit_price}
        for line in event.lines
    ]
    plain = {"message_id": event.message_id, "kind": event.kind, "at": event.at}
    return plain | told | {"items": items, "properties": dict(event.properties)}
