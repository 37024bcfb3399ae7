"""How a score is learned: rows, candidates, test, gate, and a last fit on everything."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from models.gbm import GBMScorer
from models.protocols import Scorer
from training.checks import Check, history_check, outcome_checks
from training.fitting import Fitted, fit, fit_baselines, fit_best, predictions
from training.floor import fit_floor, known_outcomes, too_few
from training.foresight import foresighted
from training.gates import Gate, leaking, untested
from training.intervals import ScoreIntervals, learn_intervals
from training.recipe import Options, ScoreRecipe
from training.rows import Rows, labelled_rows
from training.score_plan import ScorePlan, growth, plan_score
from training.score_test import Evaluation, evaluate_scores
from training.stages import with_stages
from training.workshop import Workshop

STAND_IN = "explainer"  # folder of the stand-in, beside the model


@dataclass(frozen=True, slots=True, eq=False)
class TrainedScore:
    """A score as learned; `evaluation` is None when there was no test."""

    recipe_name: str
    recipe: ScoreRecipe
    plan: ScorePlan
    rows: Rows
    kind: str
    scorer: Scorer
    stand_in: GBMScorer | None  # explains a scorer that cannot explain itself
    evaluation: Evaluation | None
    test_baselines: Mapping[str, np.ndarray]
    trials: Mapping[str, float]
    intervals: ScoreIntervals
    gate: Gate
    doubt: str  # why reliability is low, '' when it is high
    checks: tuple[Check, ...]  # of what a reliable score needs of the data
    examined: Scorer | None = None  # the model as it was tested: it never saw the test window


@dataclass(frozen=True, slots=True, eq=False)
class Chosen:
    """A candidate chosen and tested, before the last fit; `evaluation` is None without a test."""

    plan: ScorePlan
    rows: Rows
    best: Fitted
    baselines: Mapping[str, np.ndarray]
    evaluation: Evaluation | None


def train_score(shop: Workshop, recipe_name: str, recipe: ScoreRecipe, score: str) -> TrainedScore:
    """Learn one score of a recipe."""
    plan, rows = planned_rows(shop, recipe, score)
    thin = too_few(rows.at(_learned_from(plan)), recipe.label.unit)
    if thin:
        return _base_rate(recipe_name, recipe, plan, rows, shop, thin)
    return _model(recipe_name, recipe, choose(shop, recipe, plan, rows), shop)


def planned_rows(shop: Workshop, recipe: ScoreRecipe, score: str) -> tuple[ScorePlan, Rows]:
    """Return how a score is learned, and the rows of all its cut-offs."""
    plan = plan_score(shop, recipe, score)
    shop.say(f"{score}: horizon {plan.horizon.reason}; {plan.split.describe()}", 0.0)
    rows = labelled_rows(shop, recipe, plan.split.cutoffs, plan.split.horizon_days)
    return plan, rows.scaled(growth(shop, rows, plan)) if plan.stretched else rows


def _checks(recipe: ScoreRecipe, plan: ScorePlan, rows: Rows, shop: Workshop) -> tuple[Check, ...]:
    known = known_outcomes(rows.at(_learned_from(plan)), recipe.label.unit)
    history = history_check(shop.window.days, plan.horizon.days)
    return (*outcome_checks(known, "customers"), history)


def _learned_from(plan: ScorePlan) -> tuple[datetime, ...]:
    split = plan.split
    return tuple(at for at in split.cutoffs if at != split.test or plan.untested)


def _base_rate(
    recipe_name: str, recipe: ScoreRecipe, plan: ScorePlan, rows: Rows, shop: Workshop, thin: str
) -> TrainedScore:
    scorer = fit_floor(recipe, rows, shop.options)
    doubt = f"a shrunk base rate: {thin}"
    return TrainedScore(
        recipe_name=recipe_name,
        recipe=recipe,
        plan=plan,
        rows=rows,
        kind="base_rate",
        scorer=scorer,
        stand_in=None,
        evaluation=None,
        test_baselines={},
        trials={},
        intervals=learn_intervals(recipe.label.unit, rows.y, scorer.predict(rows.X)),
        gate=untested(doubt),
        doubt=doubt,
        checks=_checks(recipe, plan, rows, shop),
    )


def choose(shop: Workshop, recipe: ScoreRecipe, plan: ScorePlan, rows: Rows) -> Chosen:
    """Choose a candidate and test it on the rows held out, beside the baselines."""
    split, options = plan.split, shop.options
    rows = with_stages(shop, recipe, plan, rows)
    best = fit_best(recipe, rows, split, options)
    shop.say(f"{plan.score}: {best.name} chosen; testing", 0.8)
    baselines = predictions(fit_baselines(recipe, rows, split, options), held_out(plan, rows))
    evaluation = _tested(recipe, plan, rows, best.scorer, baselines, options.seed)
    return Chosen(plan, rows, best, baselines, evaluation)


def _model(recipe_name: str, recipe: ScoreRecipe, chosen: Chosen, shop: Workshop) -> TrainedScore:
    plan, rows, best = chosen.plan, chosen.rows, chosen.best
    baselines, evaluation = chosen.baselines, chosen.evaluation
    split, options = plan.split, shop.options
    final = fit(recipe, best.name, rows, split.forward(), options, until=None)
    later, checks = held_out(plan, rows), _checks(recipe, plan, rows, shop)
    untrusted = evaluation.doubt if evaluation else plan.untested
    known_later = foresighted(shop, later, split.cutoffs[-1])
    gate = evaluation.gate if evaluation else untested(plan.untested)
    return TrainedScore(
        recipe_name=recipe_name,
        recipe=recipe,
        plan=plan,
        rows=rows,
        kind=best.name,
        scorer=final,
        stand_in=_stand_in(final, rows, options),
        evaluation=evaluation,
        test_baselines=baselines,
        trials=best.trials,
        intervals=learn_intervals(recipe.label.unit, later.y, best.scorer.predict(later.X)),
        gate=leaking(known_later) if known_later else gate,
        doubt="; ".join(d for d in (untrusted, *(c.doubt for c in checks)) if d),
        checks=checks,
        examined=best.scorer if evaluation else None,
    )


def held_out(plan: ScorePlan, rows: Rows) -> Rows:
    """Return the rows of the test, or where there is none those that come closest to it."""
    split = plan.split
    return rows.at([split.test or split.calibrate or split.train[-1]])


def _tested(
    recipe: ScoreRecipe,
    plan: ScorePlan,
    rows: Rows,
    scorer: Scorer,
    baselines: Mapping[str, np.ndarray],
    seed: int,
) -> Evaluation | None:
    if plan.untested:
        return None
    test = held_out(plan, rows)
    return evaluate_scores(recipe, test, scorer.predict(test.X), baselines, seed)


def _stand_in(scorer: Scorer, rows: Rows, options: Options) -> GBMScorer | None:
    """Return trees that imitate a scorer without contributions of its own."""
    if hasattr(scorer, "contributions"):
        return None
    imitator = GBMScorer(
        objective="regression",
        trees=80,
        leaves=8,
        num_threads=options.for_rows(len(rows)).threads,
        seed=options.seed,
    )
    return imitator.fit(rows.X, np.log1p(scorer.predict(rows.X)))
