import numpy as np
import pytest

from domain.errors import InvalidInput
from models.buy_again import BuyAgainRecommender
from models.contract import RecommenderContract
from models.history import History
from models.interactions import MICROS_PER_DAY, Interactions


class TestBuyAgainRecommender(RecommenderContract):
    personal = False

    def make(self):
        return BuyAgainRecommender()


def shop() -> Interactions:
    """Return purchases: coffee about every 30 days by all, a fridge once, salt about every 120."""
    rows = []
    for user in range(20):
        rows += [(user, "coffee", user + day) for day in (0, 28, 57, 90, 120, 149)]
        rows += [(user, "salt", user + day) for day in (0, 118, 240)]
        rows += [(user, "fridge", user + 5)]
        rows += [(user, "tea", user + 7)]
    users, items, days = zip(*rows, strict=True)
    times = [day * MICROS_PER_DAY for day in days]
    return Interactions.from_ids([f"u{u}" for u in users], items, times=times)


MODEL = BuyAgainRecommender(horizon_days=7, prior_repeats=5).fit(shop())


def due(item: str, *ages: float, model=MODEL) -> float:
    """Return the score of an item bought `ages` days ago."""
    kinds = ["purchase"] * len(ages)
    history = History.of([item] * len(ages), ages_days=ages, kinds=kinds)
    return float(model.score_all(history)[model.catalogue_.positions([item])[0]])


def test_what_is_bought_again_beats_what_is_bought_once():
    assert due("coffee", 28) > 5 * due("fridge", 28)


def test_an_item_is_due_around_its_own_gap():
    ages = np.arange(1, 200, 3)
    coffee, salt = ([due(item, age) for age in ages] for item in ("coffee", "salt"))
    assert 20 < ages[np.argmax(coffee)] < 40 and 90 < ages[np.argmax(salt)] < 140
    assert due("coffee", 1) < 0.1 * max(coffee) > due("coffee", 300)


def test_a_longer_horizon_is_likelier():
    longer = BuyAgainRecommender(horizon_days=60, prior_repeats=5).fit(shop())
    assert due("coffee", 20, model=longer) > due("coffee", 20) > 0


def test_who_bought_it_more_often_is_likelier_to_buy_it_again():
    assert due("fridge", 30, 60, 90, 120) > due("fridge", 30, 60) > due("fridge", 30)


def test_an_own_rhythm_moves_the_gap():
    quick, slow = (30, 44, 58, 72, 86, 100), (30, 130, 230, 330, 430, 530)
    assert due("salt", *quick) > due("salt", *slow)


def test_two_purchases_on_one_day_are_one():
    assert due("coffee", 28, 28.2) == pytest.approx(due("coffee", 28))


def test_the_formula_by_hand():
    q = MODEL.learned_.share[MODEL.catalogue_.positions(["coffee"])[0]]
    # 100 of 120 purchases repeated; 140 of 220 of all (tea and fridge never); 5 of those as a prior
    assert q == pytest.approx((100 + 5 * 140 / 220) / (120 + 5))
    unknown_age = History.of(["coffee"], kinds=["purchase"])
    assert MODEL.recommend(unknown_age, 1)[1] == pytest.approx(q, abs=1e-4)


def test_looks_are_no_purchases_and_the_rest_has_the_popular_order():
    looked = History.of(["tea"], ages_days=[2], kinds=["interest"])
    assert MODEL.recommend(looked, 4)[0] == ["coffee", "salt", "fridge", "tea"]
    assert MODEL.strongest(looked, np.array([0, 3]), 2) == [[], []]


def test_only_purchases_count_in_fit_where_they_are_known():
    days = [0, 10, 20, 0, 10, 20]
    acts = Interactions.from_ids(
        ["a"] * 6,
        ["seen"] * 3 + ["had"] * 3,
        times=[day * MICROS_PER_DAY for day in days],
        bought=[False] * 3 + [True] * 3,
    )
    share = BuyAgainRecommender().fit(acts).learned_.share
    assert share.tolist() == pytest.approx([2 / 3, 2 / 3])  # "seen" knows only what holds for all
    assert BuyAgainRecommender().fit(acts).learned_.log_gap == pytest.approx(np.log(10))


def test_settings_that_make_no_sense_are_refused():
    with pytest.raises(InvalidInput, match="horizon_days 0"):
        BuyAgainRecommender(horizon_days=0).fit(shop())
