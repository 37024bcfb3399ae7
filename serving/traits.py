"""What a message says about the person: each reserved trait of the Segment spec by one name."""

from collections.abc import Mapping
from typing import Any

from domain.errors import InvalidEvent

Message = Mapping[str, Any]
_RESERVED = {
    "firstName": "first_name", "firstname": "first_name",
    "lastName": "last_name", "lastname": "last_name",
    "createdAt": "created_at", "createdat": "created_at",
}  # fmt: skip
_IDS = ("userId", "anonymousId")
_IN_ADDRESS = {
    "country": "country", "city": "city", "state": "state",
    "postalCode": "postal_code", "postal_code": "postal_code", "postalcode": "postal_code",
}  # fmt: skip


def object_of(message: Message, name: str, path: str = "") -> Message:
    """Return the object under a name, an empty one where there is none; `path` names it in full."""
    given = message.get(name)
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise InvalidEvent(
            f"{path or name} {given!r:.40} must be a JSON object", field=path or name
        )
    return given


def traits_of(message: Message, context: Message) -> dict[str, Any]:
    """Return the traits of the person; those of a group belong to the group.

    SDKs of RudderStack say those of an identify call in the context alone, on phones with the ids
    among them, which are no traits.
    """
    given = dict(object_of(context, "traits", "context.traits"))
    if message.get("type") == "identify":
        given |= object_of(message, "traits")
    if not given:
        return {}
    found = {_RESERVED.get(n, n): value for n, value in given.items() if n not in _IDS}
    return _of_address(found.get("address")) | found


def _of_address(address: Any) -> dict[str, Any]:
    """Return the parts of an address as traits of their own; a trait said by itself goes first."""
    if not isinstance(address, Mapping):
        return {}
    return {_IN_ADDRESS[name]: part for name, part in address.items() if name in _IN_ADDRESS}
