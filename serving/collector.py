"""From a message of the Segment spec to an Event; what cannot be read says which field and why."""

import uuid
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from domain.catalogue import IDENTIFY, kind_named
from domain.errors import InvalidEvent
from domain.events import Event
from domain.identity import is_nobody
from serving.context import campaign_of, channel_of, consent_of, device_of
from serving.instants import happened_at
from serving.products import lines_of, value_of
from serving.traits import object_of, traits_of

Message = Mapping[str, Any]
MAX_PERSON_ID_LENGTH = 256
ALIAS, GROUP = "alias", "group"


def to_event(message: Any, received_at: datetime, sent_at: datetime | None = None) -> Event:
    """Return the event that a message of type track, identify, page, screen, group or alias says.

    `sent_at` is that of the batch, for messages without their own.
    """
    if not isinstance(message, Mapping):
        raise InvalidEvent(f"an event must be a JSON object, not {message!r:.40}", field="event")
    properties = object_of(message, "properties")
    context = object_of(message, "context")
    kind = _kind(message)
    customer_id, anonymous_id = _ids(message)
    return Event(
        message_id=_message_id(message),
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
        decision_id=_text(properties, "decision_id", "decisionId")
        or _text(context, "decision_id", "decisionId"),
        properties=_properties(message, properties),
        traits=traits_of(message, context),
        consent=consent_of(context),
    )


def _message_id(message: Message) -> str:
    """Return the id that makes a repetition known; one is made where none was sent."""
    if message.get("messageId") == "":
        raise InvalidEvent("messageId is empty; send 1 to 100 characters", field="messageId")
    return _id(message, "messageId") or f"n-{uuid.uuid4().hex}"


def _kind(message: Message) -> str:
    """Return our name of what happened."""
    given = message.get("type")
    kind_of = _KINDS.get(given) if isinstance(given, str) else None
    if kind_of is None:
        raise InvalidEvent(f"type {given!r:.40} is none of {', '.join(_KINDS)}", field="type")
    return kind_of(message)


def _tracked(message: Message) -> str:
    """Return a Segment name as ours; names that nobody knows are kept as they are."""
    name = _text(message, "event")
    if name is None or not name.strip():
        raise InvalidEvent("a track call needs 'event', the name of what happened", field="event")
    return kind_named(name)


_KINDS: dict[str, Callable[[Message], str]] = {
    "track": _tracked,
    "identify": lambda _: IDENTIFY,
    "page": lambda _: "page-view",
    "screen": lambda _: "page-view",
    "group": lambda _: GROUP,
    "alias": lambda _: ALIAS,
}


def _ids(message: Message) -> tuple[str | None, str | None]:
    """Return customer and device; an alias links its previous id as a device of the new one.

    One that names the same id twice, as analytics.js sends after a login, links nothing.
    """
    customer_id, anonymous_id = _person_id(message, "userId"), _person_id(message, "anonymousId")
    if message.get("type") == ALIAS:
        anonymous_id = _person_id(message, "previousId") or anonymous_id
        if not customer_id or not anonymous_id:
            raise InvalidEvent("an alias needs userId and previousId", field="previousId")
    if not customer_id and not anonymous_id:
        given = message.get("userId") or message.get("anonymousId")
        named = f"; {given!r:.40} names nobody" if given else ""
        raise InvalidEvent(f"an event needs userId or anonymousId{named}", field="userId")
    return customer_id, None if anonymous_id == customer_id else anonymous_id


def _person_id(message: Message, name: str) -> str | None:
    """Return an id; one that names nobody, such as 'null', would join strangers: it is none."""
    given = _id(message, name)
    if given is None or is_nobody(given):
        return None
    if len(given) > MAX_PERSON_ID_LENGTH:
        raise InvalidEvent(
            f"{name} {given[:20]!r}... has {len(given)} characters, more than "
            f"{MAX_PERSON_ID_LENGTH}; shorten it",
            field=name,
        )
    return given


def _id(message: Message, name: str) -> str | None:
    given = _text(message, name)
    if given is not None and "\0" in given:
        raise InvalidEvent(
            f"{name} {given[:40]!r} holds the character NUL; leave it out", field=name
        )
    return given


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
    if message.get("type") in ("page", "screen"):
        for name in ("name", "category"):
            if message.get(name):
                rest.setdefault(name, message[name])
    if message.get("type") == GROUP:
        rest["group_id"] = _text(message, "groupId")
        rest["group_traits"] = dict(object_of(message, "traits"))
    return rest
