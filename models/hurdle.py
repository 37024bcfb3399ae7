"""A hurdle model asks two questions: will they spend at all, and if so how much?"""

import json
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd

from models.fitted import require_fitted
from models.gbm import GBMScorer
from models.manifest import params_of, read_manifest, saving
from models.protocols import Labelled
from models.targets import checked_target, checked_weights, require_spenders
from models.zero_inflated import Interval, mixture_interval

SPENDERS_NEEDED = 10
RESIDUAL_LEVELS = np.linspace(0.005, 0.995, 199)


class HurdleScorer:
    """Expected spend = p(spend > 0) * E[spend | spend > 0] (Cragg 1971), both by boosted trees.

    The amount is learned as log spend; back from the logarithm it is multiplied by one smearing
    factor. Duan 1983 takes the mean of exp(residual); here it is sum(spend) / sum(exp(predicted
    log spend)) on out-of-fold predictions, which keeps the total right and is not ruled by
    the one greatest residual. The out-of-fold residuals also give the interval.
    """

    KIND: ClassVar[str] = "hurdle"
    occurrence_: GBMScorer | None  # None where every training row spends
    amount_: GBMScorer
    smearing_: float
    residuals_: np.ndarray  # quantiles of log residuals at RESIDUAL_LEVELS

    def __init__(
        self,
        *,
        trees: int = 200,
        learning_rate: float = 0.05,
        leaves: int = 15,
        min_leaf: int = 20,
        max_levels: int = 200,
        folds: int = 3,
        num_threads: int = 1,
        seed: int = 0,
    ) -> None:
        self.trees = trees
        self.learning_rate = learning_rate
        self.leaves = leaves
        self.min_leaf = min_leaf
        self.max_levels = max_levels
        self.folds = folds
        self.num_threads = num_threads
        self.seed = seed

    def fit(
        self,
        X: pd.DataFrame,
        y: np.ndarray,
        *,
        sample_weight: np.ndarray | None = None,
        validation: Labelled | None = None,
    ) -> Self:
        """Learn from X (n, columns) and spend y (n,) at or above 0."""
        target, weights = checked_target(X, y, "amount"), checked_weights(X, sample_weight)
        spends = target > 0
        require_spenders(target, SPENDERS_NEEDED)
        if spends.all():
            self.occurrence_ = None
        else:
            self.occurrence_ = self._part("binary").fit(
                X,
                spends.astype(float),
                sample_weight=weights,
                validation=_occurrence_of(validation),
            )
        rows, logs, counts = X[spends], np.log(target[spends]), weights[spends]
        self.amount_ = self._part("regression").fit(
            rows, logs, sample_weight=counts, validation=_amount_of(validation)
        )
        self._learn_spread(rows, logs, counts)
        return self

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Return the expected spend per row, (n,) float64, in the unit of y."""
        p, log_spend = self._parts(X)
        return np.asarray(p * np.exp(log_spend) * self.smearing_)

    def predict_interval(self, X: pd.DataFrame, level: float = 0.8) -> Interval:
        """Return (low, high), each (n,): the central interval of spend at `level`."""
        p, log_spend = self._parts(X)
        residuals = self.residuals_
        return mixture_interval(
            p, level, lambda u: np.exp(log_spend + np.interp(u, RESIDUAL_LEVELS, residuals))
        )

    def contributions(self, X: pd.DataFrame) -> np.ndarray:
        """Return what each feature adds to log-odds of spending plus log spend, (n, features)."""
        require_fitted(self, "amount_")
        given_spend = self.amount_.contributions(X)
        return (
            given_spend
            if self.occurrence_ is None
            else given_spend + self.occurrence_.contributions(X)
        )

    def importance(self) -> dict[str, float]:
        """Return each feature's share of the gain, mean of both questions, greatest first."""
        parts = [part.importance() for part in self._fitted_parts().values()]
        mean = {name: sum(part[name] for part in parts) / len(parts) for name in self.features}
        return dict(sorted(mean.items(), key=lambda pair: -pair[1]))

    @property
    def features(self) -> tuple[str, ...]:
        """The names of the columns the model was trained with."""
        return self._fitted_parts()["amount"].features

    def save(self, folder: Path) -> None:
        """Write the folders `occurrence` and `amount`, `spread.json`, and a manifest over all."""
        with saving(folder, self.KIND, params_of(self), self.features) as draft:
            for name, part in self._fitted_parts().items():
                part.save(draft / name)
            spread = {"smearing": self.smearing_, "residuals": self.residuals_.tolist()}
            (draft / "spread.json").write_text(json.dumps(spread))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read a saved model with its parts."""
        scorer = cls(**read_manifest(folder, cls.KIND).params)
        scorer.occurrence_ = None
        scorer.amount_ = GBMScorer.load(Path(folder) / "amount")
        if (Path(folder) / "occurrence").is_dir():
            scorer.occurrence_ = GBMScorer.load(Path(folder) / "occurrence")
        spread = json.loads((Path(folder) / "spread.json").read_text())
        scorer.smearing_, scorer.residuals_ = spread["smearing"], np.array(spread["residuals"])
        return scorer

    def _part(self, objective: str) -> GBMScorer:
        return GBMScorer(
            objective=objective,
            trees=self.trees,
            learning_rate=self.learning_rate,
            leaves=self.leaves,
            min_leaf=self.min_leaf,
            max_levels=self.max_levels,
            num_threads=self.num_threads,
            seed=self.seed,
        )

    def _fitted_parts(self) -> dict[str, GBMScorer]:
        require_fitted(self, "amount_")
        parts: dict[str, Any] = {"amount": self.amount_, "occurrence": self.occurrence_}
        return {name: part for name, part in parts.items() if part is not None}

    def _parts(self, X: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        """Return the chance of any spend (n,) and the expected log spend given some (n,)."""
        require_fitted(self, "amount_")
        p = np.ones(len(X)) if self.occurrence_ is None else self.occurrence_.predict(X)
        return p, self.amount_.predict(X)

    def _learn_spread(self, X: pd.DataFrame, logs: np.ndarray, weights: np.ndarray) -> None:
        predicted = self._out_of_fold(X, logs, weights)
        self.smearing_ = float(np.sum(weights * np.exp(logs)) / np.sum(weights * np.exp(predicted)))
        self.residuals_ = np.quantile(logs - predicted, RESIDUAL_LEVELS)

    def _out_of_fold(self, X: pd.DataFrame, logs: np.ndarray, weights: np.ndarray) -> np.ndarray:
        fold = np.random.default_rng(self.seed).permutation(len(logs)) % self.folds
        predicted = np.empty(len(logs))
        for part in range(self.folds):
            train, test = fold != part, fold == part
            fitted = self._part("regression").fit(
                X[train], logs[train], sample_weight=weights[train]
            )
            predicted[test] = fitted.predict(X[test])
        return predicted


def _occurrence_of(
    validation: Labelled | None,
) -> Labelled | None:
    return (
        None
        if validation is None
        else (validation[0], (np.asarray(validation[1]) > 0).astype(float))
    )


def _amount_of(
    validation: Labelled | None,
) -> Labelled | None:
    if validation is None:
        return None
    spends = np.asarray(validation[1]) > 0
    return (
        (validation[0][spends], np.log(np.asarray(validation[1])[spends])) if spends.any() else None
    )
