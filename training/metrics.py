"""A metric is one function of outcomes, scores and weights; weights make every resample one row.

Every function takes y (n,), score (n,) and weights (resamples, n) and returns (resamples,): the
point estimate is the row of ones. Tied scores share their place, so the order of rows never counts.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

WeightedMetric = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]
_EPS = 1e-12
ECE_BINS = 15
DECILES = 10


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric by name: how it is computed and which way is better."""

    name: str
    compute: WeightedMetric
    higher_is_better: bool
    meaning: str

    def of(self, y: np.ndarray, score: np.ndarray) -> float:
        """Return the metric of the sample as it is."""
        return float(self.compute(y, score, np.ones((1, len(y))))[0])


@dataclass(frozen=True, slots=True)
class _Tied:
    """Rows sorted by score, summed within equal scores; both (resamples, groups)."""

    weights: np.ndarray
    outcomes: np.ndarray


def _tied(y: np.ndarray, score: np.ndarray, weights: np.ndarray, *, best_first: bool) -> _Tied:
    order = np.argsort(-score if best_first else score, kind="stable")
    starts = np.flatnonzero(np.diff(score[order], prepend=np.nan) != 0)
    sorted_weights = weights[:, order]
    return _Tied(
        np.add.reduceat(sorted_weights, starts, axis=1),
        np.add.reduceat(sorted_weights * y[order], starts, axis=1),
    )


def auc(y: np.ndarray, score: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the chance that a random positive scores above a random negative, ties count half."""
    tied = _tied(y, score, weights, best_first=False)
    negatives = tied.weights - tied.outcomes
    below = np.cumsum(negatives, axis=1) - negatives
    won = (tied.outcomes * (below + negatives / 2)).sum(axis=1)
    return _ratio(won, tied.outcomes.sum(axis=1) * negatives.sum(axis=1))


def average_precision(y: np.ndarray, score: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the mean precision over the recall steps, best score first."""
    tied = _tied(y, score, weights, best_first=True)
    precision = _ratio(np.cumsum(tied.outcomes, axis=1), np.cumsum(tied.weights, axis=1))
    return _ratio((tied.outcomes * precision).sum(axis=1), tied.outcomes.sum(axis=1))


def log_loss(y: np.ndarray, score: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the mean negative log-likelihood; probabilities are kept off 0 and 1 by 1e-6."""
    p = np.clip(score, 1e-6, 1 - 1e-6)
    return weighted_mean(-(y * np.log(p) + (1 - y) * np.log(1 - p)), weights)


def brier(y: np.ndarray, score: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the mean squared distance of the probability from the outcome."""
    return weighted_mean((y - score) ** 2, weights)


def expected_calibration_error(y: np.ndarray, score: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the mean distance of forecast and rate over 15 bins of equal mass."""
    gaps = _binned(y - score, score, weights, ECE_BINS)
    return _ratio(np.abs(gaps).sum(axis=1), weights.sum(axis=1))


def lift_top_decile(y: np.ndarray, score: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the mean outcome of the best tenth over the mean outcome of all."""
    tied = _tied(y, score, weights, best_first=True)
    total = tied.weights.sum(axis=1, keepdims=True)
    before = np.cumsum(tied.weights, axis=1) - tied.weights
    share = np.clip((total / 10 - before) / np.maximum(tied.weights, _EPS), 0, 1)
    taken = (share * tied.outcomes).sum(axis=1) * 10
    return _ratio(taken, tied.outcomes.sum(axis=1))


def normalised_gini(y: np.ndarray, score: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the Gini of the predicted order over the Gini of the true order."""
    return _ratio(_gini(y, score, weights), _gini(y, y, weights))


def spearman(y: np.ndarray, score: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the correlation of the ranks of score and outcome, ties at their middle rank."""
    a, b = _middle_ranks(score, weights), _middle_ranks(y, weights)
    a, b = _centred(a, weights), _centred(b, weights)
    spread = (weights * a**2).sum(axis=1) * (weights * b**2).sum(axis=1)
    return _ratio((weights * a * b).sum(axis=1), np.sqrt(spread))


def total_error(y: np.ndarray, score: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the distance of the predicted total from the true total, as a share of the true."""
    return np.asarray(np.abs(_ratio(weights @ score, weights @ y) - 1))


def decile_mape(y: np.ndarray, score: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the mean error share over ten bins by prediction, of those with any outcome."""
    true, gap = _binned(y, score, weights, DECILES), _binned(y - score, score, weights, DECILES)
    shares = np.where(true > 0, np.abs(gap) / np.maximum(true, _EPS), np.nan)
    counted = np.isfinite(shares)
    return _ratio(np.nansum(shares, axis=1), counted.sum(axis=1))


def mean_absolute_error(y: np.ndarray, score: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the mean distance of prediction and outcome."""
    return weighted_mean(np.abs(y - score), weights)


def weighted_mean(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the mean of values (n,) under each row of weights (resamples, n)."""
    return _ratio(weights @ values, weights.sum(axis=1))


def _ratio(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return a / b; where b is 0 the sample holds nothing to measure, and so a is 0 as well."""
    return np.asarray(a / np.maximum(b, _EPS))


def _binned(values: np.ndarray, score: np.ndarray, weights: np.ndarray, bins: int) -> np.ndarray:
    """Return the weighted sum of values per bin of equal mass in the sample, (resamples, bins)."""
    order = np.argsort(score, kind="stable")
    starts = np.unique(np.linspace(0, len(order), min(bins, len(order)) + 1)[:-1].astype(int))
    return np.asarray(np.add.reduceat((weights * values)[:, order], starts, axis=1))


def _gini(y: np.ndarray, score: np.ndarray, weights: np.ndarray) -> np.ndarray:
    tied = _tied(y, score, weights, best_first=False)
    share = tied.weights / tied.weights.sum(axis=1, keepdims=True)
    lorenz = np.cumsum(tied.outcomes, axis=1)
    total = np.maximum(lorenz[:, -1:], _EPS)
    middle = (lorenz - tied.outcomes / 2) / total  # trapezoids under the Lorenz curve
    return np.asarray(1 - 2 * (share * middle).sum(axis=1))


def _middle_ranks(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    order = np.argsort(values, kind="stable")
    starts = np.diff(values[order], prepend=np.nan) != 0
    group = np.cumsum(starts) - 1
    mass = np.add.reduceat(weights[:, order], np.flatnonzero(starts), axis=1)
    middle = np.cumsum(mass, axis=1) - mass / 2
    ranks = np.empty_like(weights)
    ranks[:, order] = middle[:, group]
    return ranks


def _centred(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    mean = (values * weights).sum(axis=1, keepdims=True) / weights.sum(axis=1, keepdims=True)
    return np.asarray(values - mean)


_TABLE = (
    Metric("auc", auc, True, "chance that a positive scores above a negative"),
    Metric("average_precision", average_precision, True, "area under precision and recall"),
    Metric("log_loss", log_loss, False, "mean negative log-likelihood"),
    Metric("brier", brier, False, "mean squared error of the probability"),
    Metric("ece", expected_calibration_error, False, "calibration error, 15 bins of equal mass"),
    Metric("lift_top_decile", lift_top_decile, True, "outcome of the best tenth over the mean"),
    Metric("normalised_gini", normalised_gini, True, "Gini of the predicted over the true order"),
    Metric("spearman", spearman, True, "rank correlation"),
    Metric("total_error", total_error, False, "error of the total, as a share of it"),
    Metric("decile_mape", decile_mape, False, "mean error share of ten bins by prediction"),
    Metric("mae", mean_absolute_error, False, "mean absolute error"),
)
METRICS = {metric.name: metric for metric in _TABLE}
METRICS_OF_UNIT = {
    "probability": ("auc", "average_precision", "log_loss", "brier", "ece", "lift_top_decile"),
    "amount": (
        "normalised_gini",
        "spearman",
        "total_error",
        "decile_mape",
        "mae",
        "lift_top_decile",
    ),
}
