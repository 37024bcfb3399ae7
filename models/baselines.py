"""The scores every model must beat: one column, or one number for all."""

import json
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
import pandas as pd

from domain.errors import InvalidInput
from models.encoder import numbers, require_columns
from models.fitted import require_fitted
from models.manifest import params_of, read_manifest, saving
from models.protocols import Labelled
from models.targets import checked_target, checked_weights


class MeanScorer:
    """Gives every customer the mean outcome."""

    KIND: ClassVar[str] = "mean"
    mean_: float

    def fit(
        self,
        X: pd.DataFrame,
        y: np.ndarray,
        *,
        sample_weight: np.ndarray | None = None,
        validation: Labelled | None = None,
    ) -> Self:
        """Learn the weighted mean of y."""
        target = checked_target(X, y, "number")
        self.mean_ = float(np.average(target, weights=checked_weights(X, sample_weight)))
        return self

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Return the mean for each row, (n,) float64."""
        require_fitted(self, "mean_")
        return np.full(len(X), self.mean_, dtype=np.float64)

    def save(self, folder: Path) -> None:
        """Write `mean.json` with a manifest."""
        require_fitted(self, "mean_")
        with saving(folder, self.KIND, params_of(self)) as draft:
            (draft / "mean.json").write_text(json.dumps(self.mean_))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read a saved model."""
        scorer = cls(**read_manifest(folder, cls.KIND).params)
        scorer.mean_ = json.loads((Path(folder) / "mean.json").read_text())
        return scorer


class ColumnScorer:
    """Scores by one column, such as recency or the spend of the last period, with right totals.

    `sign` is 1 if more of the column means a higher score, else -1 (recency). `by`:

    - 'value': score = scale * column, scale chosen so that the mean score is the mean of y. For
      amounts; needs sign 1 and a column at or above 0.
    - 'rank': score = max(y) * r ** power, r the rank (0 to 1) among the training rows, power chosen
      so that the mean score is the mean of y. It stays between 0 and max(y), so it suits
      probabilities; needs y at or above 0.

    A missing value gets the lowest score.
    """

    KIND: ClassVar[str] = "column"
    sorted_: np.ndarray  # training values times sign, ascending
    scale_: float
    power_: float

    def __init__(self, column: str, *, sign: int = 1, by: str = "rank") -> None:
        self.column = column
        self.sign = sign
        self.by = by

    def fit(
        self,
        X: pd.DataFrame,
        y: np.ndarray,
        *,
        sample_weight: np.ndarray | None = None,
        validation: Labelled | None = None,
    ) -> Self:
        """Learn the order of the column and the scale that gives the right total."""
        self._check_settings()
        require_columns(X, [self.column])
        weights = checked_weights(X, sample_weight)
        target = checked_target(X, y, "number" if self.by == "value" else "amount")
        values = self.sign * numbers(X[self.column])
        self.sorted_ = np.unique(values[np.isfinite(values)])
        mean = float(np.average(target, weights=weights))
        if self.by == "value":
            self.scale_, self.power_ = self._scale_of(values, weights, mean), 1.0
        else:
            self.scale_ = float(target.max())
            self.power_ = _power_for(self._ranks(values), weights, mean / (self.scale_ or 1.0))
        return self

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Return one score per row, (n,) float64."""
        require_fitted(self, "sorted_")
        require_columns(X, [self.column])
        values = self.sign * numbers(X[self.column])
        base = np.nan_to_num(values) if self.by == "value" else self._ranks(values)
        return np.asarray(self.scale_ * base**self.power_, dtype=np.float64)

    def save(self, folder: Path) -> None:
        """Write `column.npz` with a manifest."""
        require_fitted(self, "sorted_")
        with saving(folder, self.KIND, params_of(self), (self.column,)) as draft:
            np.savez(
                draft / "column.npz", sorted=self.sorted_, scale=self.scale_, power=self.power_
            )

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read a saved model."""
        scorer = cls(**read_manifest(folder, cls.KIND).params)
        with np.load(Path(folder) / "column.npz", allow_pickle=False) as arrays:
            scorer.sorted_ = arrays["sorted"]
            scorer.scale_, scorer.power_ = float(arrays["scale"]), float(arrays["power"])
        return scorer

    def _check_settings(self) -> None:
        if self.by not in ("value", "rank") or self.sign not in (1, -1):
            raise InvalidInput(
                f"by={self.by!r}, sign={self.sign!r}: by is 'value' or 'rank', sign is 1 or -1"
            )
        if self.by == "value" and self.sign == -1:
            raise InvalidInput(
                "by='value' needs sign=1; use by='rank' where less means a higher score"
            )

    def _scale_of(self, values: np.ndarray, weights: np.ndarray, mean: float) -> float:
        known = np.nan_to_num(values)
        if known.min() < 0:
            raise InvalidInput(
                f"column {self.column!r} goes below 0 ({known.min():g}); use by='rank'",
                field=self.column,
            )
        average = float(np.average(known, weights=weights))
        return mean / average if average else 0.0

    def _ranks(self, values: np.ndarray) -> np.ndarray:
        """Return the share of distinct training values below or at each value, 0 if missing."""
        known = self.sorted_ if self.sorted_ is not None else np.empty(0)
        ranks = np.searchsorted(known, np.nan_to_num(values, nan=-np.inf), side="right")
        return np.where(np.isfinite(values), ranks / max(len(known), 1), 0.0)


def _power_for(ranks: np.ndarray, weights: np.ndarray, mean_share: float) -> float:
    """Return the power p with mean(ranks ** p) = mean_share; the mean falls as p rises."""
    low, high = 0.0, 1.0
    while np.average(ranks**high, weights=weights) > mean_share and high < 1e6:
        high *= 2
    for _ in range(80):
        middle = (low + high) / 2
        if np.average(ranks**middle, weights=weights) > mean_share:
            low = middle
        else:
            high = middle
    return high
