"""Ten segments that every shop starts with, as rules that a marketer can read and change."""

import re
from dataclasses import dataclass
from functools import cache
from typing import Any

from domain.errors import InvalidInput
from domain.segments import Rule, parse_rule, to_plain

_KEY = re.compile(r"[a-z0-9-]{2,60}")


@dataclass(frozen=True, slots=True)
class Segment:
    """A named rule; `key` is its id in addresses and in the action catalogue."""

    key: str
    name: str
    description: str
    rule: Rule

    def __post_init__(self) -> None:
        """Check the key and the name."""
        if not _KEY.fullmatch(self.key):
            raise InvalidInput(
                f"segment key {self.key[:80]!r} must have 2 to 60 of a-z, 0-9 and -", field="key"
            )
        if not self.name.strip() or len(self.name) > 100:
            raise InvalidInput(
                f"segment {self.key!r}: the name must have 1 to 100 characters", field="name"
            )

    def to_plain(self) -> dict[str, Any]:
        """Return the segment as it goes over the wire and into the store."""
        return {
            "key": self.key,
            "name": self.name,
            "description": self.description,
            "rule": to_plain(self.rule),
        }


def _one(field: str, operator: str, value: object) -> dict[str, Any]:
    return {"field": field, "operator": operator, "value": value}


def _all(*rules: dict[str, Any]) -> dict[str, Any]:
    return {"combinator": "and", "not": False, "rules": list(rules)}


def _any(*rules: dict[str, Any]) -> dict[str, Any]:
    return {"combinator": "or", "not": False, "rules": list(rules)}


_AT_RISK = _one("churn_percentile", ">=", 80)
_VALUABLE = _one("clv_365_percentile", ">=", 80)
_RECENT = _one("days_since_last_event", "<=", 30)

_DEFAULTS: tuple[tuple[str, str, str, dict[str, Any]], ...] = (
    (
        "active-visitors",
        "Active visitors",
        "Seen in the last 30 days.",
        _all(_RECENT),
    ),
    (
        "leads",
        "Leads",
        "Left a contact or an account, but have not shown that they want to buy.",
        _all(_one("funnel_stage", "=", "Lead")),
    ),
    (
        "prospects",
        "Prospects",
        "Showed that they want to buy, and have not bought yet.",
        _all(_one("funnel_stage", "=", "Prospect")),
    ),
    (
        "first-time-buyers",
        "First-time buyers",
        "Bought exactly once.",
        _all(_one("order_count", "=", 1)),
    ),
    (
        "engaged",
        "Engaged",
        "Seen in the last 30 days, and gave feedback, bought again, or look around a lot.",
        _all(
            _RECENT,
            _any(_one("funnel_stage", "=", "Engaged"), _one("interest_count_30d", ">=", 10)),
        ),
    ),
    (
        "likely-to-churn",
        "Likely to churn",
        "Buyers among the fifth with the highest risk of leaving.",
        _all(_AT_RISK, _one("order_count", ">=", 1)),
    ),
    (
        "high-value",
        "High value",
        "The fifth that is expected to spend most in the next 365 days.",
        _all(_VALUABLE),
    ),
    (
        "high-value-at-risk",
        "High value at risk",
        "The third that is expected to spend most, and more likely than not to leave.",
        _all(_one("clv_365_percentile", ">", 66), _one("churn", ">=", 0.5)),
    ),
    (
        "cart-abandoners",
        "Cart abandoners",
        "Left a cart more than 30 minutes and at most 14 days ago, and have not bought since.",
        _all(_one("cart_abandoned", "=", True)),
    ),
    (
        "dormant",
        "Dormant",
        "Not seen for more than 180 days.",
        _all(_one("days_since_last_event", ">", 180)),
    ),
)


@cache
def default_segments() -> tuple[Segment, ...]:
    """Return the segments that ship with Nextbest, in the order the console lists them."""
    return tuple(
        Segment(key, name, description, parse_rule(plain))
        for key, name, description, plain in _DEFAULTS
    )
