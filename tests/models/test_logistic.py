import numpy as np
import pandas as pd

from models.contract import ScorerContract
from models.logistic import LogisticScorer


class TestLogistic(ScorerContract):
    def make(self):
        return LogisticScorer()


def test_a_number_may_first_raise_and_then_lower_the_score():
    rng = np.random.default_rng(3)
    X = pd.DataFrame({"age": rng.uniform(0, 100, 4000)})
    hill = np.exp(-(((X["age"] - 50) / 20) ** 2)).to_numpy()
    model = LogisticScorer().fit(X, (rng.random(4000) < hill).astype(float))
    young, middle, old = model.predict(pd.DataFrame({"age": [5.0, 50.0, 95.0]}))
    assert middle > 0.6 and young < 0.3 and old < 0.3


def test_contributions_add_up_to_the_log_odds_and_name_the_column_that_counts():
    rng = np.random.default_rng(8)
    X = pd.DataFrame({
        "visits": rng.poisson(3, 900).astype(float),
        "idle": rng.normal(size=900),
        "source": rng.choice(["ad", "friend"], 900),
    })  # fmt: skip
    X.loc[::9, "idle"] = np.nan
    y = (rng.random(900) < 1 / (1 + np.exp(3 - X["visits"]))).astype(float)
    model = LogisticScorer().fit(X, y)
    found, p = model.contributions(X), model.predict(X)
    rest = np.log(p / (1 - p)) - found.sum(axis=1)
    np.testing.assert_allclose(rest, rest[0], atol=1e-8)
    assert model.features == ("visits", "idle", "source")
    assert np.abs(found).mean(axis=0).argmax() == 0
