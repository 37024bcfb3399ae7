"""Boosted trees: the strong default for a score from one row of features per customer."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar, Self

import lightgbm as lgb
import numpy as np
import pandas as pd

from domain.errors import InvalidInput
from models.encoder import FrameEncoder, numbers, require_columns
from models.fitted import require_fitted
from models.manifest import params_of, read_manifest, saving
from models.protocols import Labelled
from models.targets import checked_target, checked_weights, require_both_classes, require_spenders

UNIT_OF = {"binary": "probability", "regression": "number", "tweedie": "amount"}


class GBMScorer:
    """LightGBM behind the Scorer protocol (Ke et al. 2017).

    `objective`: 'binary' gives a probability, 'regression' a mean under squared error, 'tweedie' a
    mean of zeros and heavy-tailed amounts (variance power `tweedie_power`, 1 to 2). With a
    validation set, fit stops after `patience` rounds without gain. `monotone` maps a column to
    1 (score never falls as it rises) or -1. Same seed, same scores, for any `num_threads`. `offset`
    names a column that is no feature: what is known beforehand, on the scale before the link
    (log-odds, log amount); the trees learn only what to add to it.
    """

    KIND: ClassVar[str] = "gbm"
    booster_: lgb.Booster
    encoder_: FrameEncoder

    def __init__(
        self,
        *,
        objective: str = "binary",
        trees: int = 300,
        learning_rate: float = 0.05,
        leaves: int = 31,
        min_leaf: int = 20,
        feature_fraction: float = 0.8,
        row_fraction: float = 0.8,
        regularization: float = 1.0,
        tweedie_power: float = 1.5,
        patience: int = 50,
        max_levels: int = 200,
        monotone: Mapping[str, int] | None = None,
        offset: str | None = None,
        num_threads: int = 1,
        seed: int = 0,
    ) -> None:
        self.objective = objective
        self.trees = trees
        self.learning_rate = learning_rate
        self.leaves = leaves
        self.min_leaf = min_leaf
        self.feature_fraction = feature_fraction
        self.row_fraction = row_fraction
        self.regularization = regularization
        self.tweedie_power = tweedie_power
        self.patience = patience
        self.max_levels = max_levels
        self.monotone = monotone
        self.offset = offset
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
        """Learn from X (n, columns), y (n,); `validation` decides the number of trees."""
        target, weights = self._checked(X, y), checked_weights(X, sample_weight)
        features = X if self.offset is None else X.drop(columns=self.offset, errors="ignore")
        encoder = FrameEncoder(max_levels=self.max_levels).fit(features)
        train = self._dataset(encoder, X, target, weights)
        held_out: list[lgb.Dataset] = []
        callbacks: list[Callable[..., Any]] = []
        if validation is not None:
            held_out = [self._dataset(encoder, *validation, reference=train)]
            callbacks = [lgb.early_stopping(self.patience, verbose=False)]
        booster = lgb.train(
            self._settings(encoder), train, self.trees, valid_sets=held_out, callbacks=callbacks
        )
        best = booster.best_iteration if validation is not None else None
        # Reading back its own text leaves in memory exactly what save writes.
        self.booster_ = lgb.Booster(model_str=booster.model_to_string(num_iteration=best))
        self.encoder_ = encoder
        return self

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Return one score per row, (n,) float64: a probability or an amount by `objective`."""
        known = self._known(X)
        if known is None:
            return self._ask(X)
        raw = self._ask(X, raw_score=True) + known
        if self.objective == "binary":
            return np.asarray(np.exp(-np.logaddexp(0.0, -raw)))
        return np.asarray(np.exp(raw) if self.objective == "tweedie" else raw)

    def contributions(self, X: pd.DataFrame) -> np.ndarray:
        """Return what each feature adds to each score, (n, features), in the order of `features`.

        TreeSHAP values (Lundberg et al. 2020) on the scale before the link: log-odds for 'binary',
        log amount for 'tweedie', the amount itself for 'regression'. With one constant for all
        rows, and the offset where there is one, they add up to the score on that scale.
        """
        width = len(self.features) + 1
        values = self._ask(X, pred_contrib=True).reshape(-1, width)
        return values[:, :-1]  # the last one is the constant

    def importance(self) -> dict[str, float]:
        """Return each feature's share of the total gain, greatest first; shares add up to 1."""
        require_fitted(self, "booster_")
        gain = self.booster_.feature_importance("gain")
        share = gain / gain.sum() if gain.sum() else gain
        order = np.argsort(-share, kind="stable")
        return {self.features[at]: float(share[at]) for at in order}

    @property
    def features(self) -> tuple[str, ...]:
        """The names of the columns the model was trained with."""
        require_fitted(self, "encoder_")
        return self.encoder_.names

    def save(self, folder: Path) -> None:
        """Write `trees.txt` (LightGBM text) and `encoder.json` (levels) with a manifest."""
        require_fitted(self, "booster_")
        with saving(folder, self.KIND, params_of(self), self.features) as draft:
            (draft / "trees.txt").write_text(self.booster_.model_to_string())
            (draft / "encoder.json").write_text(json.dumps(self.encoder_.to_plain()))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read a saved model."""
        scorer = cls(**read_manifest(folder, cls.KIND).params)
        scorer.booster_ = lgb.Booster(model_str=(Path(folder) / "trees.txt").read_text())
        plain = json.loads((Path(folder) / "encoder.json").read_text())
        scorer.encoder_ = FrameEncoder.from_plain(plain)
        return scorer

    def _ask(self, X: pd.DataFrame, **how: Any) -> np.ndarray:
        require_fitted(self, "booster_")
        encoded = self.encoder_.encode(X)
        if not len(encoded):
            return np.empty(0)
        # Threads are always named: LightGBM's default takes every core of a server.
        return np.asarray(self.booster_.predict(encoded, num_threads=self.num_threads, **how))

    def _known(self, X: pd.DataFrame) -> np.ndarray | None:
        if self.offset is None:
            return None
        require_columns(X, [self.offset])
        return np.asarray(np.nan_to_num(numbers(X[self.offset])))

    def _checked(self, X: pd.DataFrame, y: np.ndarray) -> np.ndarray:
        if self.objective not in UNIT_OF:
            raise InvalidInput(
                f"objective {self.objective!r} is unknown; use one of {sorted(UNIT_OF)}"
            )
        target = checked_target(X, y, UNIT_OF[self.objective])
        if self.objective == "binary":
            require_both_classes(target)
        if self.objective == "tweedie":
            require_spenders(target, 1)
        return target

    def _dataset(
        self,
        encoder: FrameEncoder,
        X: pd.DataFrame,
        y: np.ndarray,
        weights: np.ndarray | None = None,
        reference: lgb.Dataset | None = None,
    ) -> lgb.Dataset:
        target = checked_target(X, y, UNIT_OF[self.objective])
        # Columns go in by position: LightGBM refuses names with JSON characters.
        return lgb.Dataset(
            encoder.encode(X),
            target,
            weight=weights,
            init_score=self._known(X),
            reference=reference,
            categorical_feature=encoder.categories,
            params={"verbosity": -1, "num_threads": self.num_threads},
        )

    def _settings(self, encoder: FrameEncoder) -> dict[str, Any]:
        monotone = self.monotone or {}
        unknown = sorted(set(monotone) - set(encoder.names))
        if unknown:
            raise InvalidInput(f"monotone names {unknown}, which are no columns of the frame")
        return {
            "objective": self.objective,
            "tweedie_variance_power": self.tweedie_power,
            "learning_rate": self.learning_rate,
            "num_leaves": self.leaves,
            "min_data_in_leaf": self.min_leaf,
            "feature_fraction": self.feature_fraction,
            "bagging_fraction": self.row_fraction,
            "bagging_freq": 1,
            "lambda_l2": self.regularization,
            "monotone_constraints": [monotone.get(name, 0) for name in encoder.names],
            "seed": self.seed,
            "deterministic": True,
            "force_row_wise": True,
            "num_threads": self.num_threads,
            "verbosity": -1,
        }
