"""Pooling: a calibrated average learns from all windows, and its size from rows it did not see.

One window of a small shop has too few outcomes to say how steep a calibration curve is; all windows
together have enough, and the newest says how high it lies. Rows of one customer are never on both
sides of a fold.
"""

import numpy as np
import pandas as pd

from domain.errors import InvalidInput
from models.average import AverageScorer, mean_of_odds
from models.calibrated import CalibratedScorer
from models.calibration import SMALLEST, PlattCalibrator
from models.protocols import Scorer
from training.rows import Rows
from training.table_learning import folds_of

FOLDS = 4
FEW_WORDS = 8  # a column with more words is left out unless it helps
CLEARLY = 2.0  # standard errors by which it must


def is_pooled(scorer: object) -> bool:
    """Return whether a scorer is to be learned so: a calibrated average."""
    inside = scorer.scorer if isinstance(scorer, CalibratedScorer) else None
    return isinstance(inside, AverageScorer)


def fit_pooled(scorer: CalibratedScorer, rows: Rows, seed: int) -> CalibratedScorer:
    """Return the average inside `scorer`, fitted on all rows and calibrated on scores out of fold.

    Columns of many words (cities, brands) invite trees to learn single names by heart; they stay
    only if the first member foretells better with them, out of fold.
    """
    average = scorer.scorer
    if not isinstance(average, AverageScorer):
        raise InvalidInput("pooling: give a calibrated average of scorers")
    members = average.members
    fold = folds_of(rows.y, rows.customers, FOLDS, seed)
    X, outside, said = _columns(next(iter(members.values())), rows, fold)
    parts = [outside, *(_out_of_fold(m, X, rows.y, fold) for m in list(members.values())[1:])]
    given = mean_of_odds(parts)
    calibrator = PlattCalibrator().fit(given, rows.y)
    newest = rows.cutoffs == rows.cutoffs.max()
    calibrator.offset_ += _level(calibrator.calibrate(given[newest]), rows.y[newest])
    fitted = AverageScorer(members).fit(X, rows.y)
    reason = f"slope of {len(given)} rows out of fold, level of the {newest.sum()} newest; {said}"
    return CalibratedScorer.of(fitted, calibrator, reason)


def _columns(member: Scorer, rows: Rows, fold: np.ndarray) -> tuple[pd.DataFrame, np.ndarray, str]:
    """Return the columns to learn from, the member's scores out of fold (n,), and the reason."""
    words = [c for c in rows.X if _has_many_words(rows.X[c])]
    X = rows.X.drop(columns=words)
    without = _out_of_fold(member, X, rows.y, fold)
    if not words:
        return X, without, "no column of many words"
    whole = _out_of_fold(member, rows.X, rows.y, fold)
    better = _log_loss(rows.y, without) - _log_loss(rows.y, whole)  # (n,)
    gain, error = float(better.mean()), float(better.std()) / len(better) ** 0.5
    said = f"columns of many words lower the log loss by {gain:.5f} (standard error {error:.5f})"
    return (rows.X, whole, said) if gain > CLEARLY * error else (X, without, said)


def _log_loss(y: np.ndarray, p: np.ndarray) -> np.ndarray:
    kept = np.clip(p, SMALLEST, 1 - SMALLEST)
    return np.asarray(-(y * np.log(kept) + (1 - y) * np.log1p(-kept)))


def _has_many_words(column: pd.Series) -> bool:
    return not pd.api.types.is_numeric_dtype(column.dtype) and column.nunique() > FEW_WORDS


def _out_of_fold(member: Scorer, X: pd.DataFrame, y: np.ndarray, fold: np.ndarray) -> np.ndarray:
    outside = np.empty(len(y))
    for part in range(FOLDS):
        train = fold != part
        outside[~train] = AverageScorer({"one": member}).fit(X[train], y[train]).predict(X[~train])
    return outside


def _level(p: np.ndarray, y: np.ndarray) -> float:
    """Return what to add to the log-odds of p (n,) so that their mean is that of y (n,)."""
    odds = np.log(np.clip(p, SMALLEST, 1 - SMALLEST)) - np.log1p(
        -np.clip(p, SMALLEST, 1 - SMALLEST)
    )
    rate = np.clip(y.mean(), 0.5 / len(y), 1 - 0.5 / len(y))
    low, high = -20.0, 20.0
    for _ in range(60):  # by halves: the mean rises with what is added
        middle = (low + high) / 2
        mean = float(np.mean(np.exp(-np.logaddexp(0.0, -(odds + middle)))))
        low, high = (middle, high) if mean < rate else (low, middle)
    return (low + high) / 2
