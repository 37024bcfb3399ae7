"""Logistic regression with bent lines: the steady half of a score from a plain table."""

import json
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
import pandas as pd

from models.dense_inputs import DenseInputs
from models.encoder import FrameEncoder
from models.fitted import require_fitted
from models.manifest import params_of, read_manifest, saving
from models.protocols import Labelled
from models.targets import checked_target, checked_weights, require_both_classes


class LogisticScorer:
    """A probability from a weighted sum with an L2 penalty; numbers may bend at their quantiles.

    Each number enters as itself and as max(0, x - knot) at `knots` inner quantiles of the training
    rows (a linear spline; Hastie, Tibshirani & Friedman 2009, section 5.2.1), each category as one
    column per level. `strength` is the inverse of the penalty: smaller is calmer.
    """

    KIND: ClassVar[str] = "logistic"
    encoder_: FrameEncoder
    inputs_: DenseInputs
    knots_: np.ndarray  # (numbers, knots) in scaled units, NaN where a number has fewer
    weights_: np.ndarray  # (width + bends,)
    offset_: float
    centre_: np.ndarray  # (width + bends,) mean of the training rows

    def __init__(self, *, strength: float = 0.3, knots: int = 4, max_levels: int = 100) -> None:
        self.strength = strength
        self.knots = knots
        self.max_levels = max_levels

    def fit(
        self,
        X: pd.DataFrame,
        y: np.ndarray,
        *,
        sample_weight: np.ndarray | None = None,
        validation: Labelled | None = None,
    ) -> Self:
        """Learn from X (n, columns), y (n,) in {0, 1}; a validation set changes nothing."""
        from sklearn.linear_model import LogisticRegression

        target, weights = checked_target(X, y, "probability"), checked_weights(X, sample_weight)
        require_both_classes(target)
        encoder = FrameEncoder(max_levels=self.max_levels).fit(X)
        encoded = encoder.encode(X)
        self.inputs_ = DenseInputs().fit(encoded, encoder)
        self.encoder_ = encoder
        plain = self.inputs_.transform(encoded)
        self.knots_ = self._learn_knots(plain[:, : len(self.inputs_.numeric_)])
        model = LogisticRegression(C=self.strength, max_iter=1_000)
        bent = self._bent(plain)
        model.fit(bent, target, sample_weight=weights)
        self.centre_ = bent.mean(axis=0)
        self.weights_, self.offset_ = model.coef_[0].astype(np.float64), float(model.intercept_[0])
        return self

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Return one probability per row, (n,) float64."""
        require_fitted(self, "weights_")
        if not len(X):
            return np.empty(0)
        plain = self.inputs_.transform(self.encoder_.encode(X))
        # Summed row by row, so that a batch equals single calls to the last digit.
        z = (self._bent(plain) * self.weights_).sum(axis=1) + self.offset_
        return np.asarray(np.exp(-np.logaddexp(0.0, -z)))

    def contributions(self, X: pd.DataFrame) -> np.ndarray:
        """Return what each feature adds to the log-odds beyond its mean, (n, features)."""
        require_fitted(self, "weights_")
        plain = self.inputs_.transform(self.encoder_.encode(X))
        added = (self._bent(plain) - self.centre_) * self.weights_
        found = np.zeros((len(X), len(self.features)))
        np.add.at(found.T, self._sources(), added.T)
        return found

    @property
    def features(self) -> tuple[str, ...]:
        """The names of the columns the model was trained with."""
        require_fitted(self, "encoder_")
        return self.encoder_.names

    def save(self, folder: Path) -> None:
        """Write `logistic.npz` and `encoder.json` with a manifest."""
        require_fitted(self, "weights_")
        with saving(folder, self.KIND, params_of(self), self.features) as draft:
            learned = {
                "knots": self.knots_,
                "weights": self.weights_,
                "offset": self.offset_,
                "centre": self.centre_,
            }
            arrays = {
                **{f"inputs_{name}": array for name, array in self.inputs_.to_arrays().items()},
                **{name: np.asarray(value) for name, value in learned.items()},
            }
            np.savez(draft / "logistic.npz", **arrays)  # type: ignore[arg-type]
            (draft / "encoder.json").write_text(json.dumps(self.encoder_.to_plain()))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read a saved model."""
        scorer = cls(**read_manifest(folder, cls.KIND).params)
        plain = json.loads((Path(folder) / "encoder.json").read_text())
        scorer.encoder_ = FrameEncoder.from_plain(plain)
        with np.load(Path(folder) / "logistic.npz", allow_pickle=False) as arrays:
            own = {n.removeprefix("inputs_"): arrays[n] for n in arrays if n.startswith("inputs_")}
            scorer.inputs_ = DenseInputs.from_arrays(own)
            scorer.knots_, scorer.weights_ = arrays["knots"], arrays["weights"]
            scorer.offset_, scorer.centre_ = float(arrays["offset"]), arrays["centre"]
        return scorer

    def _learn_knots(self, numbers: np.ndarray) -> np.ndarray:
        """Return the inner quantiles of each number, (numbers, knots); NaN for a repeated one."""
        shares = np.linspace(0, 1, self.knots + 2)[1:-1]
        found = np.full((numbers.shape[1], self.knots), np.nan)
        for at, column in enumerate(numbers.T):
            inner = np.unique(np.quantile(column, shares))
            inner = inner[inner < column.max()]  # a bend at the end bends nothing
            found[at, : len(inner)] = inner
        return found

    def _sources(self) -> np.ndarray:
        """Return the position of the feature that each input comes from, (width + bends,)."""
        inputs = self.inputs_
        bends = np.nonzero(~np.isnan(self.knots_))[0]
        return np.concatenate(
            [
                inputs.numeric_,
                inputs.numeric_[inputs.gaps_],
                np.repeat(inputs.categories_, inputs.levels_),
                inputs.numeric_[bends],
            ]
        )

    def _bent(self, plain: np.ndarray) -> np.ndarray:
        """Return the inputs (n, width) with the bends of the numbers behind them."""
        numbers = plain[:, : len(self.knots_), None]  # (n, numbers, 1)
        bends = np.maximum(numbers - self.knots_, 0.0)  # (n, numbers, knots)
        used = ~np.isnan(self.knots_)
        return np.hstack([plain, bends[:, used]])
