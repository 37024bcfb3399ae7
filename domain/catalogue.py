"""The event catalogue says what each kind of event is worth and how far along it puts one."""

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any

from domain.errors import InvalidInput

STAGES = ("New Visitor", "Lead", "Prospect", "New Customer", "Engaged")  # the funnel, in order
JOURNEY = ("awareness", "attraction", "ask", "action", "advocacy")  # the journey, in order
GROUPS = ("attention", "interest", "intent", "purchase", "feedback")
MODELS = (
    "lead",
    "engagement",
    "cac",
    "data_quality",
    "none",
)  # which additive score the points feed

PURCHASE_GROUP = "purchase"
PURCHASE = "purchase"
RETURN = "product-return"
ADD_TO_CART = "add-to-cart"
ACTION_SHOWN = "action-shown"
RECOMMENDATION_SHOWN = "recommendation-shown"
IDENTIFY = "identify"

# Names of the specs of Segment and RudderStack, and what they are called here. The steps of a
# checkout are pages: the checkout counts when it starts; a video counts when playback starts.
# Coupons, changed orders, the life of an app and the rest of a video have no counterpart.
SEGMENT_NAMES = {
    "Product Viewed": "item-view",
    "Product Clicked": "click-details",
    "Product List Viewed": "content-view",
    "Product List Filtered": "content-view",
    "Products Searched": "search",
    "Product Added": "add-to-cart",
    "Product Removed": "remove-from-cart",
    "Product Added to Wishlist": "add-wishlist",
    "Product Removed from Wishlist": "unlike",
    "Wishlist Product Added to Cart": "add-to-cart",
    "Product Shared": "like",
    "Cart Shared": "like",
    "Cart Viewed": "page-view",
    "Checkout Started": "order-checkout",
    "Checkout Step Viewed": "page-view",
    "Checkout Step Completed": "page-view",
    "Payment Info Entered": "order-checkout",
    "Order Completed": "purchase",
    "Order Refunded": "product-return",
    "Order Cancelled": "product-return",
    "Product Reviewed": "rating",
    "Email Link Clicked": "email-click",
    "Email Opened": "email-open",
    "Email Delivered": "email-sent",
    "Push Notification Tapped": "notification-click",
    "Signed Up": "register-account",
    "Signed In": "user-login",
    "Account Created": "register-account",
    "Trial Started": "product-trial",
    "Live Chat Conversation Started": "chat-for-support",
    "Deep Link Opened": "short-link-click",
    "Video Playback Started": "play-video",
    "Video Ad Started": "ad-impression",
    "Promotion Viewed": "ad-impression",
    "Promotion Clicked": "click-details",
}


@dataclass(frozen=True, slots=True)
class EventKind:
    """One row of the catalogue: points, loyalty points, funnel stage, journey stage, group."""

    name: str
    label: str
    score: int
    loyalty: int
    stage: str  # one of STAGES, or '' when the kind says nothing about the funnel
    model: str  # one of MODELS
    journey: str  # one of JOURNEY, or ''
    group: str  # one of GROUPS, or 'none'

    def __post_init__(self) -> None:
        checks: tuple[tuple[str, str, Iterable[str]], ...] = (
            ("stage", self.stage, (*STAGES, "")),
            ("model", self.model, MODELS),
            ("journey", self.journey, (*JOURNEY, "")),
            ("group", self.group, (*GROUPS, "none")),
        )
        for name, value, allowed in checks:
            if value not in allowed:
                raise InvalidInput(
                    f"event kind {self.name!r}: {name} {value!r} is none of "
                    f"{', '.join(repr(a) for a in allowed)}",
                    field=name,
                )


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All known event kinds by name."""

    kinds: dict[str, EventKind]

    def in_group(self, group: str) -> tuple[str, ...]:
        """Return the names of the kinds in `group`, in catalogue order."""
        return tuple(k.name for k in self.kinds.values() if k.group == group)


def parse_catalogue(text: str, source: str) -> Catalogue:
    """Read a catalogue from TOML; `source` names the file in messages."""
    try:
        rows: list[dict[str, Any]] = tomllib.loads(text).get("kind", [])
    except tomllib.TOMLDecodeError as fault:
        raise InvalidInput(f"{source} is not valid TOML: {fault}") from fault
    names = {f.name for f in fields(EventKind)}
    kinds: dict[str, EventKind] = {}
    for number, row in enumerate(rows, start=1):
        if set(row) != names:
            odd = sorted(set(row) ^ names)
            raise InvalidInput(f"{source}: kind number {number}: missing or unknown key {odd[0]!r}")
        kind = EventKind(**row)
        if kind.name in kinds:
            raise InvalidInput(f"{source}: the kind {kind.name!r} stands there twice; keep one")
        kinds[kind.name] = kind
    return Catalogue(kinds)


@cache
def builtin_catalogue() -> Catalogue:
    """Return the catalogue that ships with Nextbest."""
    file = Path(__file__).with_name("catalogue.toml")
    return parse_catalogue(file.read_text(encoding="utf-8"), str(file.name))


def kind_named(name: str) -> str:
    """Return what a sender's name of an event is called here; an unknown name stays as it is.

    Case does not count, nor whether words are set apart by blanks, underscores or hyphens.
    """
    return _kinds_by_words().get(_words(name), name)


@cache
def _kinds_by_words() -> dict[str, str]:
    own = {name: name for name in builtin_catalogue().kinds}
    return {_words(name): kind for name, kind in (SEGMENT_NAMES | own).items()}


def _words(name: str) -> str:
    return " ".join(name.lower().replace("_", " ").replace("-", " ").split())
