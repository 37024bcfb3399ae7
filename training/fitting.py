"""Fitting: each candidate learns on the training cut-offs; a later one chooses, not the test."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from domain.errors import NotEnoughData
from models.protocols import Scorer
from training.metrics import METRICS
from training.recipe import Options, ScoreRecipe
from training.rows import Rows
from training.splits import Split


@dataclass(frozen=True, slots=True)
class Fitted:
    """A fitted candidate; `trials` holds the metric of every candidate on the later cut-off."""

    name: str
    scorer: Scorer
    trials: Mapping[str, float]


def fit_best(recipe: ScoreRecipe, rows: Rows, split: Split, options: Options) -> Fitted:
    """Fit all candidates; return the best at `split.calibrate`, without one the first that fits."""
    metric = METRICS[recipe.metric]
    fitted: dict[str, Scorer] = {}
    trials: dict[str, float] = {}
    for name in recipe.candidates:
        try:
            fitted[name] = fit(recipe, name, rows, split, options)
        except NotEnoughData:
            continue
        if split.calibrate is None:
            break
        later = rows.at([split.calibrate])
        value = metric.of(later.y, fitted[name].predict(later.X))
        trials[name] = value if metric.higher_is_better else -value
    if not fitted:
        raise NotEnoughData("no candidate of the recipe could learn from so few outcomes")
    best = max(trials, key=trials.__getitem__) if trials else next(iter(fitted))
    return Fitted(best, fitted[best], trials)


def fit(recipe: ScoreRecipe, name: str, rows: Rows, split: Split, options: Options) -> Scorer:
    """Fit one candidate; the calibration cut-off stops the growth and calibrates."""
    train = rows.at(split.train)
    scorer = recipe.candidates[name](options.for_rows(len(train)))
    if split.calibrate is None:
        return scorer.fit(train.X, train.y)
    later = rows.at([split.calibrate])
    return scorer.fit(train.X, train.y, validation=(later.X, later.y))


def fit_baselines(
    recipe: ScoreRecipe, rows: Rows, split: Split, options: Options
) -> dict[str, Scorer]:
    """Fit each baseline on all rows that the model may have seen."""
    seen = [at for at in split.cutoffs if at != split.test]
    known = rows.at(seen)
    return {n: make(options).fit(known.X, known.y) for n, make in recipe.baselines.items()}


def predictions(scorers: Mapping[str, Scorer], rows: Rows) -> dict[str, np.ndarray]:
    """Return the scores of each scorer for the same rows."""
    return {name: scorer.predict(rows.X) for name, scorer in scorers.items()}
