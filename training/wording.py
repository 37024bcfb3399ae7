"""Wording: what a feature's value says, in words that need no data dictionary."""

import re
from collections.abc import Callable
from typing import Any

from domain.features import FEATURES

_NOUNS = {  # stem -> (one, many)
    "event": ("visit", "events"),
    "last_event": ("visit", "events"),
    "attention": ("visit", "glances"),
    "interest": ("look at items", "looks at items"),
    "intent": ("step towards an order", "steps towards an order"),
    "purchase": ("order", "orders"),
    "feedback": ("feedback", "pieces of feedback"),
    "add_to_cart": ("item in the cart", "items put in the cart"),
    "add_wishlist": ("wish", "wishes"),
    "item_view": ("item seen", "items seen"),
    "email_open": ("mail opened", "mails opened"),
    "email_click": ("click in a mail", "clicks in mails"),
    "search": ("search", "searches"),
    "checkout": ("checkout", "checkouts begun"),
    "form": ("form", "forms sent"),
    "return": ("return", "returns"),
    "order": ("order", "orders"),
    "active_day": ("active day", "active days"),
    "purchase_day": ("day with an order", "days with an order"),
    "recent_item": ("item", "different items touched lately"),
    "session_event": ("event", "events in the latest visit"),
    "session_start": ("visit", "visits"),
    "session_item": ("item", "different items in the latest visit"),
}
_LIVES = {"1h": "an hour", "1d": "a day", "7d": "a week", "30d": "a month"}
_MEANING = {feature.name: feature.meaning for feature in FEATURES}
_QUIET_DAYS = 14
Say = Callable[[re.Match[str], float], str]


def _since(noun: str, days: float) -> str:
    if days < 1:
        return f"last {noun} within a day"
    if days < _QUIET_DAYS:
        return f"last {noun} {_days(days)} ago"
    return f"no {noun} for {_days(days)}"


def _days(days: float) -> str:
    return "1 day" if round(days) == 1 else f"{days:.0f} days"


def _one(stem: str) -> str:
    return _NOUNS.get(stem, (stem.replace("_", " "), ""))[0]


def _many(stem: str) -> str:
    return _NOUNS.get(stem, ("", stem.replace("_", " ") + " events"))[1]


def _lately(stem: str, life: str, count: float) -> str:
    if count < 0.1:
        return f"hardly any {_many(stem)} lately"
    return f"{count:.1f} {_many(stem)} lately (one counts half after {_LIVES[life]})"


def _faded(life: str, amount: float) -> str:
    return f"recent spend of {amount:.0f} (it counts half after {_LIVES[life]})"


def _faded_value(stem: str, life: str, amount: float) -> str:
    return f"{amount:.0f} in {_many(stem)} lately (it counts half after {_LIVES[life]})"


_NUMBERS: tuple[tuple[re.Pattern[str], Say], ...] = tuple(
    (re.compile(pattern), say)
    for pattern, say in (
        (r"days_since_first_event", lambda m, v: f"first seen {_days(v)} ago"),
        (r"days_since_(\w+)", lambda m, v: _since(_one(m[1]), v)),
        (r"recency_days", lambda m, v: _since("order", v)),
        (r"customer_age_days", lambda m, v: f"first order {_days(v)} ago"),
        (r"visit_gap_mean_days", lambda m, v: f"comes every {_days(v)} on average"),
        (r"purchase_gap_mean_days", lambda m, v: f"orders every {_days(v)} on average"),
        (r"visit_gap_std_days", lambda m, v: f"days between visits vary by {_days(v)}"),
        (r"purchase_gap_std_days", lambda m, v: f"days between orders vary by {_days(v)}"),
        (r"(\w+)_count_(1h|1d|7d|30d)", lambda m, v: _lately(m[1], m[2], v)),
        (r"spend_decayed_(1h|1d|7d|30d)", lambda m, v: _faded(m[1], v)),
        (r"(\w+)_value_(1h|1d|7d|30d)", lambda m, v: _faded_value(m[1], m[2], v)),
        (r"spend_(\d+)d", lambda m, v: f"spent {v:.0f} in the last {m[1]} days"),
        (
            r"purchase_days_(\d+)d",
            lambda m, v: f"{v:.0f} days with an order in the last {m[1]} days",
        ),
        (r"spend_total", lambda m, v: f"spent {v:.0f} so far"),
        (r"return_total", lambda m, v: f"returned goods worth {v:.0f} so far"),
        (r"spend_per_purchase_day", lambda m, v: f"spends {v:.0f} on a day with an order"),
        (r"(session_event|session_item|recent_item)_count", lambda m, v: f"{v:.0f} {_many(m[1])}"),
        (r"session_minutes", lambda m, v: f"latest visit took {v:.0f} minutes"),
        (r"(\w+)_count", lambda m, v: f"{v:.0f} {_many(m[1])} so far"),
        (r"other_device_share", lambda m, v: f"{v:.0%} of events by an unusual device"),
        (r"(\w+)_share", lambda m, v: f"{v:.0%} of events by {m[1]}"),
        (r"(lead|engagement|loyalty)_points", lambda m, v: f"{v:.0f} {m[1]} points"),
        (r"age_years", lambda m, v: f"{v:.0f} years old"),
        (r"data_quality", lambda m, v: f"{v:.0%} of the profile is filled in"),
    )
)
_BOOLEANS = {  # name -> (when true, when false)
    "is_known": ("known customer id", "known as a device only"),
    "has_email": ("e-mail address known", "no e-mail address"),
    "has_phone": ("phone number known", "no phone number"),
    "consent_marketing": ("agreed to marketing", "has not agreed to marketing"),
    "cart_abandoned": ("left a cart in the last 14 days", "no cart left behind lately"),
}
_ABSENT = {
    "recency_days": "no order so far",
    "customer_age_days": "no order so far",
    "purchase_gap_mean_days": "fewer than two days with an order",
    "visit_gap_mean_days": "active on one day only",
}


def worded(feature: str, value: Any) -> str:
    """Return what `value` of `feature` says; None is a value that is not there."""
    if value is None:
        return _absent(feature)
    if feature in _BOOLEANS:
        return _BOOLEANS[feature][0 if value else 1]
    if isinstance(value, str):
        top = re.fullmatch(r"top_([a-z]+)_(\d)", feature)
        if top:
            return f"{top[1]} number {top[2]} is {value}"
        return f"{feature.replace('_', ' ')} is {value}"
    for pattern, say in _NUMBERS:
        found = pattern.fullmatch(feature)
        if found:
            return say(found, float(value))
    return f"{_MEANING.get(feature, feature)}: {value:.4g}"


def _absent(feature: str) -> str:
    if feature in _ABSENT:
        return _ABSENT[feature]
    since = re.fullmatch(r"days_since_(\w+)", feature)
    if since:
        return f"no {_one(since[1])} so far"
    return f"{feature.replace('_', ' ')} is not known"
