import numpy as np
import pytest

from training.intervals import ScoreIntervals, learn_intervals
from training.score_standing import percentiles


def test_the_interval_of_an_amount_holds_about_80_percent_of_outcomes() -> None:
    rng = np.random.default_rng(0)
    score = rng.uniform(10, 100, 4000)
    y = score * rng.uniform(0.5, 1.5, 4000)
    low, high = learn_intervals("amount", y, score).bounds(score)
    assert 0.76 < np.mean((y >= low) & (y <= high)) < 0.84


def test_the_interval_of_a_probability_narrows_with_customers_and_stays_within_0_and_1() -> None:
    rng = np.random.default_rng(0)
    widths = []
    for n in (600, 60_000):
        score = rng.random(n)
        y = (rng.random(n) < score).astype(float)
        low, high = learn_intervals("probability", y, score).bounds(score)
        assert low.min() >= 0 and high.max() <= 1
        widths.append(float(np.mean(high - low)))
    assert widths[1] < widths[0] / 2


def test_intervals_come_back_from_plain_values() -> None:
    learned = learn_intervals("amount", np.arange(100.0), np.arange(100.0))
    assert ScoreIntervals.from_plain(learned.to_plain()) == learned


def test_percentiles_run_from_1_to_100_and_equals_share_one() -> None:
    assert percentiles(np.arange(200.0)).min() == 1
    assert percentiles(np.arange(200.0)).max() == 100
    assert set(percentiles(np.zeros(7))) == {58}
    assert percentiles(np.array([5.0])) == pytest.approx([100])
