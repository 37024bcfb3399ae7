"""The ids of a call: its decision id, and those that its events did not bring themselves."""

import hashlib
from collections.abc import Mapping
from typing import Any

from serving.listing import new_decision_id
from serving.shapes.decide import DecideAsked


def decision_id_of(asked: DecideAsked) -> str:
    """Return a new id, or for a call with an id of its own the same each time it is sent."""
    return new_decision_id() if asked.call_id is None else f"d-{_digest(asked)}"


def messages_with_ids(asked: DecideAsked) -> list[Any]:
    """Return the messages; who names nobody gets the ids of the call."""
    made = None if asked.call_id is None else f"n-{_digest(asked)}"
    return [_completed(m, asked, made, n) for n, m in enumerate(asked.events, start=1)]


def _completed(message: Any, asked: DecideAsked, made: str | None, number: int) -> Any:
    if not isinstance(message, Mapping):
        return message
    full = dict(message)
    if not message.get("userId") and not message.get("anonymousId"):
        full |= {"userId": asked.customer_id, "anonymousId": asked.anonymous_id}
    if made is not None and message.get("messageId") is None:
        full["messageId"] = f"{made}-{number}"
    return full


def _digest(asked: DecideAsked) -> str:
    """Return 32 digits that are the same for the same person and call id alone."""
    parts = (asked.customer_id, asked.anonymous_id, asked.call_id)
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:32]
