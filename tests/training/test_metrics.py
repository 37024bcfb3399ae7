import time

import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score
from sklearn.metrics import log_loss as sklearn_log_loss

from training.bootstrap import Sample
from training.metrics import METRICS


def drawn(n: int = 400, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    score = np.round(rng.random(n), 2)  # with ties
    return (rng.random(n) < score).astype(float), score


@pytest.mark.parametrize(
    ("name", "reference"),
    [
        ("auc", roc_auc_score),
        ("average_precision", average_precision_score),
        ("brier", brier_score_loss),
        ("log_loss", lambda y, p: sklearn_log_loss(y, np.clip(p, 1e-6, 1 - 1e-6))),
        ("spearman", lambda y, p: spearmanr(y, p).statistic),
    ],
)
def test_a_metric_agrees_with_the_library_of_reference(name: str, reference) -> None:
    y, score = drawn()
    assert METRICS[name].of(y, score) == pytest.approx(reference(y, score), rel=1e-9)


@pytest.mark.parametrize(
    "name", ["auc", "average_precision", "lift_top_decile", "normalised_gini", "spearman"]
)
def test_weights_equal_repeated_rows(name: str) -> None:
    y, score = drawn(60)
    times = np.random.default_rng(1).integers(0, 4, 60)
    weighted = METRICS[name].compute(y, score, times[None, :].astype(float))[0]
    repeated = METRICS[name].of(np.repeat(y, times), np.repeat(score, times))
    assert weighted == pytest.approx(repeated, rel=1e-9)


def test_the_order_of_rows_changes_nothing() -> None:
    y, score = drawn()
    other = np.random.default_rng(2).permutation(len(y))
    for name in ("auc", "average_precision", "lift_top_decile", "normalised_gini", "spearman"):
        assert METRICS[name].of(y, score) == pytest.approx(METRICS[name].of(y[other], score[other]))


def test_a_perfect_order_has_gini_1_and_the_reverse_minus_1() -> None:
    amounts = np.array([0.0, 1.0, 5.0, 50.0])
    assert METRICS["normalised_gini"].of(amounts, amounts) == pytest.approx(1)
    assert METRICS["normalised_gini"].of(amounts, -amounts) == pytest.approx(-1)


def test_lift_of_the_best_tenth() -> None:
    y = np.array([1.0] * 10 + [0.0] * 90)
    assert METRICS["lift_top_decile"].of(y, y) == pytest.approx(10)
    assert METRICS["lift_top_decile"].of(y, np.zeros(100)) == pytest.approx(1)


def test_a_calibrated_score_has_a_small_calibration_error() -> None:
    y, score = drawn(20_000)
    assert METRICS["ece"].of(y, score) < 0.02
    assert METRICS["ece"].of(y, np.minimum(score + 0.3, 1)) > 0.2


def test_amount_errors_by_hand() -> None:
    y, score = np.array([0.0, 10.0, 10.0, 20.0]), np.array([0.0, 10.0, 20.0, 20.0])
    assert METRICS["total_error"].of(y, score) == pytest.approx(0.25)
    assert METRICS["mae"].of(y, score) == pytest.approx(2.5)
    assert METRICS["decile_mape"].of(y, score) == pytest.approx(1 / 3)  # of the three that spent


def test_an_interval_holds_its_value_and_is_reproducible() -> None:
    y, score = drawn(500)
    sample = Sample(y, np.arange(500), seed=3)
    first, again = (sample.estimate(METRICS["auc"], score) for _ in range(2))
    assert first == again
    assert first.low < first.value < first.high
    assert 0.02 < first.high - first.low < 0.12


def test_rows_of_one_customer_are_drawn_together() -> None:
    y, score = drawn(300)
    alone = Sample(y, np.arange(300), 0).estimate(METRICS["auc"], score)
    copies = Sample(np.tile(y, 4), np.tile(np.arange(300), 4), 0)
    copied = copies.estimate(METRICS["auc"], np.tile(score, 4))
    assert copied.high - copied.low == pytest.approx(alone.high - alone.low, rel=0.2)


def test_a_gain_over_oneself_is_nothing() -> None:
    y, score = drawn()
    gain = Sample(y, np.arange(len(y)), 0).gain(METRICS["log_loss"], score, score)
    assert (gain.value, gain.low, gain.high) == (0, 0, 0)


def test_a_better_score_gains_also_where_less_is_better() -> None:
    y, score = drawn(2000)
    gain = Sample(y, np.arange(len(y)), 0).gain(METRICS["brier"], score, np.full(len(y), 0.5))
    assert gain.low > 0


@pytest.mark.slow
def test_five_hundred_resamples_of_5000_rows_take_less_than_two_seconds() -> None:
    y, score = drawn(5000)
    start = time.process_time()
    Sample(y, np.arange(5000), 0).estimate(METRICS["average_precision"], score)
    assert time.process_time() - start < 2
