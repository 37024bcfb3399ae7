"""The bootstrap says how far a number could have come out otherwise, by drawing customers anew."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from training.metrics import Metric

RESAMPLES = 500
LEVEL = 0.90  # two-sided, so the lower end is a one-sided test at 5 %
_CELLS = 4_000_000  # resamples times rows held in memory at once


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number with the interval that holds 90 % of its resamples."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.4g} [{self.low:.4g}, {self.high:.4g}]"


@dataclass(frozen=True, slots=True)
class Sample:
    """A test set: outcome (n,), and the customer of each row (n,), who is drawn as a whole."""

    y: np.ndarray
    customers: np.ndarray
    seed: int

    def weights(self, resamples: int = RESAMPLES) -> Iterator[np.ndarray]:
        """Yield blocks of (resamples, n): how often each row was drawn, alike for all metrics."""
        rng = np.random.default_rng(self.seed)
        _, group = np.unique(self.customers, return_inverse=True)
        groups = int(group.max()) + 1
        block = max(1, _CELLS // max(len(group), 1))
        for start in range(0, resamples, block):
            count = min(block, resamples - start)
            drawn = rng.integers(0, groups, (count, groups)) + np.arange(count)[:, None] * groups
            times = np.bincount(drawn.ravel(), minlength=count * groups).reshape(count, groups)
            yield times[:, group].astype(np.float64)

    def estimate(self, metric: Metric, score: np.ndarray, resamples: int = RESAMPLES) -> Estimate:
        """Return the metric with its percentile interval."""
        drawn = [metric.compute(self.y, score, w) for w in self.weights(resamples)]
        return _estimate(metric.of(self.y, score), np.concatenate(drawn))

    def ratio(self, score: np.ndarray, resamples: int = RESAMPLES) -> Estimate:
        """Return the total of the outcomes over that of the scores."""
        drawn = [(w @ self.y) / np.maximum(w @ score, 1e-12) for w in self.weights(resamples)]
        whole = float(self.y.sum()) / max(float(score.sum()), 1e-12)
        return _estimate(whole, np.concatenate(drawn))

    def gain(
        self, metric: Metric, score: np.ndarray, baseline: np.ndarray, resamples: int = RESAMPLES
    ) -> Estimate:
        """Return how much better `score` is than `baseline` on the same draws (above 0)."""
        sign = 1 if metric.higher_is_better else -1
        drawn = [
            sign * (metric.compute(self.y, score, w) - metric.compute(self.y, baseline, w))
            for w in self.weights(resamples)
        ]
        point = sign * (metric.of(self.y, score) - metric.of(self.y, baseline))
        return _estimate(point, np.concatenate(drawn))


def _estimate(value: float, drawn: np.ndarray) -> Estimate:
    low, high = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    # A metric that resampling biases (ECE rises with every tie) still lies within its interval.
    return Estimate(float(value), min(float(low), float(value)), max(float(high), float(value)))
