"""When it happened: by the sender's clock, corrected by how far that clock is off from ours."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from domain.errors import InvalidEvent
from domain.events import EPOCH

Message = Mapping[str, Any]


def happened_at(
    message: Message, received_at: datetime, batch_sent_at: datetime | None = None
) -> datetime:
    """Return when it happened by the clock of the receiver, never later than the receipt.

    As in the Segment spec: `receivedAt - (sentAt - originalTimestamp)`. Most SDKs send the original
    time as `timestamp`. One that sends both says with `timestamp` when it happened, such as years
    ago, and with the other when it was called. Without `sentAt` the sender's clock is believed.
    """
    original = instant(message.get("originalTimestamp"), "originalTimestamp")
    stamped = instant(message.get("timestamp"), "timestamp")
    sent = instant(message.get("sentAt"), "sentAt") or batch_sent_at
    given = original or stamped
    is_skewed = original is None or stamped is None
    try:
        if given is not None and sent is not None and is_skewed:
            return _since_1970(min(received_at - (sent - given), received_at))
    except OverflowError as fault:
        raise InvalidEvent(
            "sentAt and the time of the event lie too far apart; send both from one clock",
            field="originalTimestamp" if original else "timestamp",
        ) from fault
    return _since_1970(min(stamped or original or received_at, received_at))


def instant(given: Any, name: str) -> datetime | None:
    """Return an ISO 8601 time in UTC, None for none; without a zone it is nobody's time."""
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
    try:
        return at.astimezone(UTC)
    except OverflowError as fault:
        raise InvalidEvent(f"{name} {given!r:.40} is out of all time", field=name) from fault


def _since_1970(at: datetime) -> datetime:
    if at < EPOCH:
        raise InvalidEvent(
            f"the event is said to have happened in {at.year}, before 1970; check the clock",
            field="timestamp",
        )
    return at
