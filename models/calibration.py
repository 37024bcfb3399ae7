"""A calibrator makes a score mean what it says: of those scored 0.2, one in five does it."""

import json
from pathlib import Path
from typing import ClassVar, Protocol, Self

import numpy as np

from domain.errors import InvalidInput, NotEnoughData
from models.fitted import require_fitted
from models.manifest import params_of, read_manifest, saving

SMALLEST = 1e-7  # probabilities are kept this far from 0 and 1 before a logarithm


class Calibrator(Protocol):
    """Maps scores to probabilities: never decreasing, in [0, 1], finite."""

    KIND: ClassVar[str]

    def fit(self, p: np.ndarray, y: np.ndarray, *, sample_weight: np.ndarray | None = None) -> Self:
        """Learn from scores p (n,) in [0, 1] and outcomes y (n,) in {0, 1}."""
        ...

    def calibrate(self, p: np.ndarray) -> np.ndarray:
        """Return the probability for each score, (n,) float64."""
        ...

    def save(self, folder: Path) -> None:
        """Write the calibrator as `folder`."""
        ...


class IdentityCalibrator:
    """Leaves a score as it is: the right choice for a model that is calibrated already."""

    KIND: ClassVar[str] = "identity"

    def fit(self, p: np.ndarray, y: np.ndarray, *, sample_weight: np.ndarray | None = None) -> Self:
        """Learn nothing, but refuse what cannot be calibrated."""
        _checked(p, y, sample_weight)
        return self

    def calibrate(self, p: np.ndarray) -> np.ndarray:
        """Return p, limited to [0, 1]."""
        return np.clip(np.asarray(p, dtype=np.float64), 0.0, 1.0)

    def save(self, folder: Path) -> None:
        """Write a manifest."""
        with saving(folder, self.KIND, {}):
            pass

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read a saved calibrator."""
        read_manifest(folder, cls.KIND)
        return cls()


class PlattCalibrator:
    """Two numbers: p' = sigmoid(slope * logit(p) + offset), slope above 0 so that order is kept.

    Platt 1999, "Probabilistic Outputs for Support Vector Machines", with its smoothed targets
    (N+ + 1) / (N+ + 2) and 1 / (N- + 2), on the log-odds of the score. For small samples.
    """

    KIND: ClassVar[str] = "platt"
    slope_: float
    offset_: float

    def fit(self, p: np.ndarray, y: np.ndarray, *, sample_weight: np.ndarray | None = None) -> Self:
        """Learn slope and offset by maximum likelihood."""
        from scipy.optimize import minimize
        from scipy.special import expit

        scores, outcomes, weights = _checked(p, y, sample_weight)
        x, target = _logit(scores), _smoothed(outcomes, weights)

        def loss(theta: np.ndarray) -> tuple[float, np.ndarray]:
            slope = np.exp(theta[0])
            z = slope * x + theta[1]
            wrong = weights * (expit(z) - target)
            value = np.sum(weights * (np.logaddexp(0.0, z) - target * z))
            return value / weights.sum(), np.array(
                [(wrong * x).sum() * slope, wrong.sum()]
            ) / weights.sum()

        bounds = [(-7.0, 4.0), (-50.0, 50.0)]
        found = minimize(loss, np.zeros(2), jac=True, method="L-BFGS-B", bounds=bounds)
        self.slope_, self.offset_ = float(np.exp(found.x[0])), float(found.x[1])
        return self

    def calibrate(self, p: np.ndarray) -> np.ndarray:
        """Return the probability for each score, (n,) float64."""
        require_fitted(self, "slope_")
        z = self.slope_ * _logit(np.asarray(p, dtype=np.float64)) + self.offset_
        return np.asarray(np.exp(-np.logaddexp(0.0, -z)))  # sigmoid without overflow

    def save(self, folder: Path) -> None:
        """Write `platt.json` with a manifest."""
        require_fitted(self, "slope_")
        with saving(folder, self.KIND, params_of(self)) as draft:
            learned = {"slope": self.slope_, "offset": self.offset_}
            (draft / "platt.json").write_text(json.dumps(learned))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read a saved calibrator."""
        calibrator = cls(**read_manifest(folder, cls.KIND).params)
        learned = json.loads((Path(folder) / "platt.json").read_text())
        calibrator.slope_, calibrator.offset_ = learned["slope"], learned["offset"]
        return calibrator


class IsotonicCalibrator:
    """A rising curve of straight pieces through the observed rates, for larger samples.

    Zadrozny & Elkan 2002, "Transforming Classifier Scores into Accurate Multiclass Probability
    Estimates". Kept within 1 / (n + 2) of 0 and 1, since n rows cannot prove more.
    """

    KIND: ClassVar[str] = "isotonic"
    scores_: np.ndarray  # (knots,) ascending
    rates_: np.ndarray  # (knots,) never falling

    def fit(self, p: np.ndarray, y: np.ndarray, *, sample_weight: np.ndarray | None = None) -> Self:
        """Learn the knots of the curve."""
        from sklearn.isotonic import IsotonicRegression

        scores, outcomes, weights = _checked(p, y, sample_weight)
        curve = IsotonicRegression(out_of_bounds="clip").fit(
            scores, outcomes, sample_weight=weights
        )
        margin = 1.0 / (len(scores) + 2)
        self.scores_ = np.asarray(curve.X_thresholds_, dtype=np.float64)
        self.rates_ = np.clip(np.asarray(curve.y_thresholds_, dtype=np.float64), margin, 1 - margin)
        return self

    def calibrate(self, p: np.ndarray) -> np.ndarray:
        """Return the probability for each score, (n,) float64."""
        require_fitted(self, "scores_")
        rates = np.interp(np.asarray(p, dtype=np.float64), self.scores_, self.rates_)
        return np.asarray(rates)

    def save(self, folder: Path) -> None:
        """Write `curve.npz` with a manifest."""
        require_fitted(self, "scores_")
        with saving(folder, self.KIND, params_of(self)) as draft:
            np.savez(draft / "curve.npz", scores=self.scores_, rates=self.rates_)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read a saved calibrator."""
        calibrator = cls(**read_manifest(folder, cls.KIND).params)
        with np.load(Path(folder) / "curve.npz", allow_pickle=False) as arrays:
            calibrator.scores_, calibrator.rates_ = arrays["scores"], arrays["rates"]
        return calibrator


def _checked(
    p: np.ndarray, y: np.ndarray, sample_weight: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    scores, outcomes = np.asarray(p, dtype=np.float64), np.asarray(y, dtype=np.float64)
    weights = (
        np.ones(len(scores)) if sample_weight is None else np.asarray(sample_weight, np.float64)
    )
    if scores.ndim != 1 or scores.shape != outcomes.shape or scores.shape != weights.shape:
        raise InvalidInput(
            f"calibration: {scores.shape} scores, {outcomes.shape} outcomes, "
            f"{weights.shape} weights; give one of each per row"
        )
    if not np.all(np.isfinite(scores)) or not np.all(np.isin(outcomes, (0.0, 1.0))):
        raise InvalidInput("calibration: scores must be finite and outcomes 0 or 1")
    if len(scores) < 2 or outcomes.min() == outcomes.max():
        raise NotEnoughData("calibration: both outcomes must occur; hold out more rows")
    return scores, outcomes, weights


def _logit(p: np.ndarray) -> np.ndarray:
    kept = np.clip(p, SMALLEST, 1 - SMALLEST)
    return np.asarray(np.log(kept) - np.log1p(-kept))


def _smoothed(outcomes: np.ndarray, weights: np.ndarray) -> np.ndarray:
    happened = float(weights[outcomes == 1].sum())
    did_not = float(weights[outcomes == 0].sum())
    return np.where(outcomes == 1.0, (happened + 1) / (happened + 2), 1 / (did_not + 2))
