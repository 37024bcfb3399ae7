from datetime import timedelta

import numpy as np
import pandas as pd
import pytest
from town import DAYS, END, NOW, act, fill, lively

from domain.errors import NotEnoughData, NotFound
from models.history import History
from models.manifest import load_model
from training.recipe import load_recipe
from training.rows import labelled_rows
from training.run import train
from training.scoring import score_all
from training.tracking import Tracker
from training.workshop import open_workshop


def rows_at(settings, cutoffs, horizon_days):
    with open_workshop(settings, NOW) as shop:
        return labelled_rows(shop, load_recipe("churn"), cutoffs, horizon_days)


def test_events_after_the_label_window_change_no_row(make_home) -> None:
    cut = END - timedelta(days=60)
    events = list(lively(200))
    late = [
        act("x1", "purchase", DAYS - 9, customer="c0", value=1e6, items=[1]),
        act("x2", "identify", DAYS - 9, customer="c1", device="d2", plan="gold"),
        act("x3", "purchase", DAYS - 9, customer="new", value=5),
    ]
    until = END - timedelta(days=30)
    before, after = make_home(), make_home()
    fill(before.home, [e for e in events if e.at < until])
    fill(after.home, events + late)
    told, seen = rows_at(before, (cut,), 30), rows_at(after, (cut,), 30)
    pd.testing.assert_frame_equal(told.X, seen.X)
    np.testing.assert_array_equal(told.y, seen.y)
    np.testing.assert_array_equal(told.customers, seen.customers)


@pytest.mark.slow
def test_same_seed_same_scores(make_home) -> None:
    events = list(lively(600))
    scores = []
    for _ in range(2):
        settings = make_home()
        fill(settings.home, events)
        for name in ("churn", "recommend"):
            train(name, settings, at=NOW)
        score_all(settings, END, at=NOW)
        table = pd.read_parquet(settings.home / "scored" / "profiles.parquet")
        champion = Tracker.open(settings.home).champion("recommend")
        scores.append((table, load_model(champion.model).score_all(History.of(["i00", "i07"]))))
    pd.testing.assert_frame_equal(scores[0][0], scores[1][0])
    np.testing.assert_array_equal(scores[0][1], scores[1][1])


def test_ten_customers_are_refused_with_a_sentence_and_nothing_changes(make_home) -> None:
    settings = make_home()
    fill(settings.home, lively(10))
    files = sorted(f for f in settings.home.rglob("*") if f.is_file())
    for name in ("lead_score", "churn", "clv", "recommend"):
        with pytest.raises(NotEnoughData, match=r"needed.*(import|wait)"):
            train(name, settings, at=NOW)
    assert sorted(f for f in settings.home.rglob("*") if f.is_file()) == files


def test_a_short_history_is_refused_with_the_day_on_which_it_suffices(make_home) -> None:
    settings = make_home()
    fill(settings.home, lively(200, days=40))
    with pytest.raises(
        NotEnoughData, match=r"lead_score: .* 58 are needed .* wait until 2025-0[23]"
    ):
        train("lead_score", settings, at=NOW)


def test_an_empty_shop_is_told_to_import(make_home) -> None:
    with pytest.raises(NotEnoughData, match="nextbest import"):
        train("churn", make_home(), at=NOW)


def test_nothing_is_scored_before_the_first_training(make_home) -> None:
    settings = make_home()
    fill(settings.home, lively(20))
    with pytest.raises(NotFound, match="run `nextbest train` first"):
        score_all(settings, END, at=NOW)


def test_below_the_floor_everybody_gets_a_base_rate_of_low_reliability(make_home) -> None:
    settings = make_home()
    fill(settings.home, lively(300))
    (outcome,) = train("lead_score", settings, at=NOW)
    assert outcome.kind == "base_rate"
    assert outcome.reliability == "low"
    assert "a shrunk base rate: 30 customers with the outcome" in outcome.reliability_reason
    score_all(settings, END, at=NOW)
    table = pd.read_parquet(settings.home / "scored" / "profiles.parquet")
    assert 0 < table["lead_score"].min() <= table["lead_score"].max() < 1


def test_a_set_horizon_is_taken_and_said(make_home) -> None:
    from dataclasses import replace

    settings = replace(make_home(), churn_horizon_days=20)
    fill(settings.home, lively(300))
    (outcome,) = train("churn", settings, at=NOW)
    assert outcome.horizon == "20 days, as set by churn_horizon_days"
