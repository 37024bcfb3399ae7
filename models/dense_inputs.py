"""What a network can take in: every feature on one scale, nothing missing, nothing extreme."""

from typing import Self

import numpy as np

from models.encoder import FrameEncoder

LIMIT = 5.0  # standard deviations beyond which a value is cut: one outlier must not rule a layer
SKEWED = 1.0  # sample skewness above which a column at or above 0 enters as log(1 + x)


class DenseInputs:
    """Turns encoded rows (n, features) into network inputs (n, width) float64.

    Numbers: log1p where skewed, then (x - mean) / sd, cut at LIMIT; missing is 0, the mean, with a
    0/1 column of its own where training had gaps. Categories: one 0/1 column per level; missing or
    unknown is all 0. Order: numbers, gap columns, levels.
    """

    numeric_: np.ndarray  # positions of the numbers among the features
    logged_: np.ndarray  # per number: enters as log1p
    mean_: np.ndarray
    sd_: np.ndarray
    gaps_: np.ndarray  # per number: has a column that says "missing"
    categories_: np.ndarray  # positions of the categories
    levels_: np.ndarray  # number of levels of each category

    def fit(self, encoded: np.ndarray, encoder: FrameEncoder) -> Self:
        """Learn scales from encoded training rows (n, features)."""
        columns = encoder.columns_
        self.categories_ = np.array(encoder.categories, dtype=np.int64)
        self.levels_ = np.array(
            [len(columns[at].levels or ()) for at in encoder.categories], np.int64
        )
        self.numeric_ = np.setdiff1d(np.arange(len(columns)), self.categories_)
        values = encoded[:, self.numeric_]
        self.gaps_ = np.isnan(values).any(axis=0)
        self.logged_ = np.array([_is_skewed(column) for column in values.T], dtype=bool)
        values = self._logged(values)
        known = ~np.isnan(values)
        count = np.maximum(known.sum(axis=0), 1)
        self.mean_ = np.where(known, values, 0.0).sum(axis=0) / count
        sd = np.sqrt(np.where(known, (values - self.mean_) ** 2, 0.0).sum(axis=0) / count)
        self.sd_ = np.where(sd > 1e-9, sd, 1.0)
        return self

    def transform(self, encoded: np.ndarray) -> np.ndarray:
        """Return the inputs (n, width) of encoded rows (n, features)."""
        values = encoded[:, self.numeric_]
        scaled = np.clip((self._logged(values) - self.mean_) / self.sd_, -LIMIT, LIMIT)
        gaps = np.isnan(values[:, self.gaps_]).astype(np.float64)
        return np.hstack([np.nan_to_num(scaled), gaps, *self._one_hot(encoded)])

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Return the learned state as named arrays."""
        return {name: np.asarray(getattr(self, f"{name}_")) for name in _STATE}

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray]) -> Self:
        """Rebuild from `to_arrays`."""
        inputs = cls()
        for name in _STATE:
            setattr(inputs, f"{name}_", arrays[name])
        return inputs

    def _logged(self, values: np.ndarray) -> np.ndarray:
        # A value below 0 in a column that never had one counts as 0.
        return np.where(self.logged_, np.log1p(np.maximum(values, 0.0)), values)

    def _one_hot(self, encoded: np.ndarray) -> list[np.ndarray]:
        pairs = zip(self.categories_, self.levels_, strict=True)
        return [(encoded[:, [at]] == np.arange(levels)).astype(np.float64) for at, levels in pairs]


_STATE = ("numeric", "logged", "mean", "sd", "gaps", "categories", "levels")


def _is_skewed(column: np.ndarray) -> bool:
    known = column[~np.isnan(column)]
    if len(known) < 3 or known.min() < 0 or known.std() < 1e-9:
        return False
    centred = (known - known.mean()) / known.std()
    return bool(np.mean(centred**3) > SKEWED)
