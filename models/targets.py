"""A target is checked once, at the door of fit: its length, its values, its weights."""

import numpy as np
import pandas as pd

from domain.errors import InvalidInput, NotEnoughData

UNITS = ("probability", "amount", "number")  # in {0, 1}; at or above 0; any finite value


def checked_target(X: pd.DataFrame, y: np.ndarray, unit: str) -> np.ndarray:
    """Return y as (n,) float64, or say what does not fit: length, NaN, or values beyond `unit`."""
    target = np.asarray(y, dtype=np.float64)
    if target.ndim != 1 or len(target) != len(X):
        raise InvalidInput(
            f"target: shape {target.shape} for {len(X)} rows; give one value per row"
        )
    if not len(target):
        raise NotEnoughData("target: no rows to learn from; widen the time window")
    if not np.all(np.isfinite(target)):
        raise InvalidInput(
            "target: holds NaN or infinite values; drop rows with an unknown outcome"
        )
    if unit == "probability" and not np.all(np.isin(target, (0.0, 1.0))):
        raise InvalidInput(
            "target: a probability is learned from 0 and 1 only; turn the label into these"
        )
    if unit == "amount" and target.min() < 0:
        raise InvalidInput(
            f"target: an amount below 0 ({target.min():g}); clip refunds to 0 or take gross spend"
        )
    return target


def checked_weights(X: pd.DataFrame, sample_weight: np.ndarray | None) -> np.ndarray:
    """Return the weights as (n,) float64, ones where none are given."""
    if sample_weight is None:
        return np.ones(len(X))
    weights = np.asarray(sample_weight, dtype=np.float64)
    if weights.shape != (len(X),) or not np.all(np.isfinite(weights) & (weights >= 0)):
        raise InvalidInput("sample_weight: give one finite number at or above 0 per row")
    if not weights.sum():
        raise NotEnoughData("sample_weight: all weights are 0; at least one row must count")
    return weights


def require_both_classes(target: np.ndarray) -> None:
    """Raise NotEnoughData unless a 0/1 target has both values."""
    if target.min() == target.max():
        raise NotEnoughData(
            f"target: all {len(target)} rows have the outcome {target[0]:g}; "
            "widen the time window or change the horizon so that both outcomes occur"
        )


def require_spenders(target: np.ndarray, minimum: int) -> None:
    """Raise NotEnoughData unless at least `minimum` rows have an amount above 0."""
    spenders = int((target > 0).sum())
    if spenders < minimum:
        raise NotEnoughData(
            f"target: {spenders} rows with spend above 0, {minimum} are needed; widen the horizon"
        )
