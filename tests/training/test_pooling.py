"""Pooled learning: all windows teach, the newest says how high, names learned by heart stay out."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from models.calibrated import CalibratedScorer
from models.forecast_boost import ForecastBoostScorer
from models.outlook import Outlook
from models.purchase_forecast import PurchaseForecast
from training.fitting import _first, fit
from training.parts import trees_and_lines
from training.pooling import fit_pooled, is_pooled
from training.recipe import Options, load_recipe
from training.rows import Rows, Stage
from training.splits import Split

OPTIONS = Options(seed=5, threads=1)


def windows(rates=(0.3, 0.3, 0.3), people=600, town_tells=0.0, seed=1) -> Rows:
    """Everybody stands in each window; the outcome follows visits, and the town if it tells."""
    rng = np.random.default_rng(seed)
    parts, outcomes, cutoffs = [], [], []
    towns = np.array([f"town{n}" for n in range(25)])
    town = rng.integers(0, 25, people)
    telling = rng.normal(0, 1, 25)
    for number, rate in enumerate(rates):
        visits = rng.poisson(2, people)
        level = np.log(rate / (1 - rate)) - 1.2
        z = level + 0.6 * visits + town_tells * telling[town]
        parts.append(pd.DataFrame({"visits": visits.astype(float), "town": towns[town]}))
        outcomes.append((rng.random(people) < 1 / (1 + np.exp(-z))).astype(float))
        cutoffs.append(np.full(people, np.datetime64("2026-01-01") + np.timedelta64(30 * number)))
    who = np.tile([f"p{n}" for n in range(people)], len(rates))
    X = pd.concat(parts, ignore_index=True)
    return Rows(X, np.concatenate(outcomes), who, np.concatenate(cutoffs).astype("datetime64[us]"))


def learned(rows: Rows) -> CalibratedScorer:
    asked = trees_and_lines()(OPTIONS)
    assert isinstance(asked, CalibratedScorer) and is_pooled(asked)
    return fit_pooled(asked, rows, OPTIONS.seed)


def test_the_size_is_that_of_the_newest_window_while_all_windows_teach_the_order() -> None:
    rows = windows(rates=(0.2, 0.2, 0.5))
    newest = rows.cutoffs == rows.cutoffs.max()
    p = learned(rows).predict(rows.X)
    assert p[newest].mean() == pytest.approx(rows.y[newest].mean(), abs=0.02)
    assert np.corrcoef(p, rows.X["visits"])[0, 1] > 0.9


def test_towns_that_tell_nothing_are_left_out_and_those_that_tell_stay() -> None:
    assert "town" not in learned(windows()).features
    assert "town" in learned(windows(town_tells=1.2)).features


def test_same_seed_same_scores_and_a_saved_one_scores_alike(tmp_path) -> None:
    rows = windows(people=300)
    one, two = learned(rows), learned(rows)
    np.testing.assert_array_equal(one.predict(rows.X), two.predict(rows.X))
    one.save(tmp_path / "model")
    read = CalibratedScorer.load(tmp_path / "model")
    np.testing.assert_allclose(read.predict(rows.X), one.predict(rows.X), rtol=1e-12)
    np.testing.assert_allclose(read.contributions(rows.X), one.contributions(rows.X))


def test_what_is_held_out_teaches_nothing() -> None:
    """Up to the calibration cut-off only windows that had ended by then are learned from."""
    rows = windows(people=300)
    at = [pd.Timestamp(c, tz="UTC").to_pydatetime() for c in np.unique(rows.cutoffs)]
    split = Split(30, (at[0], at[1]), calibrate=at[2])
    recipe = load_recipe("churn")
    flipped = Rows(rows.X, np.where(rows.cutoffs == rows.cutoffs.max(), 1 - rows.y, rows.y),
                   rows.customers, rows.cutoffs)  # fmt: skip
    scores = [
        fit(recipe, "trees_and_lines", data, split, OPTIONS, until=until).predict(rows.X)
        for data, until in ((rows, at[2]), (flipped, at[2]), (flipped, None))
    ]
    np.testing.assert_array_equal(scores[0], scores[1])
    assert np.abs(scores[0] - scores[2]).max() > 0.05


@pytest.mark.parametrize(("level", "stands"), [(None, "mix"), (0.1, "forecast")])
def test_a_forecast_that_knows_the_season_stands_before_what_knows_the_newest_window(
    level, stands
) -> None:
    test = datetime(2026, 3, 1, tzinfo=UTC)
    stage = Stage(pd.DataFrame(), np.empty(0), Outlook(PurchaseForecast(None, None), level), 30)
    rows = Rows(pd.DataFrame(), np.empty(0), np.empty(0), np.empty(0), {test: stage})
    fitted = {"mix": trees_and_lines()(OPTIONS), "forecast": ForecastBoostScorer("silence")}
    split = Split(30, (test - timedelta(days=60),), test - timedelta(days=30), test)
    assert _first(fitted, rows, split) == stands
