"""Features of one small history, checked by eye."""

from datetime import UTC, datetime, timedelta
from functools import reduce

import pytest

from domain.behaviour import HALF_LIVES_DAYS, State, fold
from domain.catalogue import GROUPS
from domain.derived import latest_session
from domain.events import CHANNELS, DEVICES, Event, Line
from domain.features import FEATURES, features_at

START = datetime(2024, 3, 1, 9, tzinfo=UTC)
NOW = START + timedelta(days=1)


def state_of(*events: Event) -> State:
    return reduce(fold, events, State())


def event(number: int, kind: str = "item-view", minutes: float = 0, **given) -> Event:
    at = START + timedelta(minutes=minutes)
    return Event(f"m{number}", kind, at, at, customer_id="ann", **given)


def line(item: str, category: str | None = None, brand: str | None = None) -> Line:
    return Line(item, category=category, brand=brand)


def test_every_group_has_decayed_counts_and_money_for_every_half_life():
    names = {f.name for f in FEATURES}
    for group in GROUPS:
        assert {f"{group}_count", f"days_since_{group}"} <= names
        for life in HALF_LIVES_DAYS:
            assert f"{group}_count_{life}" in names
            money = f"spend_decayed_{life}" if group == "purchase" else f"{group}_value_{life}"
            assert money in names


def test_the_money_in_a_cart_halves_with_its_life_and_is_no_spend():
    row = features_at(state_of(event(1, "add-to-cart", value=80.0)), NOW)
    assert row["intent_value_1d"] == pytest.approx(40.0)
    assert row["intent_value_7d"] == pytest.approx(80 * 0.5 ** (1 / 7))
    assert row["interest_value_1d"] == row["spend_decayed_1d"] == row["spend_total"] == 0.0


def test_the_three_top_categories_stand_in_the_order_of_their_points():
    cart, view = "add-to-cart", "item-view"
    state = state_of(
        event(1, view, lines=(line("a", "mugs", "acme"),)),
        event(2, cart, lines=(line("b", "bowls", "zeta"),)),
        event(3, view, lines=(line("c", "vases"), line("d", "mugs"), line("e", "rugs"))),
    )
    row = features_at(state, NOW)
    tops = ("top_category", "top_category_2", "top_category_3")
    assert [row[name] for name in tops] == ["bowls", "mugs", "rugs"]  # rugs and vases: by name
    assert [row[name] for name in ("top_brand", "top_brand_2", "top_brand_3")] == [
        "zeta", "acme", None,
    ]  # fmt: skip


def test_touchpoints_and_campaigns_stand_in_the_order_of_their_events():
    state = state_of(
        event(1, channel="web", campaign="spring"),
        event(2, channel="email", campaign="fall"),
        event(3, channel="email"),
        event(4, channel="store"),
    )
    row = features_at(state, NOW)
    assert [row[f"top_touchpoint{n}"] for n in ("", "_2", "_3")] == ["email", "store", "web"]
    assert [row[f"top_campaign{n}"] for n in ("", "_2", "_3")] == ["fall", "spring", None]


def test_shares_of_all_devices_and_of_all_channels_sum_to_one():
    row = features_at(
        state_of(*(event(n, device=d, channel="app") for n, d in enumerate(DEVICES))), NOW
    )
    names = ("desktop_share", "mobile_share", "tablet_share", "other_device_share")
    assert [row[name] for name in names] == [0.25] * 4
    assert sum(row[f"{channel}_share"] for channel in CHANNELS) == row["app_share"] == 1.0


def test_a_session_starts_after_half_an_hour_of_silence():
    state = state_of(
        event(1, campaign="old", lines=(line("x"),)),
        event(2, minutes=31, campaign="new", lines=(line("a"),)),
        event(3, minutes=60, lines=(line("b"), line("a"))),
    )
    row = features_at(state, NOW)
    assert row["days_since_session_start"] == pytest.approx(1 - 31 / 1440)
    assert (row["session_event_count"], row["session_minutes"]) == (2.0, 29.0)
    assert (row["session_item_count"], row["session_campaign"]) == (2.0, "new")
    assert [m.message_id for m in latest_session(state)] == ["m2", "m3"]


def test_who_did_nothing_has_no_session_and_no_tops():
    row = features_at(State(), NOW)
    assert row["days_since_session_start"] is None
    assert {row[n] for n in row if n.startswith("top_")} == {None}
