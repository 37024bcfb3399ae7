"""Outlooks look back only, and compare a year ago with today on the same length of history."""

import numpy as np
import pytest

from training.exposure import exposures
from training.purchases import Purchases
from training.season import YEAR, outlook

SUMMER = (180, 270)  # days of the year in which everybody buys twice as often


def shop(days=620, customers=500, seasonal=True, seed=1):
    """Customers who come over the first year, buy at a pace of their own and never stop."""
    rng = np.random.default_rng(seed)
    rows = []
    for number in range(customers):
        pace = rng.gamma(2.0, 0.01)
        for day in range(int(rng.uniform(0, 300)), days):
            high = seasonal and SUMMER[0] <= day % YEAR < SUMMER[1]
            if rng.random() < pace * (2.0 if high else 1.0):
                rows.append((f"c{number:04d}", float(day), float(rng.gamma(3.0, 10.0))))
    customer, day, spend = zip(*rows, strict=True)
    return Purchases(np.array(customer), np.array(day), np.array(spend))


@pytest.fixture(scope="module")
def seasonal():
    return shop()


def test_the_level_rises_before_the_high_season_of_the_year_before(seasonal):
    found = outlook(seasonal, "spend", YEAR + SUMMER[0], 60)
    assert 0.3 < found.level < 1.0  # twice as much is log 2 = 0.69
    assert "a year ago" in found.reason
    assert outlook(seasonal, "silence", YEAR + SUMMER[0], 60).level < -0.3


def test_what_comes_later_changes_nothing(seasonal):
    day = YEAR + SUMMER[0]
    assert outlook(seasonal.between(0, day), "spend", day, 60) == outlook(
        seasonal, "spend", day, 60
    )


def test_without_a_year_of_history_there_is_no_level(seasonal):
    found = outlook(seasonal, "spend", 300, 60)
    assert found.level is None and found.reason.startswith("no season")


def test_purchases_say_what_each_customer_did():
    bought = Purchases(
        np.array(["a", "a", "b"]), np.array([1.0, 5.0, 3.0]), np.array([10.0, 20.0, 7.0])
    )
    customers, history = bought.histories(11.0)
    assert customers.tolist() == ["a", "b"]
    assert history.past.x.tolist() == [1, 0]
    assert history.past.t_x.tolist() == [4, 0]
    assert history.past.T.tolist() == [10, 8]
    assert history.spend.tolist() == [15, 7]
    later = bought.between(3, 6)
    assert later.spent(customers).tolist() == [20, 7]
    assert later.silent(np.array(["a", "b", "c"])).tolist() == [0, 0, 1]


def test_a_cutoff_is_watched_until_now_and_no_longer_than_the_horizon():
    found = exposures(0.0, 400.0, 90)
    assert list(found.items())[:4] == [(370.0, 30), (340.0, 60), (310.0, 90), (280.0, 90)]
    assert all(day + watched <= 400 for day, watched in found.items())
    assert min(found) >= 60
    assert exposures(0.0, 70.0, 90) == {}
