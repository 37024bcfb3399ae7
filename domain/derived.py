"""What is read off a customer's state at a given time: gaps, sessions, points, money.

Times are microseconds since 1970 (UTC). Nothing here is stored; everything is derived on reading.
"""

import itertools
import math
from collections.abc import Iterable
from typing import Any

from domain.behaviour import DAY_MICROS, HALF_LIVES_DAYS, Moment, State, Tally, decayed, is_active
from domain.catalogue import (
    ADD_TO_CART,
    JOURNEY,
    PURCHASE_GROUP,
    RETURN,
    STAGES,
    EventKind,
    builtin_catalogue,
)

SESSION_GAP_MICROS = 30 * 60_000_000
CART_DAYS = 14
STANDARD_TRAITS = (
    "email", "phone", "first_name", "last_name", "country", "city", "gender", "age", "source",
)  # fmt: skip
TRACKED_KINDS = {  # kinds that models and segments ask for by name -> feature stem
    "search": "search",
    "item-view": "item_view",
    ADD_TO_CART: "add_to_cart",
    "add-wishlist": "add_wishlist",
    "order-checkout": "checkout",
    "submit-contact": "form",
    "email-open": "email_open",
    "email-click": "email_click",
    RETURN: "return",
}


def identity(state: State) -> dict[str, Any]:
    """Return who the customer is: known or not, standard traits, consent, how much is filled."""
    said = {name: stamp.value for name, stamp in state.traits.items()}
    marketing = state.consents.get("marketing", {})
    age = said.get("age")
    valid_age = isinstance(age, int | float) and not isinstance(age, bool) and 0 <= age <= 150
    filled = sum(said.get(name) not in (None, "") for name in STANDARD_TRAITS)
    return {
        "is_known": state.known,
        "has_email": _text(said.get("email")) is not None,
        "has_phone": _text(said.get("phone")) is not None,
        "country": _text(said.get("country")),
        "city": _text(said.get("city")),
        "gender": _text(said.get("gender")),
        "age_years": float(age) if valid_age and age is not None else None,
        "acquisition_source": _text(said.get("source")),
        "consent_marketing": bool(marketing) and all(s.value for s in marketing.values()),
        "data_quality": filled / len(STANDARD_TRAITS),
    }


def activity(state: State, now: int) -> dict[str, Any]:
    """Return how much and how lately the customer did anything."""
    done = [tally for kind, tally in state.tallies.items() if is_active(kind)]
    mean, spread = gaps(state.active_days)
    return {
        "event_count": float(sum(t.events for t in done)),
        "days_since_first_event": days_since(min((t.first_at for t in done), default=None), now),
        "days_since_last_event": days_since(max((t.last_at for t in done), default=None), now),
        "active_day_count": float(len(state.active_days)),
        "visit_gap_mean_days": mean,
        "visit_gap_std_days": spread,
    }


def of_one_group(name: str, state: State, now: int) -> dict[str, Any]:
    """Return count, decayed counts and money, and days since the last event, of one group."""
    tallies = of_group(state, name)
    row: dict[str, Any] = {
        f"{name}_count": float(sum(t.events for t in tallies)),
        f"days_since_{name}": days_since(max((t.last_at for t in tallies), default=None), now),
    }
    for life, total in decayed_sums(tallies, now, "decayed_count").items():
        row[f"{name}_count_{life}"] = total
    for life, total in decayed_sums(tallies, now, "decayed_value").items():
        row[decayed_value_name(name, life)] = total
    return row


def decayed_value_name(group: str, life: str) -> str:
    """Return what the decayed money of a group is called; that of purchases is spend."""
    return f"spend_decayed_{life}" if group == PURCHASE_GROUP else f"{group}_value_{life}"


def kinds(state: State, now: int) -> dict[str, Any]:
    """Return the counts of the kinds that are asked for by name, and whether a cart was left."""
    row: dict[str, Any] = {
        f"{stem}_count": float(state.tallies[kind].events) if kind in state.tallies else 0.0
        for kind, stem in TRACKED_KINDS.items()
    }
    cart = state.tallies.get(ADD_TO_CART)
    bought_at = max((t.last_at for t in of_group(state, PURCHASE_GROUP)), default=None)
    row["days_since_add_to_cart"] = days_since(cart.last_at if cart else None, now)
    row["cart_abandoned"] = (
        cart is not None
        and SESSION_GAP_MICROS < now - cart.last_at <= CART_DAYS * DAY_MICROS
        and (bought_at is None or bought_at < cart.last_at)
    )
    return row


def session(state: State, now: int) -> dict[str, Any]:
    """Return start, length, size and campaign of the latest session."""
    latest = latest_session(state)
    items = {t.item_id for t in state.touches if latest and t.at >= latest[0].at}
    return {
        "days_since_session_start": days_since(latest[0].at if latest else None, now),
        "session_event_count": float(len(latest)),
        "session_minutes": (latest[-1].at - latest[0].at) / 60_000_000 if latest else 0.0,
        "session_item_count": float(len(items)),
        "session_campaign": next((m.campaign for m in latest if m.campaign is not None), None),
    }


def latest_session(state: State) -> tuple[Moment, ...]:
    """Return the latest run of events without a silence of 30 minutes (of the latest 64 events)."""
    moments = state.moments
    start = max(len(moments) - 1, 0)
    while start > 0 and moments[start].at - moments[start - 1].at <= SESSION_GAP_MICROS:
        start -= 1
    return moments[start:]


def points(state: State) -> dict[str, Any]:
    """Return the additive scores of the catalogue and the furthest funnel and journey stage."""
    met = [(k, t.events) for name, t in state.tallies.items() if (k := _kind(name)) is not None]
    stages = [STAGES.index(k.stage) for k, _ in met if k.stage]
    journey = [JOURNEY.index(k.journey) for k, _ in met if k.journey]
    return {
        "funnel_stage": STAGES[max(stages, default=0)],
        "journey_stage": JOURNEY[max(journey, default=0)],
        "lead_points": float(sum(k.score * n for k, n in met if k.model == "lead")),
        "engagement_points": float(sum(k.score * n for k, n in met if k.model == "engagement")),
        "loyalty_points": float(sum(k.loyalty * n for k, n in met)),
    }


def value(state: State, now: int) -> dict[str, Any]:
    """Return recency, frequency and money. A purchase day is a UTC day with any purchase event."""
    bought = of_group(state, PURCHASE_GROUP)
    returned = state.tallies.get(RETURN)
    days, today = state.purchase_days, now // DAY_MICROS
    mean, spread = gaps(sorted(days))
    total = sum(t.value for t in bought)
    row: dict[str, Any] = {
        "recency_days": days_since(max((t.last_at for t in bought), default=None), now),
        "purchase_day_count": float(len(days)),
        "customer_age_days": days_since(min((t.first_at for t in bought), default=None), now),
        "purchase_gap_mean_days": mean,
        "purchase_gap_std_days": spread,
        "order_count": float(sum(t.events for t in bought)),
        "spend_total": float(total),
        "return_total": returned.value if returned else 0.0,
        "spend_per_purchase_day": math.fsum(days.values()) / len(days) if days else None,
    }
    for window in (30, 90, 365):
        row[f"spend_{window}d"] = math.fsum(v for d, v in days.items() if d >= today - window)
    for window in (90, 365):
        row[f"purchase_days_{window}d"] = float(sum(d >= today - window for d in days))
    return row


def gaps(days: Iterable[int]) -> tuple[float | None, float | None]:
    """Return mean and population spread of the gaps between ascending day numbers.

    The mean needs two days, the spread three.
    """
    seen = list(days)
    between = [later - earlier for earlier, later in itertools.pairwise(seen)]
    if not between:
        return None, None
    mean = sum(between) / len(between)
    if len(between) == 1:
        return mean, None
    return mean, math.sqrt(sum((gap - mean) ** 2 for gap in between) / len(between))


def _kind(name: str) -> EventKind | None:
    return builtin_catalogue().kinds.get(name)


def of_group(state: State, group: str) -> list[Tally]:
    """Return the tallies of the kinds in a behaviour group."""
    return [
        tally for name, tally in state.tallies.items() if (k := _kind(name)) and k.group == group
    ]


def decayed_sums(tallies: list[Tally], now: int, part: str) -> dict[str, float]:
    """Return the sum of `part` (decayed_count or decayed_value) at `now`, by half-life name."""
    return {life: decayed_sum(tallies, now, part, life) for life in HALF_LIVES_DAYS}


def decayed_sum(tallies: list[Tally], now: int, part: str, life: str) -> float:
    """Return the sum of `part` at `now` for one half-life."""
    total = 0.0
    for tally in tallies:
        total += decayed(getattr(tally, part), tally.last_at, now, life)
    return total


def days_since(at: int | None, now: int) -> float | None:
    """Return days from `at` to `now` (µs), None where there is no `at`."""
    return None if at is None else (now - at) / DAY_MICROS


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
