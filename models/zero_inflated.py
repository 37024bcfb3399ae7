"""Spend is zero for most and skewed for the rest: what a mixture of the two says of a customer."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from domain.errors import InvalidInput


class Interval(NamedTuple):
    """Bounds of spend per row, each (n,) float64."""

    low: np.ndarray
    high: np.ndarray


def mixture_interval(
    p: np.ndarray, level: float, spend_quantile: Callable[[np.ndarray], np.ndarray]
) -> Interval:
    """Return the central interval that holds the spend with probability `level`.

    p (n,) is the chance of any spend; `spend_quantile` maps probabilities (n,) to the quantile of
    the spend given that there is some. With 1 - p of the mass at zero, the quantile of the mixture
    at u is 0 for u <= 1 - p, else the quantile of the spend at (u - (1 - p)) / p.
    """
    if not 0 < level < 1:
        raise InvalidInput(
            f"level {level!r} is no probability; give a number between 0 and 1, as 0.8"
        )
    low, high = (_quantile(p, u, spend_quantile) for u in ((1 - level) / 2, (1 + level) / 2))
    return Interval(low, high)


def _quantile(
    p: np.ndarray, u: float, spend_quantile: Callable[[np.ndarray], np.ndarray]
) -> np.ndarray:
    spends = u > 1 - p
    inner = np.where(spends, (u - (1 - p)) / np.maximum(p, 1e-12), 0.5)
    return np.where(spends, spend_quantile(np.clip(inner, 1e-9, 1 - 1e-9)), 0.0)
