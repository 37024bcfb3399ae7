import numpy as np
import pytest

from domain.errors import InvalidInput
from models.average import AverageScorer
from models.contract import ScorerContract, bought, customers
from models.gbm import GBMScorer
from models.logistic import LogisticScorer


class TestAverage(ScorerContract):
    def make(self):
        return AverageScorer({"trees": GBMScorer(trees=10), "lines": LogisticScorer()})


def test_the_average_lies_between_its_members():
    X = customers()
    average = AverageScorer({"trees": GBMScorer(trees=10), "lines": LogisticScorer()})
    found = average.fit(X, bought(X)).predict(X)
    members = [m.predict(X) for m in average.members_.values()]
    assert (found >= np.minimum(*members) - 1e-9).all()
    assert (found <= np.maximum(*members) + 1e-9).all()


def test_an_average_of_nothing_is_refused():
    with pytest.raises(InvalidInput, match="at least one member"):
        AverageScorer({}).fit(customers(), bought(customers()))


def test_the_average_gives_the_mean_of_its_members_reasons():
    X = customers()
    average = AverageScorer({"trees": GBMScorer(trees=10), "lines": LogisticScorer()})
    found = average.fit(X, bought(X)).contributions(X)
    parts = [m.contributions(X) for m in average.members_.values()]
    np.testing.assert_allclose(found, np.mean(parts, axis=0))
    p = average.predict(X)
    rest = np.log(p / (1 - p)) - found.sum(axis=1)
    np.testing.assert_allclose(rest, rest[0], atol=1e-6)
