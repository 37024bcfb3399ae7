"""An interval says how sure a score is: what became of those who were scored alike."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

LEVEL = 0.8
BINS = 20
MIN_PER_BIN = 25
_LEAST = 1e-9  # of an amount to take a share of


@dataclass(frozen=True, slots=True)
class ScoreIntervals:
    """Per bin of scores: how far below and above the score the bound of the interval lies.

    In points of a probability; for an amount as shares of the score, so that who may well spend
    nothing has 0 as the lower bound wherever in the bin the score lies.
    """

    unit: str
    edges: tuple[float, ...]  # the inner edges, ascending
    below: tuple[float, ...]
    above: tuple[float, ...]

    def bounds(self, score: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return (low, high), each (n,), around the scores."""
        at = np.searchsorted(np.asarray(self.edges), score, side="right")
        unit = np.ones(len(score)) if self.unit == "probability" else np.maximum(score, 0.0)
        low = np.maximum(score - np.asarray(self.below)[at] * unit, 0.0)
        high = score + np.asarray(self.above)[at] * unit
        return low, np.minimum(high, 1.0) if self.unit == "probability" else high

    def to_plain(self) -> dict[str, Any]:
        """Return the intervals as plain JSON values."""
        return asdict(self)

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> "ScoreIntervals":
        """Rebuild from `to_plain`."""
        tuples = {name: tuple(plain[name]) for name in ("edges", "below", "above")}
        return cls(plain["unit"], **tuples)


def learn_intervals(unit: str, y: np.ndarray, score: np.ndarray) -> ScoreIntervals:
    """Return 80 % intervals from outcomes y (n,) of customers that were scored (n,) without them.

    A probability: the Jeffreys interval of the rate in its bin. An amount: the outcomes' quantiles.
    """
    order = np.argsort(score, kind="stable")
    parts = np.array_split(order, max(1, min(BINS, len(order) // MIN_PER_BIN)))
    bounds = [(rate_bounds if unit == "probability" else _amount_bounds)(y[p]) for p in parts]
    middle = [float(np.mean(score[p])) for p in parts]
    units = [1.0 if unit == "probability" else max(m, _LEAST) for m in middle]
    found = list(zip(middle, bounds, units, strict=True))
    return ScoreIntervals(
        unit,
        edges=tuple(float(score[p[0]]) for p in parts[1:]),
        below=tuple(max(m - low, 0.0) / unit for m, (low, _), unit in found),
        above=tuple(max(high - m, 0.0) / unit for m, (_, high), unit in found),
    )


def rate_bounds(y: np.ndarray, level: float = LEVEL) -> tuple[float, float]:
    """Return the Jeffreys interval of the rate of outcomes y (n,) in {0, 1}."""
    from scipy.special import betaincinv

    happened, tail = float(y.sum()), (1 - level) / 2
    a, b = happened + 0.5, len(y) - happened + 0.5
    return float(betaincinv(a, b, tail)), float(betaincinv(a, b, 1 - tail))


def _amount_bounds(y: np.ndarray) -> tuple[float, float]:
    low, high = np.quantile(y, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)
