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
