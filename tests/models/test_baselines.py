import numpy as np
import pandas as pd
import pytest

from domain.errors import InvalidInput
from models.baselines import ColumnScorer, MeanScorer
from models.contract import ScorerContract, bought, customers, spent


class TestMeanScorer(ScorerContract):
    needed_column = None

    def make(self):
        return MeanScorer()


class TestRecencyScorer(ScorerContract):
    def make(self):
        return ColumnScorer("recency_days", sign=-1)


class TestLastValueScorer(ScorerContract):
    unit = "amount"
    needed_column = "average_eur"

    def make(self):
        return ColumnScorer("average_eur", by="value")


def test_the_mean_can_be_weighted():
    X = pd.DataFrame({"x": [1, 2]})
    mean = MeanScorer().fit(X, np.array([0.0, 1.0]), sample_weight=np.array([1.0, 3.0]))
    np.testing.assert_array_equal(mean.predict(X), [0.75, 0.75])


def test_more_recent_means_a_higher_score_with_the_right_total():
    X = customers()
    y = bought(X)
    scores = ColumnScorer("recency_days", sign=-1).fit(X, y).predict(X)
    order = np.argsort(X["recency_days"].to_numpy())
    assert (np.diff(scores[order]) <= 0).all()
    assert scores.mean() == pytest.approx(y.mean(), rel=1e-6)


def test_last_spend_is_scaled_to_the_total():
    X = pd.DataFrame({"last_eur": [10.0, 30.0, np.nan]})
    scores = ColumnScorer("last_eur", by="value").fit(X, np.array([0.0, 20.0, 0.0])).predict(X)
    np.testing.assert_allclose(scores, [5, 15, 0])


def test_a_constant_outcome_gives_that_outcome():
    X = pd.DataFrame({"x": [1.0, 2.0, 3.0]})
    for value in (0.0, 4.0):
        scores = ColumnScorer("x").fit(X, np.full(3, value)).predict(X)
        np.testing.assert_allclose(scores, value, atol=1e-9)


def test_settings_that_mean_nothing_are_refused():
    X = customers()
    with pytest.raises(InvalidInput, match="by='rank'"):
        ColumnScorer("orders", by="value", sign=-1).fit(X, spent(X))
    with pytest.raises(InvalidInput, match="sign is 1 or -1"):
        ColumnScorer("orders", sign=2).fit(X, spent(X))
    with pytest.raises(InvalidInput, match="below 0"):
        ColumnScorer("orders", by="value").fit(X.assign(orders=-1), spent(X))
