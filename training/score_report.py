"""The report of a trained score: its sheet, its card, its plots, and what MLflow keeps of it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from training.answers import Answers
from training.card import PLOTS, Card
from training.effects import partial_effects
from training.examination import MODEL, Examination, draw_plots, examine
from training.metrics import METRICS
from training.publishing import Proof, Trained
from training.retake import tested_model
from training.score_training import STAND_IN, TrainedScore, held_out
from training.sheet import Sheet
from training.slices import groups_of_shop
from training.workshop import Workshop


def report(shop: Workshop, trained: TrainedScore) -> Trained:
    """Return everything that publishing writes down."""
    test = trained.evaluation
    seen = _examined(shop, trained)
    return Trained(
        sheet=_sheet(shop, trained),
        card=_card(shop, trained, seen),
        metric=test.metric if test else "",
        metrics=test.metrics if test else {},
        baselines=test.baselines if test else {},
        gains=test.gains if test else {},
        gate=trained.gate,
        rows=len(trained.rows),
        horizon=trained.plan.horizon.reason,
        params=_params(shop, trained),
        tags=shop.tags(trained.recipe_name, trained.recipe.feature_service)
        | {"label": trained.recipe.label.meaning},
        save=trained.scorer.save,
        draw=lambda folder: _draw(trained, seen, folder),
        proof=_proof(shop, trained),
    )


def _proof(shop: Workshop, trained: TrainedScore) -> Proof | None:
    if trained.evaluation is None or trained.examined is None:
        return None
    rows, split = held_out(trained.plan, trained.rows), trained.plan.split
    about = (trained.recipe.label.meaning, split.horizon_days, str(split.test))

    def answers(score: np.ndarray) -> Answers:
        return Answers.of_scores(trained.recipe.label.unit, rows.y, rows.customers, score, about)

    return Proof(
        answers(trained.evaluation.score),
        trained.examined.save,
        lambda champion: answers(tested_model(shop, champion).predict(rows.X)),
    )


def _sheet(shop: Workshop, trained: TrainedScore) -> Sheet:
    test = trained.evaluation
    return Sheet(
        name=trained.plan.score,
        recipe=trained.recipe_name,
        kind=trained.kind,
        unit=trained.recipe.label.unit,
        horizon_days=trained.plan.horizon.days,
        trained_at=shop.at.isoformat(),
        reliability="low" if trained.doubt else "high",
        reliability_reason=trained.doubt,
        metrics={n: e.value for n, e in test.metrics.items()} if test else {},
        intervals=trained.intervals,
        explained_by=STAND_IN if trained.stand_in else "",
        learned_at=trained.plan.split.forward().cutoffs[-1].isoformat(),
        enough=[check.found for check in trained.checks if check.passed],
    )


def _examined(shop: Workshop, trained: TrainedScore) -> Examination | None:
    """Look at the test from near; partial effects are those of the released model."""
    test, plan = trained.evaluation, trained.plan
    if test is None:
        return None
    X = held_out(plan, trained.rows).X
    return examine(
        trained.recipe.label.unit,
        test.y,
        {MODEL: test.score, **trained.test_baselines},
        groups_of_shop(X, plan.horizon.days),
        partial_effects(trained.scorer, X, _importance(trained), shop.settings.seed),
    )


def _card(shop: Workshop, trained: TrainedScore, seen: Examination | None) -> Card:
    recipe, plan, test = trained.recipe, trained.plan, trained.evaluation
    return Card(
        name=plan.score,
        question=recipe.question,
        about={
            "score": f"{recipe.label.unit}: {recipe.label.meaning}",
            "learned from": recipe.population.meaning,
            "horizon": plan.horizon.reason,
            "model": trained.kind,
            "features": f"{trained.rows.X.shape[1]} of the service {recipe.feature_service}",
            "rows": f"{len(trained.rows)} (a customer counts once per cut-off)",
            "trained at": f"{shop.at:%Y-%m-%d %H:%M} UTC, seed {shop.settings.seed}",
            "reliability": f"low: {trained.doubt}" if trained.doubt else "high",
        },
        window=shop.window,
        split=f"{plan.split.describe()}; the released model: {plan.split.forward().describe()}",
        metrics=test.metrics if test else {},
        baselines=test.baselines if test else {},
        trials=trained.trials,
        examination=seen,
        checks=trained.checks,
        importance=_importance(trained),
        limits=_limits(trained),
    )


def _limits(trained: TrainedScore) -> list[str]:
    recipe = trained.recipe
    limits = [
        "It tells what will likely happen, not what an action would change.",
        "The released model learned from one more window than the one that was tested.",
        "The calibration cut-off also decided the number of trees and the candidate.",
    ]
    if recipe.population.beyond:
        limits.append(f"Low reliability for customers {recipe.population.beyond}.")
    if trained.doubt:
        limits.insert(0, f"{trained.doubt[0].upper()}{trained.doubt[1:]}.")
    return limits


def _importance(trained: TrainedScore) -> Mapping[str, float]:
    for source in (trained.scorer, trained.stand_in):
        if source is not None and hasattr(source, "importance"):
            found: Mapping[str, float] = source.importance()
            return {name: share for name, share in found.items() if share > 0}
    return {}


def _params(shop: Workshop, trained: TrainedScore) -> dict[str, Any]:
    recipe, plan = trained.recipe, trained.plan
    return {
        "recipe": trained.recipe_name,
        "candidate": trained.kind,
        "horizon_days": plan.horizon.days,
        "horizon_reason": plan.horizon.reason,
        "label_days": plan.split.horizon_days,
        "split": plan.split.describe(),
        "release_split": plan.split.forward().describe(),
        "metric": recipe.metric,
        "metric_higher_is_better": METRICS[recipe.metric].higher_is_better,
        "feature_service": recipe.feature_service,
        "features": ",".join(trained.rows.X.columns),
        "rows": len(trained.rows),
        "tuned": recipe.tuned,
        "seed": shop.settings.seed,
        "candidates": ",".join(f"{n}={v:.4g}" for n, v in trained.trials.items()),
    }


def _draw(trained: TrainedScore, seen: Examination | None, folder: Path) -> None:
    if trained.stand_in is not None:
        trained.stand_in.save(folder / STAND_IN)
    draw_plots(folder / PLOTS, seen, _importance(trained))
