"""The features of a customer: what each is called, what it means, and how it is read off the state.

`feature_repo.feature_sql` computes the same columns for all customers at once in SQL; a property
test (law 1) keeps the two equal.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache, partial
from typing import Any

from domain.behaviour import HALF_LIVES_DAYS, State
from domain.catalogue import GROUPS, PURCHASE_GROUP
from domain.derived import (
    TRACKED_KINDS,
    activity,
    decayed_value_name,
    identity,
    kinds,
    of_one_group,
    points,
    session,
    value,
)
from domain.events import CHANNELS, to_micros
from domain.tastes import DEVICE_SHARES, TOPS, shares, tastes, top_names


@dataclass(frozen=True, slots=True)
class Feature:
    """One column: `view` is profile, behaviour or value; `type` is number, text or boolean."""

    name: str
    view: str
    type: str
    meaning: str


def _behaviour() -> list[Feature]:
    rows = [
        Feature("event_count", "behaviour", "number", "events so far"),
        Feature("days_since_first_event", "behaviour", "number", "days since the first event"),
        Feature("days_since_last_event", "behaviour", "number", "days since the last event"),
        Feature("active_day_count", "behaviour", "number", "days with any event (latest 366)"),
        Feature("visit_gap_mean_days", "behaviour", "number", "mean days between active days"),
        Feature(
            "visit_gap_std_days", "behaviour", "number", "spread of the days between active days"
        ),
    ]
    for group in GROUPS:
        rows.append(Feature(f"{group}_count", "behaviour", "number", f"{group} events so far"))
        rows.append(
            Feature(
                f"days_since_{group}", "behaviour", "number", f"days since the last {group} event"
            )
        )
        rows += [
            Feature(
                f"{group}_count_{h}", "behaviour", "number", f"{group} events, halved every {h}"
            )
            for h in HALF_LIVES_DAYS
        ]
        if group != PURCHASE_GROUP:  # theirs is spend, and of the view of value
            rows += [_decayed_value(group, h, f"money in {group} events") for h in HALF_LIVES_DAYS]
    rows += [
        Feature(f"{stem}_count", "behaviour", "number", f"'{kind}' events so far")
        for kind, stem in TRACKED_KINDS.items()
    ]
    rows += [
        Feature(
            "days_since_add_to_cart",
            "behaviour",
            "number",
            "days since something was put in the cart",
        ),
        Feature(
            "cart_abandoned",
            "behaviour",
            "boolean",
            "cart filled 30 minutes to 14 days ago, not bought since",
        ),
        Feature(
            "days_since_session_start", "behaviour", "number", "days since the latest session began"
        ),
        Feature("session_event_count", "behaviour", "number", "events of the latest session"),
        Feature(
            "session_minutes", "behaviour", "number", "length of the latest session in minutes"
        ),
        Feature(
            "session_item_count",
            "behaviour",
            "number",
            "different items touched in the latest session",
        ),
        Feature("session_campaign", "behaviour", "text", "campaign that opened the latest session"),
        Feature(
            "recent_item_count",
            "behaviour",
            "number",
            "different items among the last 50 item touches",
        ),
        Feature("funnel_stage", "behaviour", "text", "furthest funnel stage reached"),
        Feature("journey_stage", "behaviour", "text", "furthest journey stage reached"),
        Feature("lead_points", "behaviour", "number", "additive lead score of the catalogue"),
        Feature(
            "engagement_points", "behaviour", "number", "additive engagement score of the catalogue"
        ),
        Feature("loyalty_points", "behaviour", "number", "loyalty points of the catalogue"),
    ]
    rows += [
        Feature(
            f"{channel}_share",
            "behaviour",
            "number",
            f"share of events with a known channel from {channel}",
        )
        for channel in CHANNELS
    ]
    rows += [
        Feature(name, "behaviour", "number", f"share of events with a known device from {device}")
        for device, name in DEVICE_SHARES.items()
    ]
    rows += [
        Feature(name, "behaviour", "text", f"{stem} with {_MOST[stem]}, place {place}")
        for stem in TOPS
        for place, name in enumerate(top_names(stem), start=1)
    ]
    return rows


_MOST = {
    "category": "most points in the last 50 item touches",
    "brand": "most points in the last 50 item touches",
    "touchpoint": "most events so far (web, app, email, store, ...)",
    "campaign": "most of the last 64 events",
}


def _decayed_value(group: str, life: str, what: str) -> Feature:
    view = "value" if group == PURCHASE_GROUP else "behaviour"
    return Feature(decayed_value_name(group, life), view, "number", f"{what}, halved every {life}")


def _value() -> list[Feature]:
    return [
        Feature("recency_days", "value", "number", "days since the last purchase"),
        Feature("purchase_day_count", "value", "number", "days with a purchase (latest 366)"),
        Feature("customer_age_days", "value", "number", "days since the first purchase"),
        Feature("purchase_gap_mean_days", "value", "number", "mean days between purchase days"),
        Feature(
            "purchase_gap_std_days", "value", "number", "spread of the days between purchase days"
        ),
        Feature("order_count", "value", "number", "purchase events so far"),
        Feature("spend_total", "value", "number", "money spent so far, before returns"),
        Feature("return_total", "value", "number", "money of returned goods so far"),
        Feature("spend_per_purchase_day", "value", "number", "mean spend of a purchase day"),
        Feature("spend_30d", "value", "number", "spend of the last 30 days"),
        Feature("spend_90d", "value", "number", "spend of the last 90 days"),
        Feature("spend_365d", "value", "number", "spend of the last 365 days"),
        Feature("purchase_days_90d", "value", "number", "purchase days of the last 90 days"),
        Feature("purchase_days_365d", "value", "number", "purchase days of the last 365 days"),
        *(_decayed_value(PURCHASE_GROUP, h, "spend") for h in HALF_LIVES_DAYS),
    ]


def _profile() -> list[Feature]:
    return [
        Feature("is_known", "profile", "boolean", "a customer id is known, not only a device"),
        Feature("has_email", "profile", "boolean", "an e-mail address is known"),
        Feature("has_phone", "profile", "boolean", "a phone number is known"),
        Feature("country", "profile", "text", "country, from traits"),
        Feature("city", "profile", "text", "city, from traits"),
        Feature("gender", "profile", "text", "gender, from traits"),
        Feature("age_years", "profile", "number", "age in years, from traits"),
        Feature(
            "acquisition_source", "profile", "text", "where the customer came from, from traits"
        ),
        Feature(
            "consent_marketing",
            "profile",
            "boolean",
            "marketing consent, strictest of all ids; false when never given",
        ),
        Feature(
            "data_quality",
            "profile",
            "number",
            "share of the standard traits that are filled, 0 to 1",
        ),
    ]


FEATURES: tuple[Feature, ...] = (*_profile(), *_behaviour(), *_value())


Part = Callable[[State, int], dict[str, Any]]  # features that are read together
_PARTS: tuple[Part, ...] = (
    lambda state, _: identity(state),
    activity,
    *(partial(of_one_group, name) for name in GROUPS),
    kinds,
    session,
    lambda state, _: tastes(state),
    lambda state, _: shares(state),
    lambda state, _: points(state),
    value,
)


def features_at(
    state: State, as_of: datetime, among: frozenset[str] | None = None
) -> dict[str, Any]:
    """Return every feature of a customer at `as_of` (UTC), by name; None where there is none.

    The state must hold only events before `as_of`. `among` spares the reading of others than these
    names, some of which may come along.
    """
    now = to_micros(as_of)
    row: dict[str, Any] = {}
    for part in _PARTS if among is None else _parts_with(among):
        row |= part(state, now)
    return row


@lru_cache(maxsize=256)
def _parts_with(names: frozenset[str]) -> tuple[Part, ...]:
    return tuple(part for part in _PARTS if not names.isdisjoint(part(State(), 0)))
