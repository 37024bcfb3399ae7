import numpy as np
import pytest

from domain.errors import InvalidInput
from models.contract import RecommenderContract
from models.history import History
from models.interactions import MICROS_PER_DAY, Interactions
from models.trending import TrendingRecommender, rise


class TestTrendingRecommender(RecommenderContract):
    personal = False

    def make(self):
        return TrendingRecommender()


def rises(*items: list[float]) -> list[float]:
    """Return the rise of items, each given by the ages of its acts in days."""
    codes = np.repeat(np.arange(len(items)), [len(ages) for ages in items])
    return rise(codes, np.concatenate(items), len(items)).tolist()


STEADY = list(np.arange(0, 120, 0.5))


def test_a_steady_item_does_not_rise_however_popular():
    steady, twice = rises(STEADY, STEADY * 2)
    assert steady == pytest.approx(0, abs=0.05) and twice == pytest.approx(0, abs=0.05)


def test_more_lately_rises_and_less_lately_falls():
    rising, steady, falling = rises(STEADY + STEADY[:14] * 2, STEADY, STEADY[28:])
    assert rising > 0.5 > steady > -0.5 > falling


def test_the_rise_is_against_the_own_past():
    seller, _, _ = rises(STEADY * 20, STEADY, [1.0, 2.0])
    newcomer = rises(STEADY * 20, STEADY, [1.0, 2.0, 2.5, 3.0])[2]
    assert newcomer > seller


def test_one_act_is_no_trend():
    one, many = rises([1.0], [1.0] * 10)
    assert 0 < one < 0.5 < 1 < many


def test_only_the_age_counts_not_the_date_or_the_weight():
    ages = [1, 3, 3, 50, 80]
    names = ["new", "new", "old", "old", "old"]

    def fitted(today, weights):
        times = [(today - age) * MICROS_PER_DAY for age in ages]
        return TrendingRecommender().fit(Interactions.from_ids(names, names, weights, times))

    one, other = fitted(100, [1, 1, 1, 1, 1]), fitted(20_000, [9, 3, 1, 0.1, 2])
    np.testing.assert_allclose(one.score_all(History()), other.score_all(History()), rtol=1e-6)
    assert one.recommend(History(), 1)[0] == ["new"]


def test_half_lives_that_make_no_sense_are_refused():
    with pytest.raises(InvalidInput, match="recent_days 9"):
        rise(np.array([0]), np.array([1.0]), 1, recent_days=9, past_days=9)
