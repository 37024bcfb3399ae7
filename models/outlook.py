"""An outlook: what the purchase process foretells from a given day on, and the season's level."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import brentq

from models.purchase_forecast import PurchaseForecast

_SMALLEST, _LEAST = 1e-4, 1e-3  # of a probability, and of an amount of money, before the link
_WIDEST = 15.0


@dataclass(frozen=True, slots=True)
class Outlook:
    """A forecast and the level to add to it on the scale of the link, the same for everybody."""

    forecast: PurchaseForecast
    level: float | None = None  # log factor of amounts, log-odds of silence; None: not known
    reason: str = "nothing is known of the season"

    def to_plain(self) -> dict[str, Any]:
        """Return the outlook as plain JSON values."""
        return {
            "forecast": self.forecast.to_plain(),
            "level": self.level,
            "reason": self.reason,
        }

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> "Outlook":
        """Rebuild from `to_plain`."""
        forecast = PurchaseForecast.from_plain(plain["forecast"])
        return cls(forecast, plain["level"], plain["reason"])


def on_link(gives: str, expected: np.ndarray) -> np.ndarray:
    """Return an amount as its logarithm, a probability as its log-odds."""
    if gives == "silence":
        p = np.clip(expected, _SMALLEST, 1 - _SMALLEST)
        return np.asarray(np.log(p) - np.log1p(-p))
    return np.asarray(np.log(np.maximum(expected, _LEAST)))


def levelled(gives: str, expected: np.ndarray, level: np.ndarray | float) -> np.ndarray:
    """Return the expectations moved by `level` on the scale of the link."""
    moved = on_link(gives, expected) + level
    if gives == "silence":
        return np.asarray(np.exp(-np.logaddexp(0.0, -moved)))
    return np.asarray(np.exp(moved))


def level_of(gives: str, expected: np.ndarray, outcome: np.ndarray) -> float:
    """Return the level at which the expectations have the total of the outcomes."""
    if gives != "silence":
        return float(np.log(max(outcome.sum(), _LEAST) / max(expected.sum(), _LEAST)))
    return level_for(gives, expected, float(outcome.mean()))


def level_for(gives: str, expected: np.ndarray, mean: float) -> float:
    """Return the level at which the expectations have this mean."""
    if gives != "silence":
        return level_of(gives, expected, np.full(len(expected), mean))
    wanted = float(np.clip(mean, _SMALLEST, 1 - _SMALLEST))

    def gap(level: float) -> float:
        return float(levelled(gives, expected, level).mean()) - wanted

    return float(brentq(gap, -_WIDEST, _WIDEST))
