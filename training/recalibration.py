"""Recalibration: a champion whose size went off learns it anew from scores that have matured."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from domain.errors import NotEnoughData
from models.calibrated import CalibratedScorer
from models.calibration import PlattCalibrator
from models.calibrator_choice import stratified_folds
from models.manifest import load_model
from training.answers import Answers
from training.bootstrap import Sample
from training.card import Card
from training.champions import ScoreChampion
from training.checks import MIN_OUTCOMES, RELIABLE_OUTCOMES
from training.gates import decide
from training.intervals import learn_intervals
from training.matured import Matured
from training.metrics import METRICS, METRICS_OF_UNIT
from training.publishing import Proof, Trained
from training.tracking import Tracker
from training.workshop import Workshop

METRIC, CHAMPION, FOLDS = "log_loss", "champion", 5


def recalibrated(shop: Workshop, champion: ScoreChampion, matured: Matured) -> Trained:
    """Return the champion behind two numbers learned from what came, to be published.

    It is tested by folds on the matured scores beside the champion; the gate asks for a gain that
    holds. NotEnoughData where too few have matured.
    """
    if matured.version != champion.version:
        raise NotEnoughData(
            f"{champion.name}: the scores that matured are of version {matured.version}, released "
            f"is version {champion.version}; wait {champion.sheet.horizon_days} days from its first"
        )
    y, given = matured.y, matured.score
    rarer = int(min(y.sum(), len(y) - y.sum()))
    if len(y) < RELIABLE_OUTCOMES or rarer < MIN_OUTCOMES:
        raise NotEnoughData(
            f"{champion.name}: {len(y)} matured scores with {rarer} of the rarer outcome; to "
            f"recalibrate takes {RELIABLE_OUTCOMES} with {MIN_OUTCOMES}"
        )
    seed = shop.settings.seed
    outside, sample = _out_of_fold(given, y, seed), Sample(y, matured.customers, seed)
    names = METRICS_OF_UNIT[champion.sheet.unit]
    metrics = {name: sample.estimate(METRICS[name], outside) for name in names}
    gains = {CHAMPION: sample.gain(METRICS[METRIC], outside, given)}
    baselines = {CHAMPION: {name: METRICS[name].of(y, given) for name in names}}
    told = f"recalibrated from version {champion.version} on scores of {matured.scored_at:%Y-%m-%d}"
    calibrator = PlattCalibrator().fit(given, y)
    sheet = replace(
        champion.sheet,
        trained_at=shop.at.isoformat(),
        metrics={name: estimate.value for name, estimate in metrics.items()},
        intervals=learn_intervals(champion.sheet.unit, y, outside),
    )
    return Trained(
        sheet=sheet,
        card=Card(
            name=champion.name,
            question=champion.recipe.question,
            about={"model": f"{champion.sheet.kind}, {told}", "customers": f"{len(y):,}"},
            window=shop.window,
            split=f"{FOLDS} folds of the matured scores",
            metrics=metrics,
            baselines=baselines,
            limits=["Only the size of the scores was learned anew; their order is the champion's."],
        ),
        metric=METRIC,
        metrics=metrics,
        baselines=baselines,
        gains=gains,
        gate=decide(METRIC, metrics[METRIC], gains),
        rows=len(y),
        horizon=f"{champion.sheet.horizon_days} days",
        params={"recipe": champion.sheet.recipe, "recalibrated_from": champion.version},
        tags=shop.tags(champion.sheet.recipe, champion.recipe.feature_service)
        | {"label": champion.recipe.label.meaning},
        save=CalibratedScorer.of(champion.scorer, calibrator, told).save,
        draw=lambda folder: _draw(champion, folder),
        proof=_proof(shop, champion, matured, outside, calibrator),
    )


def _proof(
    shop: Workshop,
    champion: ScoreChampion,
    matured: Matured,
    outside: np.ndarray,
    calibrator: PlattCalibrator,
) -> Proof:
    """Return what the champion's gate asks for: both on the matured scores."""
    label, unit = champion.recipe.label.meaning, champion.sheet.unit
    about = (label, champion.sheet.horizon_days, str(matured.scored_at))

    def answers(score: np.ndarray) -> Answers:
        return Answers.of_scores(unit, matured.y, matured.customers, score, about)

    def save(folder: Path) -> None:
        now = Tracker.open(shop.settings.home).champion(champion.name)
        tested = now.tested if now and now.tested.is_dir() else None
        scorer = load_model(tested) if tested else champion.scorer
        CalibratedScorer.of(scorer, calibrator, "as its champion was tested").save(folder)

    return Proof(answers(outside), save, lambda _: answers(matured.score))


def _draw(champion: ScoreChampion, folder: Path) -> None:
    if champion.sheet.explained_by:
        champion.explainer.save(folder / champion.sheet.explained_by)


def _out_of_fold(given: np.ndarray, y: np.ndarray, seed: int) -> np.ndarray:
    fold, outside = stratified_folds(y, FOLDS, np.random.default_rng(seed)), np.empty(len(y))
    for part in range(FOLDS):
        train = fold != part
        fitted = PlattCalibrator().fit(given[train], y[train])
        outside[~train] = fitted.calibrate(given[~train])
    return outside
