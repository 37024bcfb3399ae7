"""Fitting: each candidate learns on the training cut-offs; a later one chooses, not the test."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from domain.errors import NotEnoughData
from models.calibrated import CalibratedScorer
from models.forecast_boost import ForecastBoostScorer
from models.protocols import Scorer
from training.bootstrap import Sample
from training.metrics import METRICS
from training.pooling import fit_pooled, is_pooled
from training.recipe import Options, ScoreRecipe
from training.rows import Rows
from training.splits import Split

CHOICE_RESAMPLES = 200


@dataclass(frozen=True, slots=True)
class Fitted:
    """A fitted candidate; `trials` holds the metric of every candidate on the later cut-off."""

    name: str
    scorer: Scorer
    trials: Mapping[str, float]


def fit_best(recipe: ScoreRecipe, rows: Rows, split: Split, options: Options) -> Fitted:
    """Fit all candidates; return the best at `split.calibrate`, without one the first that fits.

    The first of the recipe, or a forecast that knows the season, stands unless the best is better
    by more than chance.
    """
    metric = METRICS[recipe.metric]
    until = split.calibrate or split.test
    fitted: dict[str, Scorer] = {}
    trials: dict[str, float] = {}
    scores: dict[str, np.ndarray] = {}
    for name in recipe.candidates:
        try:
            fitted[name] = fit(recipe, name, rows, split, options, until=until)
        except NotEnoughData:
            continue
        if split.calibrate is None:
            break
        later = rows.at([split.calibrate])
        scores[name] = fitted[name].predict(later.X)
        value = metric.of(later.y, scores[name])
        trials[name] = value if metric.higher_is_better else -value
    if not fitted:
        raise NotEnoughData("no candidate of the recipe could learn from so few outcomes")
    best = next(iter(fitted))
    if split.calibrate is not None:
        first = _first(fitted, rows, split)
        best = _clearly_best(recipe, rows.at([split.calibrate]), first, trials, scores, options)
    chosen = fitted[best]
    if until != split.test and (isinstance(chosen, ForecastBoostScorer) or is_pooled(chosen)):
        # what calibrates others teaches it as well
        chosen = fit(recipe, best, rows, split, options, until=split.test)
    return Fitted(best, chosen, trials)


def _first(fitted: Mapping[str, Scorer], rows: Rows, split: Split) -> str:
    """Return the candidate that stands: what others learn of the newest window, a season undoes."""
    stage = rows.stages.get(split.test) if split.test else None
    if stage is not None and stage.outlook.level is not None:
        for name, scorer in fitted.items():
            if isinstance(scorer, ForecastBoostScorer):
                return name
    return next(iter(fitted))


def _clearly_best(
    recipe: ScoreRecipe,
    later: Rows,
    first: str,
    trials: Mapping[str, float],
    scores: Mapping[str, np.ndarray],
    options: Options,
) -> str:
    """Return the best of the trials, or `first` where the best may be better by chance."""
    best = max(trials, key=trials.__getitem__)
    sample = Sample(later.y, later.customers, options.seed)
    gain = sample.gain(METRICS[recipe.metric], scores[best], scores[first], CHOICE_RESAMPLES)
    return best if gain.low > 0 else first


def fit(
    recipe: ScoreRecipe,
    name: str,
    rows: Rows,
    split: Split,
    options: Options,
    *,
    until: datetime | None,
) -> Scorer:
    """Fit one candidate; the calibration cut-off stops the growth and calibrates.

    One that corrects a forecast, or a pooled one, learns from all that was seen by `until` (None:
    the end) instead.
    """
    train = rows.at(split.train)
    scorer = recipe.candidates[name](options.for_rows(len(train)))
    if isinstance(scorer, ForecastBoostScorer):
        return fit_stage(scorer, rows, until)
    if isinstance(scorer, CalibratedScorer) and is_pooled(scorer):
        whole = timedelta(days=split.horizon_days)
        seen = [at for at in split.cutoffs if until is None or at + whole <= until]
        return fit_pooled(scorer, rows.at(seen), options.seed)
    if split.calibrate is None:
        return scorer.fit(train.X, train.y)
    later = rows.at([split.calibrate])
    return scorer.fit(train.X, train.y, validation=(later.X, later.y))


def fit_stage(
    scorer: ForecastBoostScorer, rows: Rows, until: datetime | None
) -> ForecastBoostScorer:
    """Fit on all that was seen by `until` (None: the end), and look ahead from there."""
    stage = rows.stages.get(until or max(rows.stages, default=datetime.min))
    if stage is None:
        raise NotEnoughData("there is no purchase forecast of these customers")
    scorer.days = stage.days
    return scorer.fit(stage.X, stage.y).settle(stage.outlook)


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
