"""The purchase processes against the published numbers and against simulated customers."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from models.buy_till_you_die import Histories, PurchaseProcess, fit_process
from models.gamma_gamma import SpendPerDay, fit_spend

TRUTH = {"r": 0.6, "alpha": 20.0, "a": 0.8, "b": 2.5}


def cdnow():
    home = os.environ.get("NEXTBEST_DATA")
    folder = Path(home) / "cdnow" if home else None
    if folder is None or not folder.is_dir():
        pytest.skip("set NEXTBEST_DATA to the folder that holds cdnow/ to run this")
    return folder


def simulated(first_may_be_last, customers=6000, days=200.0, ahead=100.0, seed=5):
    """Return histories and what each bought afterwards, drawn by the story of the model."""
    rng = np.random.default_rng(seed)
    T = rng.uniform(days / 2, days, customers)
    rows = []
    for age in T:
        pace = rng.gamma(TRUTH["r"], 1 / TRUTH["alpha"])
        stops = rng.beta(TRUTH["a"], TRUTH["b"])
        gone = first_may_be_last and rng.random() < stops
        at, bought = 0.0, []
        while not gone:
            at += rng.exponential(1 / pace)
            if at > age + ahead:
                break
            bought.append(at)
            gone = rng.random() < stops
        past = [when for when in bought if when <= age]
        rows.append((len(past), past[-1] if past else 0.0, len(bought) - len(past)))
    x, t_x, after = np.array(rows, dtype=float).T
    return Histories(x, t_x, T), after


@pytest.mark.parametrize("first_may_be_last", [False, True])
def test_simulated_customers_give_their_parameters_and_their_future_back(first_may_be_last):
    past, after = simulated(first_may_be_last)
    found = fit_process(past, may_stop_at_first=first_may_be_last)
    assert found.r == pytest.approx(TRUTH["r"], rel=0.15)
    assert found.alpha == pytest.approx(TRUTH["alpha"], rel=0.15)
    assert found.a / (found.a + found.b) == pytest.approx(0.8 / 3.3, rel=0.15)
    assert found.expected_purchases(past, 100.0).sum() == pytest.approx(after.sum(), rel=0.06)
    assert found.p_silent(past, 100.0).mean() == pytest.approx((after == 0).mean(), abs=0.015)
    often = past.x > 3
    expected = found.expected_purchases(past, 100.0)[often].mean()
    assert expected == pytest.approx(after[often].mean(), rel=0.1)


def test_cdnow_gives_the_published_bg_nbd():
    found = pd.read_csv(cdnow() / "cdnow_customers_summary.csv")
    past = Histories(*(found[name].to_numpy(float) for name in ("frequency", "recency", "T")))
    process = fit_process(past)
    fitted = [process.r, process.alpha, process.a, process.b]
    assert fitted == pytest.approx([0.243, 4.414, 0.793, 2.426], rel=2e-3)
    assert process.log_likelihood(past).sum() == pytest.approx(-9582.4, abs=0.1)


def test_cdnow_gives_the_published_gamma_gamma():
    orders = pd.read_parquet(cdnow() / "cdnow_sample.parquet")
    orders = orders[orders["date"] <= "1997-09-30"]
    daily = orders.groupby(["sample_id", "date"], as_index=False)["dollar_value"].sum()
    repeats = daily[daily.groupby("sample_id").cumcount() > 0].groupby("sample_id")["dollar_value"]
    spend = fit_spend(repeats.size().to_numpy(float), repeats.mean().to_numpy())
    assert [spend.p, spend.q, spend.gamma] == pytest.approx([6.25, 3.74, 15.44], rel=0.01)


def test_simulated_spends_give_their_parameters_back():
    rng = np.random.default_rng(3)
    days = rng.integers(1, 8, 6000).astype(float)
    rate = rng.gamma(4.0, 1 / 50.0, 6000)  # nu ~ gamma(q, gamma)
    mean = rng.gamma(3.0 * days, 1 / rate) / days
    found = fit_spend(days, mean)
    assert (found.p, found.q, found.gamma) == pytest.approx((3.0, 4.0, 50.0), rel=0.12)
    assert found.expected_spend(days, mean).mean() == pytest.approx(mean.mean(), rel=0.03)


def test_a_longer_silence_means_fewer_purchases_and_a_frequent_buyer_is_sooner_missed():
    process = PurchaseProcess(**TRUTH, may_stop_at_first=True)
    T = np.full(4, 100.0)
    for x in (0.0, 8.0):
        past = Histories(np.full(4, x), np.array([90.0, 60.0, 30.0, 0.0]) * (x > 0), T)
        if x:
            assert (np.diff(process.expected_purchases(past, 30.0)) < 0).all()
            assert (np.diff(process.p_silent(past, 30.0)) > 0).all()
    waits = process.days_to_next_purchase(Histories(np.array([0.0, 8.0]), T[:2], T[:2]))
    assert waits[1] < waits[0]


def test_very_frequent_buyers_and_long_horizons_stay_finite():
    process = PurchaseProcess(**TRUTH, may_stop_at_first=False)
    past = Histories(np.array([0.0, 1.0, 365.0]), np.array([0.0, 3.0, 700.0]), np.full(3, 720.0))
    expected = process.expected_purchases(past, 365.0)
    assert np.isfinite(expected).all() and (expected >= 0).all()
    nearly = PurchaseProcess(0.6, 20.0, 1.0, 2.5, False).expected_purchases(past, 90.0)
    beside = PurchaseProcess(0.6, 20.0, 1.001, 2.5, False).expected_purchases(past, 90.0)
    np.testing.assert_allclose(nearly, beside, rtol=2e-3)


def test_p_alive_is_one_for_every_single_purchase_under_bg_nbd_and_not_under_mbg_nbd():
    once = Histories(np.zeros(2), np.zeros(2), np.array([5.0, 500.0]))
    assert (PurchaseProcess(**TRUTH, may_stop_at_first=False).p_alive(once) == 1).all()
    assert (PurchaseProcess(**TRUTH, may_stop_at_first=True).p_alive(once) < 1).all()


def test_weights_count_customers_more_than_once():
    past, _ = simulated(False, customers=800)
    doubled = Histories(*(np.append(part, part[:400]) for part in past))
    weights = np.where(np.arange(800) < 400, 2.0, 1.0)
    first, second = fit_process(doubled), fit_process(past, weights)
    assert second.r == pytest.approx(first.r, rel=1e-3)


def test_spend_of_an_unknown_customer_is_the_mean_of_all():
    model = SpendPerDay(3.0, 4.0, 50.0)
    assert model.expected_spend(np.zeros(1), np.zeros(1))[0] == pytest.approx(3.0 * 50.0 / 3.0)
