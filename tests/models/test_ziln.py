import numpy as np
import pandas as pd
import pytest
import torch

from domain.errors import NotEnoughData
from models.baselines import MeanScorer
from models.contract import ScorerContract, customers
from models.ziln import ZILNScorer
from models.ziln_training import SpendScale, ziln_loss


class TestZILNScorer(ScorerContract):
    unit = "amount"

    def make(self):
        return ZILNScorer(hidden=(8,), epochs=4)


def shop(seed, rows=1500):
    """Spend whose chance rises with `orders` and whose size rises with `basket`."""
    rng = np.random.default_rng(seed)
    X = pd.DataFrame({"orders": rng.poisson(2, rows), "basket": rng.lognormal(3, 0.6, rows)})
    p = 1 / (1 + np.exp(1.5 - 0.7 * X["orders"]))
    amount = np.exp(np.log(X["basket"]) + rng.normal(0, 0.5, rows))
    return X, np.where(rng.random(rows) < p, amount, 0.0)


@pytest.fixture(scope="module")
def fitted():
    return ZILNScorer().fit(*shop(0))


def test_it_beats_the_mean_and_keeps_the_total(fitted):
    X, y = shop(5)
    mean = MeanScorer().fit(*shop(0)).predict(X)
    scores = fitted.predict(X)
    assert np.mean((scores - y) ** 2) < 0.85 * np.mean((mean - y) ** 2)
    assert scores.sum() == pytest.approx(y.sum(), rel=0.15)


def test_it_finds_the_three_parts_of_the_mixture(fitted):
    X = pd.DataFrame({"orders": [0, 2, 5], "basket": [20.0, 20.0, 20.0]})
    p, mu, sigma = fitted.distribution(X)
    np.testing.assert_allclose(p, 1 / (1 + np.exp(1.5 - 0.7 * X["orders"])), atol=0.12)
    np.testing.assert_allclose(mu, np.log(20), atol=0.3)
    np.testing.assert_allclose(sigma, 0.5, atol=0.2)


def test_the_interval_holds_about_what_it_says(fitted):
    X, y = shop(5)
    low, high = fitted.predict_interval(X, level=0.8)
    assert (low <= high).all()
    assert 0.75 < ((low <= y) & (y <= high)).mean() < 0.95


def test_an_interval_of_a_sure_non_buyer_is_zero(fitted):
    low, high = fitted.predict_interval(pd.DataFrame({"orders": [0], "basket": [20.0]}), level=0.3)
    assert low[0] == high[0] == 0


def test_a_wild_row_cannot_explode():
    X, y = shop(0, rows=300)
    y[0] = 1e9
    scorer = ZILNScorer(hidden=(8,), epochs=10).fit(X, y)
    wild = pd.DataFrame({"orders": [10**9], "basket": [1e12]})
    assert np.isfinite(scorer.predict(wild)).all()
    assert scorer.distribution(wild)[2][0] <= scorer.max_sigma


def test_the_loss_is_the_negative_log_likelihood():
    scale = SpendScale(log_mean=0.0, log_sd=1.0, min_sigma=0.0, max_sigma=2.0)
    outputs, spend = torch.tensor([[0.3, 0.7, 0.2]] * 2), torch.tensor([0.0, 5.0])
    p, sigma = torch.sigmoid(torch.tensor(0.3)), 2 * torch.sigmoid(torch.tensor(0.2))
    lognormal = torch.distributions.LogNormal(0.7, sigma).log_prob(torch.tensor(5.0))
    dropped = torch.log(torch.tensor(5.0)) + 0.5 * np.log(2 * np.pi)
    by_hand = -(torch.log(1 - p) + torch.log(p) + lognormal + dropped) / 2
    assert float(ziln_loss(outputs, spend, torch.ones(2), scale)) == pytest.approx(float(by_hand))


def test_scoring_in_numpy_equals_torch(fitted):
    X, _ = shop(5, rows=50)
    encoded = fitted.encoder_.encode(X)
    h = torch.tensor(fitted.inputs_.transform(encoded))
    layers = {name: torch.tensor(a, dtype=torch.float64) for name, a in fitted.layers_.items()}
    for at in (0, 2):
        h = torch.relu(torch.nn.functional.linear(h, layers[f"{at}.weight"], layers[f"{at}.bias"]))
    h = torch.nn.functional.linear(h, layers["4.weight"], layers["4.bias"])
    np.testing.assert_allclose(fitted._forward(encoded), h.numpy(), rtol=1e-9)


def test_fit_leaves_the_global_generator_of_torch_alone():
    X, y = shop(0, rows=120)
    torch.manual_seed(4)
    expected = torch.rand(1)
    torch.manual_seed(4)
    ZILNScorer(hidden=(4,), epochs=1).fit(X, y)
    assert torch.equal(torch.rand(1), expected)


def test_too_few_spenders_are_refused():
    X = customers()
    with pytest.raises(NotEnoughData, match="9 rows with spend"):
        ZILNScorer().fit(X, (np.arange(len(X)) < 9).astype(float))
