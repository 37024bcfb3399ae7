"""A calibrated scorer is any scorer of probabilities with a calibrator learned on held-out rows."""

import copy
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd

from models.calibration import Calibrator
from models.calibrator_choice import choose_calibrator, stratified_folds
from models.fitted import require_fitted
from models.manifest import load_model, read_manifest, saving
from models.protocols import Labelled, Scorer
from models.targets import checked_target, checked_weights, require_both_classes


class CalibratedScorer:
    """Fits `scorer`, then the best calibrator for it, never on rows that the scorer learned from.

    With a validation set, the calibrator learns there. Without one, it learns on out-of-fold scores
    of `folds` copies of the scorer, and the scorer itself then learns on all rows.
    """

    KIND: ClassVar[str] = "calibrated"
    scorer_: Scorer
    calibrator_: Calibrator
    reason_: str

    def __init__(self, scorer: Scorer, *, folds: int = 3, seed: int = 0) -> None:
        self.scorer = scorer
        self.folds = folds
        self.seed = seed

    @classmethod
    def of(cls, scorer: Scorer, calibrator: Calibrator, reason: str) -> Self:
        """Put together a fitted scorer and a calibrator that was learned on other rows."""
        calibrated = cls(scorer)
        calibrated.scorer_, calibrated.calibrator_, calibrated.reason_ = scorer, calibrator, reason
        return calibrated

    def fit(
        self,
        X: pd.DataFrame,
        y: np.ndarray,
        *,
        sample_weight: np.ndarray | None = None,
        validation: Labelled | None = None,
    ) -> Self:
        """Learn scorer and calibrator from X (n, columns), y (n,) in {0, 1}."""
        target, weights = checked_target(X, y, "probability"), checked_weights(X, sample_weight)
        require_both_classes(target)
        self.scorer_ = self._copy().fit(
            X, target, sample_weight=sample_weight, validation=validation
        )
        if validation is None:
            scores, known = self._out_of_fold(X, target, weights), target
        else:
            scores, known = (
                self.scorer_.predict(validation[0]),
                checked_target(*validation, "probability"),
            )
        choice = choose_calibrator(
            scores, known, sample_weight=weights if validation is None else None, seed=self.seed
        )
        self.calibrator_, self.reason_ = choice.calibrator, choice.reason
        return self

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Return one calibrated probability per row, (n,) float64."""
        require_fitted(self, "scorer_")
        return self.calibrator_.calibrate(self.scorer_.predict(X))

    def contributions(self, X: pd.DataFrame) -> np.ndarray:
        """Return the inner scorer's contributions, (n, features), before calibration."""
        return np.asarray(self._inner().contributions(X))

    def importance(self) -> dict[str, float]:
        """Return the inner scorer's importance."""
        return dict(self._inner().importance())

    @property
    def features(self) -> tuple[str, ...]:
        """The names of the columns the inner scorer was trained with."""
        return tuple(self._inner().features)

    def save(self, folder: Path) -> None:
        """Write the folders `scorer` and `calibrator` with a manifest over both."""
        require_fitted(self, "scorer_")
        params = {"folds": self.folds, "seed": self.seed}
        with saving(folder, self.KIND, params, getattr(self.scorer_, "features", ())) as draft:
            self.scorer_.save(draft / "scorer")
            self.calibrator_.save(draft / "calibrator")
            (draft / "reason.txt").write_text(self.reason_)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read a saved model with its parts."""
        params = read_manifest(folder, cls.KIND).params
        scorer = load_model(Path(folder) / "scorer")
        calibrated = cls(scorer, **params)
        calibrated.scorer_ = scorer
        calibrated.calibrator_ = load_model(Path(folder) / "calibrator")
        calibrated.reason_ = (Path(folder) / "reason.txt").read_text()
        return calibrated

    def _copy(self) -> Scorer:
        return copy.deepcopy(self.scorer)  # fit leaves the given scorer as it was

    def _inner(self) -> Any:
        require_fitted(self, "scorer_")
        return self.scorer_

    def _out_of_fold(self, X: pd.DataFrame, y: np.ndarray, weights: np.ndarray) -> np.ndarray:
        rarer = int(min(y.sum(), len(y) - y.sum()))
        folds = max(2, min(self.folds, rarer))
        fold = stratified_folds(y, folds, np.random.default_rng(self.seed))
        scores = np.empty(len(y))
        for part in range(folds):
            train, test = fold != part, fold == part
            if len(np.unique(y[train])) < 2:  # one row of the rarer outcome: no fold without it
                scores[test] = y[train].mean()
                continue
            scorer = self._copy().fit(X[train], y[train], sample_weight=weights[train])
            scores[test] = scorer.predict(X[test])
        return scores
