"""Drift: what stands still gives nothing; what moved is seen: numbers, words, what is missing."""

import numpy as np
import pandas as pd
import pytest

from training.drift import psi, told_apart
from training.monitor import ECE_LEAST, PSI_LOOK, PSI_WARN, ece_by_chance


def numbers(mean: float, seed: int, count: int = 2000) -> pd.Series:
    return pd.Series(np.random.default_rng(seed).normal(mean, 1, count))


def words(share: float, seed: int) -> pd.Series:
    rng = np.random.default_rng(seed)
    return pd.Series(np.where(rng.random(2000) < share, "web", "app"), dtype=object)


@pytest.mark.parametrize(
    ("before", "now"),
    [
        (numbers(0, 1), numbers(0, 2)),
        (words(0.3, 1), words(0.3, 2)),
        (numbers(0, 1).round(), numbers(0, 2).round()),
        (pd.Series([True, False] * 500), pd.Series([False, True] * 500)),
        (pd.Series([np.nan] * 500), pd.Series([np.nan] * 400)),
    ],
)
def test_what_stands_still_has_no_index(before: pd.Series, now: pd.Series) -> None:
    assert 0 <= psi(before, now) < 0.03


@pytest.mark.parametrize(
    ("before", "now"),
    [
        (numbers(0, 1), numbers(1, 2)),
        (words(0.3, 1), words(0.7, 2)),
        (numbers(0, 1), numbers(0, 2).mask(np.arange(2000) % 2 == 0)),  # half came without it
        (words(0.3, 1), pd.Series(["kiosk"] * 2000, dtype=object)),
        (pd.Series([np.nan] * 500), numbers(0, 1)),
    ],
)
def test_what_moved_is_a_warning(before: pd.Series, now: pd.Series) -> None:
    assert psi(before, now) > PSI_WARN > PSI_LOOK


def test_the_index_is_the_published_formula() -> None:
    before, now = words(0.5, 3), words(0.8, 4)
    a, b = (before == "web").mean(), (now == "web").mean()
    expected = (b - a) * np.log(b / a) + (a - b) * np.log((1 - b) / (1 - a))
    assert psi(before, now) == pytest.approx(expected, abs=2e-3)


def test_people_of_one_kind_are_not_told_apart_and_others_are_by_what_differs() -> None:
    rng = np.random.default_rng(5)
    old = pd.DataFrame({"visits": rng.poisson(3, 900), "age": rng.normal(40, 9, 900)})
    who = np.array([f"p{n}" for n in range(900)])
    same = told_apart(old.iloc[:450], old.iloc[450:], (who[:450], who[450:]), 0)
    assert same.auc.low < 0.5 < same.auc.high + 0.03
    new = old.iloc[450:].assign(visits=lambda x: x["visits"] + 4)
    moved = told_apart(old.iloc[:450], new, (who[:450], who[450:]), 0)
    assert moved.auc.low > 0.85 and moved.by[0] == "visits"


def test_a_person_who_stands_on_both_sides_gives_nothing_away() -> None:
    rng = np.random.default_rng(6)
    rows = pd.DataFrame({"fingerprint": rng.normal(size=600), "other": rng.normal(size=600)})
    who = np.array([f"p{n}" for n in range(600)])
    assert told_apart(rows, rows, (who, who), 0).auc.value == pytest.approx(0.5, abs=0.05)


def test_a_perfect_score_is_within_chance_and_a_wrong_one_is_not() -> None:
    from training.metrics import METRICS

    rng = np.random.default_rng(2)
    score = rng.uniform(0.1, 0.9, 1500)
    y = (rng.random(1500) < score).astype(float)
    chance = ece_by_chance(score, 0)
    assert METRICS["ece"].of(y, score) < chance
    assert METRICS["ece"].of(y, score**2) > max(chance, ECE_LEAST)
