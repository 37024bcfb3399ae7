"""Which calibrator? The one with the least cross-validated log loss that the sample can carry."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from models.calibration import (
    SMALLEST,
    Calibrator,
    IdentityCalibrator,
    IsotonicCalibrator,
    PlattCalibrator,
)

ISOTONIC_ROWS = 1000  # below this many rows, or
ISOTONIC_RARER = 100  # this many of the rarer outcome, an isotonic curve follows noise


@dataclass(frozen=True, slots=True)
class CalibratorChoice:
    """The fitted winner, why it won, and the cross-validated log loss of each candidate."""

    calibrator: Calibrator
    reason: str
    log_loss: dict[str, float]


def choose_calibrator(
    p: np.ndarray,
    y: np.ndarray,
    *,
    sample_weight: np.ndarray | None = None,
    folds: int = 5,
    seed: int = 0,
) -> CalibratorChoice:
    """Return the best of identity, Platt and isotonic for scores p (n,) and outcomes y (n,).

    Candidates stand from simple to free, and a freer one must be better. Isotonic takes part only
    with ISOTONIC_ROWS rows and ISOTONIC_RARER of the rarer outcome.
    """
    scores, outcomes = np.asarray(p, dtype=np.float64), np.asarray(y, dtype=np.float64)
    IdentityCalibrator().fit(scores, outcomes, sample_weight=sample_weight)  # refuses bad input
    weights = (
        np.ones(len(scores)) if sample_weight is None else np.asarray(sample_weight, np.float64)
    )
    rarer = int(min(outcomes.sum(), len(outcomes) - outcomes.sum()))
    candidates: list[Callable[[], Calibrator]] = [IdentityCalibrator]
    parts = min(folds, rarer)
    if parts < 2:
        reason = f"identity: only {rarer} of the rarer outcome, too few to learn a correction"
        return CalibratorChoice(IdentityCalibrator(), reason, {})
    candidates.append(PlattCalibrator)
    enough = len(scores) >= ISOTONIC_ROWS and rarer >= ISOTONIC_RARER
    if enough:
        candidates.append(IsotonicCalibrator)
    fold = stratified_folds(outcomes, parts, np.random.default_rng(seed))
    losses = {
        make().KIND: _held_out_loss(make, scores, outcomes, weights, fold) for make in candidates
    }
    best = min(candidates, key=lambda make: losses[make().KIND])  # the first, simplest, wins a tie
    winner = best().fit(scores, outcomes, sample_weight=weights)
    return CalibratorChoice(
        winner, _reason(winner.KIND, losses, enough, len(scores), rarer), losses
    )


def stratified_folds(outcomes: np.ndarray, folds: int, rng: np.random.Generator) -> np.ndarray:
    """Return a fold number 0..folds-1 per row, (n,) int, each outcome spread evenly over them."""
    fold = np.empty(len(outcomes), dtype=np.int64)
    for value in np.unique(outcomes):
        rows = rng.permutation(np.flatnonzero(outcomes == value))
        fold[rows] = np.arange(len(rows)) % folds
    return fold


def _held_out_loss(
    make: Callable[[], Calibrator],
    scores: np.ndarray,
    outcomes: np.ndarray,
    weights: np.ndarray,
    fold: np.ndarray,
) -> float:
    held_out = np.empty(len(scores))
    for part in range(int(fold.max()) + 1):
        train, test = fold != part, fold == part
        fitted = make().fit(scores[train], outcomes[train], sample_weight=weights[train])
        held_out[test] = fitted.calibrate(scores[test])
    kept = np.clip(held_out, SMALLEST, 1 - SMALLEST)
    loss = -(outcomes * np.log(kept) + (1 - outcomes) * np.log1p(-kept))
    return float(np.average(loss, weights=weights))


def _reason(kind: str, losses: dict[str, float], enough: bool, rows: int, rarer: int) -> str:
    figures: Sequence[str] = [f"{name} {loss:.5f}" for name, loss in losses.items()]
    reason = f"{kind}: least cross-validated log loss of {', '.join(figures)}"
    if not enough:
        reason += (
            f"; isotonic left out, {rows} rows with {rarer} of the rarer outcome "
            f"(needs {ISOTONIC_ROWS} and {ISOTONIC_RARER})"
        )
    return reason
