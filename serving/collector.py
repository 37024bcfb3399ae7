"""From a message of the Segment spec to an Event; what cannot be read says which field and why."""

import uuid
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from domain.catalogue import IDENTIFY, SEGMENT_NAMES, builtin_catalogue
from domain.errors import InvalidEvent
from domain.events import Event
from serving.context import campaign_of, channel_of, consent_of, device_of
from serving.products import lines_of, value_of

Message = Mapping[str, Any]
MAX_EVENT_BYTES = 32_768
ALIAS, GROUP = "alias", "group"
_STANDARD_TRAITS = {
    "firstName": "first_name", "firstname": "first_name", "lastName": "last_name",
    "lastname": "last_name",
}  # fmt: skip
_IN_ADDRESS = ("country", "city")


def to_event(message: Any, received_at: datetime, sent_at: Any = None) -> Event:
    """Return the event that a message of type track, identify, page, screen, group or alias says.

    `sent_at` is that of the batch, for messages without their own.
    """
    if not isinstance(message, Mapping):
        raise InvalidEvent(f"an event must be a JSON object, not {message!r:.40}", field="event")
    properties = _object(message, "properties")
    context = _object(message, "context")
    kind = _kind(message)
    customer_id, anonymous_id = _ids(message)
    return Event(
        message_id=_text(message, "messageId") or f"n-{uuid.uuid4().hex}",
        kind=kind,
        at=happened_at(message, received_at, sent_at),
        received_at=received_at,
        customer_id=customer_id,
        anonymous_id=anonymous_id,
        lines=lines_of(properties),
        value=value_of(kind, properties),
        currency=_currency(properties),
        order_id=_text(properties, "order_id", "orderId"),
        channel=channel_of(message, properties, context),
        device=device_of(context),
        campaign=campaign_of(properties, context),
        decision_id=_text(properties, "decision_id", "decisionId"),
        properties=_properties(message, properties),
        traits=_traits(message, context),
        consent=consent_of(context),
    )


def happened_at(message: Message, received_at: datetime, batch_sent_at: Any = None) -> datetime:
    """Return when it happened by the clock of the receiver, never later than the receipt."""
    original = _instant(message, "originalTimestamp")
    stamped = _instant(message, "timestamp")
    sent = _instant(message, "sentAt") or _instant({"sentAt": batch_sent_at}, "sentAt")
    if original and sent:
        try:
            return min(received_at - (sent - original), received_at)
        except OverflowError as fault:
            raise InvalidEvent(
                "sentAt and originalTimestamp lie too far apart; send both from one clock",
                field="originalTimestamp",
            ) from fault
    return min(stamped or original or received_at, received_at)


def _instant(message: Message, name: str) -> datetime | None:
    given = message.get(name)
    if given is None:
        return None
    try:
        at = datetime.fromisoformat(given)
    except (TypeError, ValueError) as fault:
        raise InvalidEvent(
            f"{name} {given!r:.40} is not ISO 8601, such as 2026-03-01T10:00:00Z", field=name
        ) from fault
    if at.tzinfo is None:
        raise InvalidEvent(
            f"{name} {given!r:.40} has no time zone; add Z or an offset such as +02:00", field=name
        )
    return at


def _kind(message: Message) -> str:
    """Return our name of what happened."""
    kind_of = _KINDS.get(str(message.get("type")))
    if kind_of is None:
        raise InvalidEvent(
            f"type {message.get('type')!r:.40} is none of {', '.join(_KINDS)}", field="type"
        )
    return kind_of(message)


def _tracked(message: Message) -> str:
    """Return a Segment name as ours; names that nobody knows are kept as they are."""
    name = _text(message, "event")
    if name is None:
        raise InvalidEvent("a track call needs 'event', the name of what happened", field="event")
    if name in SEGMENT_NAMES:
        return SEGMENT_NAMES[name]
    plain = name.strip().lower().replace(" ", "-").replace("_", "-")
    return plain if plain in builtin_catalogue().kinds else name


_KINDS: dict[str, Callable[[Message], str]] = {
    "track": _tracked,
    "identify": lambda _: IDENTIFY,
    "page": lambda _: "page-view",
    "screen": lambda _: "page-view",
    "group": lambda _: GROUP,
    "alias": lambda _: ALIAS,
}


def _ids(message: Message) -> tuple[str | None, str | None]:
    """Return customer and device; an alias links its previous id as a device of the new one."""
    customer_id, anonymous_id = _text(message, "userId"), _text(message, "anonymousId")
    if message.get("type") == "alias":
        anonymous_id = _text(message, "previousId") or anonymous_id
        if not customer_id or not anonymous_id:
            raise InvalidEvent("an alias needs userId and previousId", field="previousId")
    if not customer_id and not anonymous_id:
        raise InvalidEvent("an event needs userId or anonymousId", field="userId")
    return customer_id, anonymous_id


def _text(given: Message, *names: str) -> str | None:
    """Return the first of the names that is filled, a number as its digits; '' counts as absent."""
    for name in names:
        value = given.get(name)
        if value is None or value == "":
            continue
        if isinstance(value, bool) or not isinstance(value, str | int):
            raise InvalidEvent(f"{name} {value!r:.40} must be a text", field=name)
        return str(value)
    return None


def _object(message: Message, name: str) -> Message:
    given = message.get(name)
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise InvalidEvent(f"{name} {given!r:.40} must be a JSON object", field=name)
    return given


def _currency(properties: Message) -> str | None:
    given = _text(properties, "currency")
    if given is not None and not (len(given) == 3 and given.isascii() and given.isalpha()):
        raise InvalidEvent(
            f"currency {given!r:.40} must have three letters, such as EUR", field="currency"
        )
    return given.upper() if given else None


def _properties(message: Message, properties: Message) -> dict[str, Any]:
    """Return what was sent beside the parts with a place of their own."""
    rest = {name: value for name, value in properties.items() if name != "products"}
    if message.get("type") in ("page", "screen") and message.get("name"):
        rest.setdefault("name", message["name"])
    if message.get("type") == "group":
        rest |= {"group_id": message.get("groupId"), "group_traits": message.get("traits")}
    return rest


def _traits(message: Message, context: Message) -> dict[str, Any]:
    """Return the traits of the person, standard traits under their own names."""
    source = message if message.get("type") == "identify" else context
    found = {_STANDARD_TRAITS.get(name, name): v for name, v in _object(source, "traits").items()}
    address = found.get("address")
    if isinstance(address, Mapping):
        found |= {
            name: address[name] for name in _IN_ADDRESS if name in address and name not in found
        }
    return found
