"""Slices: is the score as good for the new as for the old, in every country, on every channel?"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from training.bands import Band, bands_of
from training.metrics import METRICS

MIN_ROWS, MIN_OUTCOMES = 100, 10  # below these a slice is marked as small
_LEVELS = 6  # the most frequent values of a column, the others as one
_NEW, _KNOWN, _OTHERS, _NOT_KNOWN = "new", "known longer", "others", "not known"
_SINCE = ("customer_age_days", "days_since_first_event")  # the first that tells of everybody
_PLACES = {"country": "country", "top_touchpoint": "channel"}
_TELLING = ("country", "region", "channel", "source", "origin", "segment", "plan", "contract")
_MOST_COLUMNS = 4


@dataclass(frozen=True, slots=True)
class Slice:
    """One value of one column; `auc` is None for amounts and where only one outcome occurred."""

    column: str
    value: str
    band: Band
    auc: float | None
    is_small: bool


def sliced(
    y: np.ndarray, score: np.ndarray, unit: str, groups: Mapping[str, np.ndarray]
) -> list[Slice]:
    """Return the slices of outcomes y (n,), score (n,); `groups` maps a column to labels (n,)."""
    found = []
    for column, labels in groups.items():
        for value in pd.Series(labels).value_counts().index:
            rows = np.flatnonzero(labels == value)
            found.append(_slice(column, str(value), y, score, unit, rows))
    return found


def groups_of_shop(X: pd.DataFrame, horizon_days: int) -> dict[str, np.ndarray]:
    """Return labels of each row of features: new or not, country, channel; where there are two."""
    groups = {}
    since = next((c for c in _SINCE if c in X and X[c].notna().all()), None)
    if since is not None:
        is_new = (X[since] <= horizon_days).to_numpy()
        groups[f"first seen ({horizon_days} days)"] = np.where(is_new, _NEW, _KNOWN)
    groups |= {name: _labels(X[column]) for column, name in _PLACES.items() if column in X}
    return {name: labels for name, labels in groups.items() if len(np.unique(labels)) > 1}


def groups_of_table(X: pd.DataFrame) -> dict[str, np.ndarray]:
    """Return labels of each row of a plain table: columns of few words, telling names first."""
    words = [c for c in X if _is_words(X[c]) and 2 <= X[c].nunique() <= _LEVELS]
    order = sorted(words, key=lambda c: not any(word in str(c).lower() for word in _TELLING))
    return {str(c): _labels(X[c]) for c in order[:_MOST_COLUMNS]}


def _is_words(column: pd.Series) -> bool:
    kinds = pd.api.types
    return not (kinds.is_numeric_dtype(column) or kinds.is_datetime64_any_dtype(column))


def _labels(column: pd.Series) -> np.ndarray:
    """Return the values of a column as words, the rare ones as one: (n,)."""
    words = column.astype(object).where(column.notna(), _NOT_KNOWN).astype(str)
    kept = set(words.value_counts().index[:_LEVELS])
    return np.asarray(words.where(words.isin(kept), _OTHERS), dtype=np.str_)


def _slice(
    column: str, value: str, y: np.ndarray, score: np.ndarray, unit: str, rows: np.ndarray
) -> Slice:
    (band,), known = bands_of(y, score, unit, [rows]), y[rows]
    happened = int((known > 0).sum())
    rarer = min(happened, len(rows) - happened) if unit == "probability" else happened
    both = unit == "probability" and 0 < happened < len(rows)
    auc = METRICS["auc"].of(known, score[rows]) if both else None
    return Slice(column, value, band, auc, len(rows) < MIN_ROWS or rarer < MIN_OUTCOMES)
