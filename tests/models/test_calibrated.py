import numpy as np

from models.baselines import ColumnScorer
from models.calibrated import CalibratedScorer
from models.contract import ScorerContract, bought, customers
from models.gbm import GBMScorer


class TestCalibratedGBM(ScorerContract):
    def make(self):
        return CalibratedScorer(GBMScorer(trees=10), folds=2)


class TestCalibratedColumn(ScorerContract):
    def make(self):
        return CalibratedScorer(ColumnScorer("recency_days", sign=-1))


def test_an_overfitted_scorer_becomes_honest():
    X, later = customers(rows=800), customers(seed=11, rows=800)
    y, truth = bought(X), bought(later, seed=12)
    raw = GBMScorer(trees=300, min_leaf=2, learning_rate=0.2)
    sure = raw.fit(X, y).predict(later)
    honest = CalibratedScorer(raw, folds=2).fit(X, y).predict(later)
    assert np.mean((honest - truth) ** 2) < np.mean((sure - truth) ** 2) - 0.01


def test_the_given_scorer_stays_unfitted():
    X, given = customers(), GBMScorer(trees=5)
    CalibratedScorer(given, folds=2).fit(X, bought(X))
    assert not hasattr(given, "booster_")


def test_with_a_validation_set_the_calibrator_learns_there():
    X, later = customers(), customers(seed=3)
    scorer = CalibratedScorer(GBMScorer(trees=5))
    scorer.fit(X, bought(X), validation=(later, bought(later)))
    assert scorer.reason_ and scorer.contributions(X).shape == X.shape
    assert set(scorer.importance()) == set(scorer.features)
