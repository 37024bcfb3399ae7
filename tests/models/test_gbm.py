import numpy as np
import pandas as pd
import pytest

from domain.errors import InvalidInput, NotEnoughData
from models.contract import ScorerContract, bought, customers, spent
from models.gbm import GBMScorer


class TestBinaryGBM(ScorerContract):
    def make(self):
        return GBMScorer(trees=15, seed=3)


class TestTweedieGBM(ScorerContract):
    unit = "amount"

    def make(self):
        return GBMScorer(objective="tweedie", trees=15)


def test_it_learns_that_recent_customers_buy():
    X = customers(rows=600)
    scores = GBMScorer(trees=60).fit(X, bought(X)).predict(X)
    recent = X["recency_days"].to_numpy() < 30
    assert scores[recent].mean() > scores[~recent].mean() + 0.2


def test_the_number_of_threads_changes_no_score():
    X = customers()
    one, two = (GBMScorer(trees=20, num_threads=n).fit(X, bought(X)).predict(X) for n in (1, 2))
    np.testing.assert_array_equal(one, two)


def test_contributions_and_one_constant_add_up_to_the_log_odds():
    X = customers()
    scorer = GBMScorer(trees=20).fit(X, bought(X))
    p = scorer.predict(X)
    contributions = scorer.contributions(X)
    assert contributions.shape == (len(X), len(scorer.features))
    constant = np.log(p / (1 - p)) - contributions.sum(axis=1)
    np.testing.assert_allclose(constant, constant[0], atol=1e-9)


def test_importance_is_shared_among_the_features():
    X = customers()
    importance = GBMScorer(trees=20).fit(X, bought(X)).importance()
    assert set(importance) == set(X.columns)
    assert sum(importance.values()) == pytest.approx(1)
    assert next(iter(importance)) == "recency_days"


def test_a_category_alone_can_carry_the_score():
    X = pd.DataFrame({"city": ["rome", "oslo"] * 60})
    scores = GBMScorer(trees=30, min_leaf=5).fit(X, (X["city"] == "rome").to_numpy()).predict(X)
    assert scores[0] > 0.7 and scores[1] < 0.3


def test_a_validation_set_stops_early():
    X, noise = customers(), np.random.default_rng(0).integers(0, 2, 240)
    scorer = GBMScorer(trees=200, patience=5).fit(X, noise, validation=(X, 1 - noise))
    assert scorer.booster_.num_trees() < 20


def test_monotone_columns_never_lower_the_score():
    X = customers()
    scorer = GBMScorer(trees=30, monotone={"recency_days": -1}).fit(X, bought(X))
    one = X.iloc[[0] * 50].assign(recency_days=np.linspace(0, 300, 50))
    assert (np.diff(scorer.predict(one)) <= 1e-12).all()


def test_odd_column_names_are_welcome():
    y = bought(customers())
    X = customers().rename(columns={"orders": 'orders: {"30d"}, [n]'})
    assert GBMScorer(trees=5).fit(X, y).predict(X).shape == (240,)


def test_settings_and_targets_that_do_not_fit_are_refused():
    X = customers()
    with pytest.raises(InvalidInput, match="objective 'rank' is unknown"):
        GBMScorer(objective="rank").fit(X, bought(X))
    with pytest.raises(InvalidInput, match="0 and 1"):
        GBMScorer().fit(X, spent(X))
    with pytest.raises(NotEnoughData, match="both outcomes"):
        GBMScorer().fit(X, np.zeros(len(X)))
    with pytest.raises(InvalidInput, match="below 0"):
        GBMScorer(objective="tweedie").fit(X, -spent(X))
    with pytest.raises(InvalidInput, match="monotone"):
        GBMScorer(monotone={"nope": 1}).fit(X, bought(X))
