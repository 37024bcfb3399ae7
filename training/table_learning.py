"""How a plain table is learned: steady and supple members, their best mix, one calibrator."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from models.average import AverageScorer, mean_of_odds
from models.calibrated import CalibratedScorer
from models.calibrator_choice import choose_calibrator, stratified_folds
from models.gbm import GBMScorer
from models.logistic import LogisticScorer
from models.protocols import Scorer
from training.metrics import METRICS
from training.recipe import Options

MIXES: Mapping[str, tuple[str, ...]] = {  # simple ones first: a later one must be better
    "lines": ("lines",),
    "small_trees": ("small",),
    "small_trees_and_lines": ("small", "lines"),
    "trees": ("large", "small"),
    "trees_and_lines": ("large", "small", "lines"),
}
INNER_FOLDS = 4


@dataclass(frozen=True, slots=True)
class Learned:
    """The calibrated winner and the cross-validated log loss of every mix."""

    name: str
    scorer: CalibratedScorer
    trials: dict[str, float]


def members(rows: int, seed: int, threads: int) -> dict[str, Scorer]:
    """Return the scorers that may be mixed, sized for `rows` training rows."""
    leaf = max(10, min(100, rows // 300))
    trees = min(500, 100 + rows // 10)

    def boosted(leaves: int, learning_rate: float) -> GBMScorer:
        return GBMScorer(
            trees=trees,
            leaves=leaves,
            learning_rate=learning_rate,
            min_leaf=leaf,
            feature_fraction=0.3,
            row_fraction=0.7,
            regularization=10.0,
            num_threads=Options(seed, threads).for_rows(rows).threads,
            seed=seed,
        )

    return {"small": boosted(4, 0.035), "large": boosted(24, 0.04), "lines": LogisticScorer()}


def learn(X: pd.DataFrame, y: np.ndarray, who: np.ndarray, seed: int, threads: int) -> Learned:
    """Return the best mix for X (n, columns), y (n,), fitted on all rows.

    Members and calibrator are judged on rows that they did not learn from; the rows of one person
    (`who`, (n,)) are never on both sides.
    """
    outside = _out_of_fold(X, y, who, seed, threads)
    mixed = {name: mean_of_odds([outside[m] for m in names]) for name, names in MIXES.items()}
    trials = {name: METRICS["log_loss"].of(y, p) for name, p in mixed.items()}
    best = min(trials, key=trials.__getitem__)
    choice = choose_calibrator(mixed[best], y, seed=seed)
    made = members(len(X), seed, threads)
    scorer = AverageScorer({name: made[name] for name in MIXES[best]}).fit(X, y)
    return Learned(best, CalibratedScorer.of(scorer, choice.calibrator, choice.reason), trials)


def folds_of(y: np.ndarray, who: np.ndarray, folds: int, seed: int) -> np.ndarray:
    """Return a fold per row, (n,) int, stratified by outcome; one person is in one fold."""
    people, group = np.unique(who, return_inverse=True)
    seen = np.zeros(len(people))
    np.maximum.at(seen, group, y)  # a person counts as positive where any row does
    return stratified_folds(seen, folds, np.random.default_rng(seed))[group]


def _out_of_fold(
    X: pd.DataFrame, y: np.ndarray, who: np.ndarray, seed: int, threads: int
) -> dict[str, np.ndarray]:
    fold = folds_of(y, who, INNER_FOLDS, seed)
    outside: dict[str, np.ndarray] = {}
    for part in range(INNER_FOLDS):
        train = fold != part
        for name, member in members(int(train.sum()), seed, threads).items():
            fitted = member.fit(X[train], y[train])
            outside.setdefault(name, np.empty(len(y)))[~train] = fitted.predict(X[~train])
    return outside
