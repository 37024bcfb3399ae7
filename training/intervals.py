"""An interval says how sure a score is: what became of those who were scored alike."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

LEVEL = 0.8
BINS = 20
MIN_PER_BIN = 25


@dataclass(frozen=True, slots=True)
class ScoreIntervals:
    """Per bin of scores: how far below and above the score the bound of the interval lies."""

    unit: str
    edges: tuple[float, ...]  # the inner edges, ascending
    below: tuple[float, ...]
    above: tuple[float, ...]

    def bounds(self, score: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return (low, high), each (n,), around the scores."""
        at = np.searchsorted(np.asarray(self.edges), score, side="right")
        low = np.maximum(score - np.asarray(self.below)[at], 0.0)
        high = score + np.asarray(self.above)[at]
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
    bounds = [(_rate_bounds if unit == "probability" else _amount_bounds)(y[p]) for p in parts]
    middle = [float(np.mean(score[p])) for p in parts]
    return ScoreIntervals(
        unit,
        edges=tuple(float(score[p[0]]) for p in parts[1:]),
        below=tuple(max(m - low, 0.0) for m, (low, _) in zip(middle, bounds, strict=True)),
        above=tuple(max(high - m, 0.0) for m, (_, high) in zip(middle, bounds, strict=True)),
    )


def _rate_bounds(y: np.ndarray) -> tuple[float, float]:
    from scipy.special import betaincinv

    happened, tail = float(y.sum()), (1 - LEVEL) / 2
    a, b = happened + 0.5, len(y) - happened + 0.5
    return float(betaincinv(a, b, tail)), float(betaincinv(a, b, 1 - tail))


def _amount_bounds(y: np.ndarray) -> tuple[float, float]:
    low, high = np.quantile(y, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)
