import numpy as np
import pytest

from domain.errors import InvalidInput, NotEnoughData
from models.contract import ScorerContract, customers, spent
from models.hurdle import HurdleScorer


class TestHurdleScorer(ScorerContract):
    unit = "amount"

    def make(self):
        return HurdleScorer(trees=10, folds=2)


def fitted(rows=1200, **settings):
    X = customers(rows=rows)
    return HurdleScorer(trees=60, min_leaf=10, **settings).fit(X, spent(X)), X


def test_it_beats_the_mean_and_keeps_the_total():
    scorer, X = fitted()
    later = customers(seed=21, rows=1200)
    truth, scores = spent(later, seed=22), scorer.predict(later)
    assert np.abs(scores - truth).mean() < np.abs(spent(X).mean() - truth).mean()
    assert scores.sum() == pytest.approx(truth.sum(), rel=0.15)


def test_the_interval_holds_about_what_it_says():
    scorer, _ = fitted()
    later = customers(seed=21, rows=1200)
    truth = spent(later, seed=22)
    low, high = scorer.predict_interval(later, level=0.8)
    assert (low <= high).all() and (low >= 0).all()
    assert 0.72 < ((low <= truth) & (truth <= high)).mean() < 0.95


def test_a_wider_level_gives_a_wider_interval():
    scorer, X = fitted(rows=240)
    narrow, wide = scorer.predict_interval(X, 0.5), scorer.predict_interval(X, 0.95)
    assert (wide.low <= narrow.low).all() and (wide.high >= narrow.high).all()


def test_a_shop_where_all_spend_needs_no_hurdle(tmp_path):
    X = customers()
    scorer = HurdleScorer(trees=10).fit(X, 10 + spent(X))
    scorer.save(tmp_path / "model")
    again = HurdleScorer.load(tmp_path / "model")
    np.testing.assert_array_equal(again.predict(X), scorer.predict(X))
    assert again.contributions(X).shape == X.shape


def test_importance_covers_both_questions():
    scorer, X = fitted(rows=240)
    assert set(scorer.importance()) == set(X.columns)
    assert sum(scorer.importance().values()) == pytest.approx(1)


def test_too_few_spenders_and_impossible_levels_are_refused():
    X = customers()
    with pytest.raises(NotEnoughData, match="0 rows with spend above 0"):
        HurdleScorer().fit(X, np.zeros(len(X)))
    with pytest.raises(InvalidInput, match="no probability"):
        fitted(rows=240)[0].predict_interval(X, level=80)
