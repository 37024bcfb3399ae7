"""The truth agrees with what happened, so models can be measured against it."""

from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from scipy.stats import spearmanr

from feature_repo.demo_shop import Shop, generate

END = datetime(2026, 4, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def shop() -> Shop:
    return generate(11, customers=200, items=80, end=END)


@pytest.fixture(scope="module")
def busy_shop() -> Shop:
    """A shop with enough customers to count what follows from an offer."""
    return generate(5, customers=1500, items=80, end=END)


def orders_of(shop: Shop) -> dict[str, list]:
    found = defaultdict(list)
    for event in shop.events:
        if event.kind == "purchase":
            found[event.customer_id].append(event)
    return found


def bought_between(shop: Shop, start: datetime, end: datetime) -> np.ndarray:
    orders = orders_of(shop)
    ids = shop.truth.customer_ids
    return np.array([any(start <= o.at < end for o in orders[i]) for i in ids], dtype=float)


def test_who_has_the_higher_rate_buys_more(shop):
    orders = orders_of(shop)
    counts = [len(orders[i]) for i in shop.truth.customer_ids]
    assert spearmanr(shop.truth.purchase_rate_per_day, counts)[0] > 0.5


def test_nobody_buys_long_after_leaving(shop):
    gone = dict(zip(shop.truth.customer_ids, shop.truth.alive_until, strict=True))
    slack = np.timedelta64(4, "D")  # a mailed offer may still be used
    for customer, orders in orders_of(shop).items():
        last = np.datetime64(max(o.at for o in orders).replace(tzinfo=None))
        assert last < gone[customer] + slack


def test_customers_buy_from_the_category_they_like_best(shop):
    truth, orders = shop.truth, orders_of(shop)
    best = np.array(truth.categories)[truth.category_taste.argmax(axis=1)]
    liked = total = 0
    for customer, category in zip(truth.customer_ids, best, strict=True):
        lines = [line for order in orders[customer] for line in order.lines]
        liked += sum(line.category == category for line in lines)
        total += len(lines)
    assert liked / total > 2 / len(truth.categories)  # chance would be 1 of 12


def test_bought_items_have_a_higher_affinity_than_others(shop):
    truth = shop.truth
    column = {item_id: number for number, item_id in enumerate(truth.item_ids)}
    affinity = truth.affinity(np.arange(200), np.arange(80))  # (customers, items)
    assert affinity.sum(axis=1) == pytest.approx(np.ones(200))
    row = {customer: number for number, customer in enumerate(truth.customer_ids)}
    bought = [
        affinity[row[customer], column[line.item_id]]
        for customer, orders in orders_of(shop).items()
        for order in orders
        for line in order.lines
    ]
    assert np.mean(bought) > 2 * affinity.mean()


def test_the_chance_to_buy_is_calibrated_at_a_held_out_period(busy_shop):
    truth, as_of = busy_shop.truth, END - timedelta(days=60)
    known = truth.is_known(as_of)
    chance = truth.p_purchase_within(as_of, 60)[known]
    bought = bought_between(busy_shop, as_of, END)[known]
    spread = np.sqrt((chance * (1 - chance)).sum())
    assert abs(bought.sum() - chance.sum()) < 4 * spread
    assert spearmanr(chance, bought)[0] > 0.4


def test_the_expected_spend_is_near_the_spend(busy_shop):
    truth, as_of = busy_shop.truth, END - timedelta(days=90)
    known = truth.is_known(as_of)
    hoped = truth.expected_spend_eur(as_of, 90)[known].sum()
    orders = orders_of(busy_shop)
    spent = sum(
        order.value
        for customer, is_known in zip(truth.customer_ids, known, strict=True)
        for order in orders[customer]
        if is_known and order.at >= as_of
    )
    assert spent == pytest.approx(hoped, rel=0.2)


def test_who_has_left_never_buys_and_who_has_not_come_is_unknown(shop):
    truth, as_of = shop.truth, END - timedelta(days=100)
    chance = truth.p_purchase_within(as_of, 30)
    come = truth.people.born_day <= 265
    assert np.isnan(chance[~come]).all()
    assert (chance[come & ~truth.is_alive(as_of)] == 0).all()
    assert ((chance[come] >= 0) & (chance[come] < 1)).all()
    assert truth.p_no_purchase_within(as_of, 30)[come] == pytest.approx(1 - chance[come])


def test_more_days_give_more_chances(shop):
    month, quarter = (shop.truth.p_purchase_within(END, days) for days in (30, 90))
    alive = shop.truth.is_alive(END)
    assert (quarter[alive] > month[alive]).all()
    year = shop.truth.expected_spend_eur(END, 365)
    assert (year[alive] > shop.truth.expected_spend_eur(END, 90)[alive]).all()


def test_prospects_are_known_and_have_not_bought(shop):
    as_of = END - timedelta(days=30)
    early = {c for c, orders in orders_of(shop).items() if any(o.at < as_of for o in orders)}
    prospects = shop.truth.is_prospect(as_of)
    ids = np.array(shop.truth.customer_ids)
    assert prospects.sum() > 20
    assert not early & set(ids[prospects])
    assert np.isnan(shop.truth.p_convert_within(as_of)[~prospects]).all()


@pytest.mark.parametrize("control", [False, True])
def test_offers_are_accepted_as_often_as_the_truth_says(busy_shop, control):
    truth = busy_shop.truth
    row = {customer: number for number, customer in enumerate(truth.customer_ids)}
    won = successes(busy_shop)
    for action in truth.actions:
        chance = truth.p_accept(action, shown=not control)
        shown = [
            event
            for event in busy_shop.events
            if event.kind == "action-shown"
            and event.properties["action"] == action
            and event.properties["control"] is control
            and event.at < END - timedelta(days=4)  # later replies fall after the end
        ]
        alive = [
            came_before(event.at, truth.alive_until[row[event.customer_id]]) for event in shown
        ]
        p = np.array([chance[row[event.customer_id]] for event in shown]) * alive
        accepted = sum(event.decision_id in won for event in shown)
        assert len(shown) > 20, action
        assert abs(accepted - p.sum()) < 3.5 * np.sqrt((p * (1 - p)).sum()) + 1, action


def test_propensities_are_those_of_the_arm_that_was_drawn(busy_shop):
    shown = [event for event in busy_shop.events if event.kind == "action-shown"]
    held = np.mean([event.properties["control"] for event in shown])
    assert held == pytest.approx(0.25, abs=0.02)
    assert all(0 < event.properties["propensity"] <= 0.75 for event in shown)
    assert len({event.decision_id for event in shown}) == len(shown)


def test_no_reply_comes_without_its_decision(busy_shop):
    shown = {e.decision_id: e for e in busy_shop.events if e.kind == "action-shown"}
    for event in busy_shop.events:
        if event.decision_id and event.kind != "action-shown":
            decision = shown[event.decision_id]
            assert decision.at <= event.at
            if event.kind == "action-accepted":
                assert not decision.properties["control"]


def test_offers_help_most_but_not_all(shop):
    uplift = shop.truth.uplift("win_back_coupon_10")
    assert (uplift > 0).mean() > 0.8
    assert (uplift < 0).any()


def successes(shop: Shop) -> Counter:
    kinds = {"purchase", "rating", "click-details"}
    return Counter(e.decision_id for e in shop.events if e.decision_id and e.kind in kinds)


def came_before(at: datetime, until: np.datetime64) -> bool:
    return bool(np.datetime64(at.replace(tzinfo=None)) < until)
