"""Between now and the next change that is foretold, time alone changes no answer of any rule."""

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import reduce

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.behaviour import State, fold
from domain.events import Event, to_micros
from domain.features import FEATURES, features_at
from domain.live_profile import profile_at
from domain.moving import moving, moving_names
from domain.segment_times import depends_on_time, next_change
from domain.segments import matches, parse_rule

START = datetime(2024, 1, 1, tzinfo=UTC)
LATER = START + timedelta(days=40)
KINDS = ["purchase", "add-to-cart", "item-view", "search", "email-open", "purchase"]
MICRO = timedelta(microseconds=1)
SCORES = {"churn": {"probability": 0.7, "percentile": 85, "tier": "A"}}


def event(number: int, kind: str, seconds: int, value: float | None = None) -> Event:
    at = START + timedelta(seconds=seconds)
    return Event(f"m{number}", kind, at, at, customer_id="c", value=value)


def state_of(*events: Event) -> State:
    return reduce(fold, events, State())


events = st.lists(
    st.tuples(
        st.sampled_from(KINDS), st.integers(0, 40 * 86_400 - 1), st.sampled_from([0.0, 9.5, 100.0])
    ),
    max_size=12,
)
NUMBERS = sorted(n for n in moving_names() if n != "cart_abandoned")
VALUES = st.sampled_from([0, 0.001, 0.5, 1, 2, 9.5, 14, 30, 90, 100, 150.25, 400])


@st.composite
def conditions(draw):
    if draw(st.integers(0, 7)) == 0:
        return {"field": "cart_abandoned", "operator": "=", "value": draw(st.booleans())}
    if draw(st.integers(0, 7)) == 0:
        return {"field": "churn_percentile", "operator": ">", "value": draw(VALUES)}
    operator = draw(st.sampled_from(["<", "<=", ">", ">=", "=", "!=", "between", "null", "in"]))
    value = sorted([draw(VALUES), draw(VALUES)]) if operator in ("between", "in") else draw(VALUES)
    return {"field": draw(st.sampled_from(NUMBERS)), "operator": operator, "value": value}


rules = st.fixed_dictionaries(
    {
        "combinator": st.sampled_from(["and", "or"]),
        "not": st.booleans(),
        "rules": st.lists(conditions(), min_size=1, max_size=3),
    }
)
GRID = [timedelta(hours=h) for h in (*range(1, 100, 7), *range(100, 12_000, 149))]


def holds(rule, state, at):
    return matches(rule, profile_at(state, SCORES, at))


@settings(max_examples=settings.default.max_examples // 2, suppress_health_check=list(HealthCheck))
@given(events, rules, st.integers(0, 86_400 * 10**6))
def test_no_answer_changes_before_the_next_change(parts, plain, micros):
    state = state_of(*(event(n, *part) for n, part in enumerate(parts)))
    rule, now = parse_rule(plain), LATER + timedelta(microseconds=micros)
    found = next_change(rule, state, SCORES, now)
    truth = holds(rule, state, now)
    before = [now + step for step in GRID if found is None or now + step < found]
    if found is not None:
        assert found > now
        before += [found - MICRO] if found - MICRO > now else []
        before += [now + (found - now) * share for share in (0.01, 0.5, 0.99, 0.9999)]
        assert holds(rule, state, found) != truth  # and it is no sooner than it must be
    assert all(holds(rule, state, at) == truth for at in before if at > now)


@settings(max_examples=settings.default.max_examples // 2)
@given(events)
def test_what_moves_has_the_value_of_the_feature_and_nothing_else_moves(parts):
    state = state_of(*(event(n, *part) for n, part in enumerate(parts)))
    times = [LATER + timedelta(days=d, hours=5) for d in (0, 3, 20, 100, 500)]
    rows = [features_at(state, at) for at in times]
    for feature in FEATURES:
        part = moving(feature.name, state)
        values = [row[feature.name] for row in rows]
        expected = (
            values[:1] * len(times) if part is None else [part.at(to_micros(t)) for t in times]
        )
        assert values == expected, feature.name


def one(field, operator, value):
    return parse_rule({"field": field, "operator": operator, "value": value})


def test_somebody_silent_for_thirty_days_is_found_to_the_microsecond():
    seen = state_of(event(1, "item-view", 0))
    due = next_change(one("days_since_last_event", ">", 30), seen, {}, START + timedelta(days=1))
    assert due == START + timedelta(days=30) + MICRO
    assert next_change(one("days_since_last_event", ">", 30), seen, {}, due) is None


def test_a_cart_is_abandoned_when_half_an_hour_has_passed_and_not_before():
    cart, left = state_of(event(1, "add-to-cart", 0)), one("cart_abandoned", "=", True)
    assert not holds(left, cart, START + timedelta(minutes=5))
    due = next_change(left, cart, {}, START + timedelta(minutes=5))
    assert due == START + timedelta(minutes=30) + MICRO
    bought = state_of(event(1, "add-to-cart", 0), event(2, "purchase", 60))
    assert next_change(left, bought, {}, START + timedelta(minutes=5)) is None


def test_a_cart_stops_to_count_right_behind_its_fourteenth_day():
    cart = state_of(event(1, "add-to-cart", 0))
    due = next_change(one("cart_abandoned", "=", True), cart, {}, START + timedelta(days=1))
    assert due == START + timedelta(days=14) + MICRO


def test_three_views_halved_every_week_fall_under_one_after_eleven_days():
    views = state_of(*(event(n, "item-view", 0) for n in range(3)))
    rule = one("interest_count_7d", "<", 1)
    due = next_change(rule, views, {}, START + timedelta(seconds=1))
    assert abs((due - START).total_seconds() - 7 * 86_400 * 1.584962500721156) < 1e-3
    assert not holds(rule, views, due - MICRO) and holds(rule, views, due)


def test_a_purchase_leaves_the_last_ninety_days_at_a_midnight():
    bought = state_of(event(1, "purchase", 3_600, 50.0))
    due = next_change(one("spend_90d", ">=", 50), bought, {}, START + timedelta(days=1))
    assert due == START + timedelta(days=91)


def test_what_never_ends_and_what_never_began_has_no_next_change():
    nobody, seen = State(), state_of(event(1, "item-view", 0))
    for state, rule in itertools.product(
        (nobody, seen),
        (one("recency_days", ">", 3), one("spend_30d", ">", 0), one("order_count", "=", 0)),
    ):
        assert next_change(rule, state, {}, LATER) is None
    assert next_change(one("days_since_last_event", ">", 1e9), seen, {}, LATER) is None


def test_a_crossing_that_the_rest_of_the_rule_makes_idle_is_passed_over():
    seen = state_of(event(1, "item-view", 0))
    rule = parse_rule(
        {"combinator": "and", "rules": [
            {"field": "days_since_last_event", "operator": ">", "value": 30},
            {"field": "churn", "operator": ">", "value": 0.5}]}
    )  # fmt: skip
    assert next_change(rule, seen, {"churn": {"probability": 0.1}}, LATER - timedelta(30)) is None
    assert next_change(rule, seen, SCORES, LATER - timedelta(30)) is not None


@pytest.mark.parametrize(("field", "timed"), [("recency_days", True), ("order_count", False)])
def test_a_rule_says_whether_time_counts(field, timed):
    assert depends_on_time(one(field, ">", 1)) is timed


def test_a_sum_that_fades_to_nothing_is_followed_to_the_end_of_float64():
    seen = replace(state_of(event(1, "item-view", 0)))
    rule = one("interest_count_1h", ">", 0)
    due = next_change(rule, seen, {}, START + timedelta(days=1))
    assert holds(rule, seen, due - MICRO) and not holds(rule, seen, due)
