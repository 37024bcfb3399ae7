"""An event is one thing that one customer did at one instant, with the items it touched."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from domain.errors import InvalidEvent

MAX_ID_LENGTH = 100
CHANNELS = ("web", "app", "email", "sms", "push", "store", "ads", "phone", "other")
DEVICES = ("desktop", "mobile", "tablet", "other")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def to_micros(at: datetime) -> int:
    """Return microseconds since 1970-01-01 UTC, exact (no float in between)."""
    delta = at - EPOCH
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds


def from_micros(micros: int) -> datetime:
    """Return the UTC instant of `micros` microseconds since 1970-01-01."""
    seconds, rest = divmod(micros, 1_000_000)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest)


@dataclass(frozen=True, slots=True)
class Line:
    """One item within an event: what, how many, at what unit price, as known at the time."""

    item_id: str
    quantity: float = 1.0
    unit_price: float | None = None
    category: str | None = None
    brand: str | None = None

    def __post_init__(self) -> None:
        if not self.item_id or len(self.item_id) > MAX_ID_LENGTH:
            raise InvalidEvent(
                f"item_id {self.item_id[:20]!r} must have 1 to {MAX_ID_LENGTH} characters",
                field="item_id",
            )
        if not math.isfinite(self.quantity) or self.quantity < 0:
            raise InvalidEvent(
                f"item {self.item_id!r}: quantity {self.quantity} must be a number of 0 or more; "
                "send a return as the event 'product-return' with a positive quantity",
                field="quantity",
            )
        if self.unit_price is not None and (
            not math.isfinite(self.unit_price) or self.unit_price < 0
        ):
            raise InvalidEvent(
                f"item {self.item_id!r}: unit_price {self.unit_price} must be "
                "a number of 0 or more",
                field="unit_price",
            )


@dataclass(frozen=True, slots=True)
class Event:
    """One thing one customer did at one instant.

    `customer_id` is the known person, `anonymous_id` the device; an imported line without either
    still counts for its items. `value` is the money of the whole event in `currency`, never
    negative (a return is its own kind).
    """

    message_id: str
    kind: str
    at: datetime  # UTC, when it happened (not when we received it)
    received_at: datetime  # UTC
    customer_id: str | None = None
    anonymous_id: str | None = None
    lines: tuple[Line, ...] = ()
    value: float | None = None
    currency: str | None = None
    order_id: str | None = None
    channel: str | None = None  # one of CHANNELS
    device: str | None = None  # one of DEVICES
    campaign: str | None = None
    decision_id: str | None = None
    properties: Mapping[str, Any] = field(default_factory=dict)
    traits: Mapping[str, Any] = field(default_factory=dict)
    consent: Mapping[str, bool] = field(default_factory=dict)  # purpose -> granted

    def __post_init__(self) -> None:
        for name, text in (("messageId", self.message_id), ("event", self.kind)):
            if not text or len(text) > MAX_ID_LENGTH:
                raise self._refused(f"{name} must have 1 to {MAX_ID_LENGTH} characters", name)
        for name in ("at", "received_at"):
            if getattr(self, name).tzinfo is None:
                raise self._refused(
                    f"{name!r} has no time zone; send ISO 8601 with an offset", "timestamp"
                )
        self._check_ids()
        if self.value is not None and (not math.isfinite(self.value) or self.value < 0):
            raise self._refused(f"value {self.value} must be a number of 0 or more", "value")
        for name, allowed in (("channel", CHANNELS), ("device", DEVICES)):
            given = getattr(self, name)
            if given is not None and given not in allowed:
                raise self._refused(f"{name} {given!r} is none of {', '.join(allowed)}", name)

    def _check_ids(self) -> None:
        for name in ("customer_id", "anonymous_id"):
            given = getattr(self, name)
            if given is not None and not 0 < len(given) <= 256:
                raise self._refused(f"{name} must have 1 to 256 characters", name)
        for name in ("message_id", "customer_id", "anonymous_id"):
            if "\0" in (getattr(self, name) or ""):
                raise self._refused(f"{name} holds the character NUL; leave it out", name)

    def _refused(self, fault: str, field_: str) -> InvalidEvent:
        return InvalidEvent(f"event {self.message_id[:20]!r}: {fault}", field=field_)

    @property
    def subject_id(self) -> str | None:
        """The id the event is kept under before any stitching; None for item-only lines."""
        return self.customer_id or self.anonymous_id
