import numpy as np
import pandas as pd
import pytest

from domain.errors import InvalidInput, NotEnoughData
from models.contract import ScorerContract, bought, customers, failure_of
from models.forecast_boost import CUTOFF, FORECAST, ForecastBoostScorer
from models.outlook import Outlook
from models.purchase_forecast import PurchaseForecast, PurchaseForecastScorer
from models.purchase_history import HistoryColumns, PurchaseHistory

COLUMNS = ("orders", "recency_days", "customer_age_days", "average_eur")


class TestExpectedSpend(ScorerContract):
    unit = "amount"

    def make(self):
        return PurchaseForecastScorer("spend", columns=COLUMNS)


class TestChanceOfSilence(ScorerContract):
    def make(self):
        return PurchaseForecastScorer("silence", may_stop_at_first=True, columns=COLUMNS)


class TestSpendBoost(ScorerContract):
    unit = "amount"

    def make(self):
        return ForecastBoostScorer("spend", trees=10, min_leaf=10, columns=COLUMNS)


class TestSilenceBoost(ScorerContract):
    def target(self, X):
        return 1 - bought(X)

    def make(self):
        return ForecastBoostScorer("silence", trees=10, min_leaf=10, columns=COLUMNS)


def boosted(gives="spend", **settings):
    X = customers(rows=600)
    y = bought(X) * 30.0 if gives == "spend" else 1 - bought(X)
    return ForecastBoostScorer(gives, trees=30, columns=COLUMNS, **settings).fit(X, y), X, y


def test_a_level_moves_every_score_alike():
    scorer, X, _ = boosted()
    forecast = scorer.outlook_.forecast
    before = scorer.settle(Outlook(forecast, level=0.0)).predict(X)
    scorer.settle(Outlook(forecast, level=np.log(1.5)))
    np.testing.assert_allclose(scorer.predict(X), 1.5 * before, rtol=1e-9)


def test_without_a_known_level_the_total_is_that_of_the_windows_seen():
    scorer, X, y = boosted()
    assert scorer.predict(X).sum() == pytest.approx(y.sum(), rel=0.1)


def test_half_the_time_teaches_the_same_as_the_whole_with_half_the_forecast():
    _, X, y = boosted()
    whole = X.assign(**{FORECAST: 30.0, CUTOFF: 1.0})
    half = X.assign(**{FORECAST: 15.0, CUTOFF: 1.0})
    both = (ForecastBoostScorer("spend", trees=30, columns=COLUMNS) for _ in range(2))
    first, second = (scorer.fit(rows, y) for scorer, rows in zip(both, (whole, half), strict=True))
    second.settle(Outlook(first.outlook_.forecast, level=first.usual_level_))
    np.testing.assert_allclose(first.predict(X), second.predict(X), rtol=1e-9)


def test_the_season_of_a_cutoff_is_not_learned_of_its_customers():
    _, X, y = boosted()
    two = pd.concat([X.assign(**{CUTOFF: 1.0}), X.assign(**{CUTOFF: 2.0})])
    calm = ForecastBoostScorer("spend", trees=30, columns=COLUMNS).fit(two, np.append(y, y))
    high = ForecastBoostScorer("spend", trees=30, columns=COLUMNS).fit(two, np.append(y, y * 4))
    buyers = X[X["orders"] > 0]
    first, second = np.log(calm.predict(buyers)), np.log(high.predict(buyers))
    assert np.corrcoef(first, second)[0, 1] > 0.98


@pytest.mark.parametrize("gives", ["spend", "silence"])
def test_contributions_and_a_constant_add_up_to_the_score(gives):
    scorer, X, _ = boosted(gives)
    X = X[X["orders"] > 0]
    score = scorer.predict(X)
    link = np.log(score) if gives == "spend" else np.log(score / (1 - score))
    left = link - scorer.contributions(X).sum(axis=1)
    assert left.std() < 1e-6


def test_who_never_bought_is_silent_and_spends_nothing():
    never = customers().query("orders == 0")
    spend, silent = boosted()[0], boosted("silence")[0]
    assert (spend.predict(never) == 0).all() and (silent.predict(never) == 1).all()


def test_an_unknown_wish_is_named():
    X = customers()
    for kind in (PurchaseForecastScorer, ForecastBoostScorer):
        error = failure_of(lambda kind=kind: kind("luck").fit(X, bought(X)), InvalidInput)
        assert "luck" in error.message


def test_too_few_repeat_customers_are_counted():
    X = customers().assign(orders=1)
    history = PurchaseHistory.of(X, HistoryColumns(*COLUMNS))
    with pytest.raises(NotEnoughData, match="0 customers bought on two days"):
        PurchaseForecast.fit(history, may_stop_at_first=True)
