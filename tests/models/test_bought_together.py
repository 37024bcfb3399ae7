import numpy as np
import pytest

from domain.errors import InvalidInput
from models.bought_together import BoughtTogetherRecommender, baskets
from models.contract import RecommenderContract
from models.history import History
from models.interactions import Interactions


class TestBoughtTogetherRecommender(RecommenderContract):
    def make(self):
        return BoughtTogetherRecommender()


def orders(*contents: str, bought: str | None = None) -> Interactions:
    """Return one order per text, its items one letter each, by two customers in turn."""
    rows = [(f"u{n % 2}", item, n) for n, items in enumerate(contents) for item in items]
    users, items, times = zip(*rows, strict=True)
    kinds = None if bought is None else [item in bought for item in items]
    return Interactions.from_ids(users, items, times=times, bought=kinds)


#  bread and jam always come together, milk is in every order
ORDERS = orders("bjm", "bjm", "bjm", "tm", "tm", "cm", "cm", "xy")


def test_an_order_is_a_basket():
    assert baskets(ORDERS).toarray().sum(axis=1).tolist() == [3, 3, 2, 2, 3, 2, 2, 2]
    assert baskets(Interactions.from_ids(["a", "a", "a"], ["x", "x", "y"])).toarray().tolist() == [
        [1, 1]
    ]


def test_only_purchases_make_baskets_where_they_are_known():
    held = baskets(orders("bj", "bz", bought="bj")).toarray()
    assert held.tolist() == [[1, 1, 0], [1, 0, 0]]


def test_a_true_partner_beats_what_is_in_every_basket():
    model = BoughtTogetherRecommender().fit(ORDERS)
    assert model.recommend(History.of("b"), 2, exclude="b")[0] == ["j", "m"]
    lift = model.score_all(History.of("b"))
    assert lift[model.catalogue_.positions("j")] == pytest.approx(
        np.log2(5 / (9 / 8 + 2)), abs=1e-4
    )


def test_a_pair_seen_once_is_no_pair():
    model = BoughtTogetherRecommender().fit(ORDERS)
    assert model.strongest(History.of("x"), model.catalogue_.positions("y"), 3) == [[]]
    loose = BoughtTogetherRecommender(min_baskets=1).fit(ORDERS)
    assert loose.recommend(History.of("x"), 1, exclude="x")[0] == ["y"]


def test_pairs_go_both_ways_and_weights_scale_them():
    model = BoughtTogetherRecommender().fit(ORDERS)
    b, j = model.catalogue_.positions("bj")
    assert model.rows_[b, j] == model.rows_[j, b] > 0
    ((_, once),) = model.strongest(History.of("b"), np.array([j]), 1)[0]
    ((_, thrice),) = model.strongest(History.of("b", [3]), np.array([j]), 1)[0]
    assert thrice == pytest.approx(3 * once)


def test_what_no_basket_ties_to_the_history_has_the_popular_order():
    model = BoughtTogetherRecommender().fit(ORDERS)
    assert model.recommend(History.of("y"), 4)[0] == ["m", "b", "j", "c"]


def test_counting_in_blocks_changes_nothing(monkeypatch):
    whole = BoughtTogetherRecommender().fit(ORDERS).rows_.toarray()
    monkeypatch.setattr("models.bought_together._BLOCK", 2)
    np.testing.assert_array_equal(BoughtTogetherRecommender().fit(ORDERS).rows_.toarray(), whole)


def test_settings_that_make_no_sense_are_refused():
    with pytest.raises(InvalidInput, match="min_baskets 0"):
        BoughtTogetherRecommender(min_baskets=0).fit(ORDERS)
