"""Bands: those who were tested, in equal parts by their score: what was said, and what came."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from training.bootstrap import LEVEL
from training.intervals import rate_bounds

DECILES = 10
GRADES = ("A", "B", "C", "D", "E")  # fifths, best first, as `domain.scores.tier_of` names them
_Z = 1.645  # two-sided 90 %
_LEAST = 1e-12


@dataclass(frozen=True, slots=True)
class Band:
    """One part; `low` to `high` holds its mean outcome with 90 %."""

    customers: int
    predicted: float  # mean score
    observed: float  # mean outcome
    low: float
    high: float
    lift: float  # mean outcome over that of all
    found: float  # share of the whole outcome in this band and the better ones

    @property
    def is_off(self) -> bool:
        """Whether what was said lies outside the interval of what came."""
        return not self.low <= self.predicted <= self.high


def banded(y: np.ndarray, score: np.ndarray, unit: str, count: int = DECILES) -> list[Band]:
    """Return `count` bands of equal mass, best score first, of outcomes y (n,), score (n,)."""
    order = np.argsort(-score, kind="stable")
    return bands_of(y, score, unit, np.array_split(order, max(1, min(count, len(order)))))


def bands_of(
    y: np.ndarray, score: np.ndarray, unit: str, parts: Sequence[np.ndarray]
) -> list[Band]:
    """Return one band for each of these parts, given as the positions of their rows."""
    whole, total, found = max(float(y.mean()), _LEAST), max(float(y.sum()), _LEAST), 0.0
    bands = []
    for rows in parts:
        observed = float(y[rows].mean())
        found += float(y[rows].sum()) / total
        low, high = rate_bounds(y[rows], LEVEL) if unit == "probability" else _mean_bounds(y[rows])
        bands.append(
            Band(
                customers=len(rows),
                predicted=float(score[rows].mean()),
                observed=observed,
                low=min(low, observed),
                high=max(high, observed),
                lift=observed / whole,
                found=found,
            )
        )
    return bands


def _mean_bounds(y: np.ndarray) -> tuple[float, float]:
    """Return the interval of a mean of amounts, even on the log scale as they are heavy-tailed."""
    mean = float(y.mean())
    if len(y) < 2 or mean <= 0:
        return mean, mean
    share = _Z * float(y.std(ddof=1)) / len(y) ** 0.5 / mean
    return float(mean * np.exp(-share)), float(mean * np.exp(share))
