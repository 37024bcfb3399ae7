"""Tuning tries settings on days before the test; what was cut off is taken up where it was."""

import hashlib
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from domain.errors import InvalidInput, NotEnoughData
from training.fitting import fit, fit_best
from training.lineage import code_tags
from training.metrics import METRICS
from training.recipe import MakeScorer, Recipe, ScoreRecipe
from training.rows import Rows
from training.score_plan import ScorePlan, plan_score
from training.score_training import planned_rows
from training.stages import with_stages
from training.tracking import PARENT, RunRecord, Tracker
from training.tuned import SPACE, TUNED, settings_of, to_text, with_settings, with_tuned
from training.workshop import Workshop, open_workshop

if TYPE_CHECKING:
    from optuna import Study, Trial

STORE = "tuning.db"  # under the home folder
_RUN = "mlflow_run"  # attribute of a study: the run that its trials belong to


@dataclass(frozen=True, slots=True, eq=False)
class Ground:
    """Where settings are tried: a workshop that ends where the test begins."""

    shop: Workshop
    recipe: ScoreRecipe
    plan: ScorePlan
    rows: Rows
    candidate: str  # the one that is tuned: on these days the best of those with settings

    @property
    def make(self) -> MakeScorer:
        """How the candidate is made as the recipe says."""
        return self.recipe.candidates[self.candidate]

    @property
    def study(self) -> str:
        """A name that is the same for the same question, data, code and seed."""
        code = code_tags("")["code.version"]
        what = (self.recipe.question, self.candidate, self.shop.window.fingerprint, code)
        digest = hashlib.sha256(repr((*what, self.shop.options.seed)).encode()).hexdigest()[:12]
        return f"{self.plan.score}-{digest}"

    def value(self, settings: dict[str, float]) -> float:
        """Return the recipe's metric with these settings on the last of the days."""
        split, options = self.plan.split, self.shop.options
        made = {TUNED: with_settings(self.make, settings)}
        recipe = replace(self.recipe, candidates=made)
        scorer = fit(recipe, TUNED, self.rows, split, options, until=split.test)
        test = self.rows.at([split.test] if split.test else [])
        return METRICS[recipe.metric].of(test.y, scorer.predict(test.X))


def tuned_recipe(
    tracker: Tracker, shop: Workshop, recipe: Recipe, score: str, trials: int
) -> Recipe:
    """Return the recipe with the best settings of `trials` as one candidate more.

    All that is tried is learned and measured on what was known when the test of the training
    begins: the test sees none of it. Trials of the same data, code and seed are not made again.
    """
    if not isinstance(recipe, ScoreRecipe):
        raise InvalidInput(f"{score}: only scores are tuned; a recommender chooses its settings")
    if trials < 1:
        raise InvalidInput(f"--tune {trials}: give the number of trials, 1 or more", field="tune")
    plan = plan_score(shop, recipe, score)
    if plan.split.test is None:
        raise NotEnoughData(f"{score}: {plan.untested}; without a test nothing can be tuned")
    settings = replace(shop.settings, churn_horizon_days=plan.horizon.days)
    with open_workshop(settings, shop.at, shop.say, before=plan.split.test) as earlier:
        return with_tuned(recipe, _search(tracker, _ground(earlier, recipe, score), trials))


def _ground(shop: Workshop, recipe: ScoreRecipe, score: str) -> Ground:
    plan, rows = planned_rows(shop, recipe, score)
    if plan.untested:
        raise NotEnoughData(f"{score}: before the test {plan.untested}; train without --tune")
    rows = with_stages(shop, recipe, plan, rows)
    can = {n: make for n, make in recipe.candidates.items() if settings_of(make(shop.options))}
    if not can:
        raise InvalidInput(f"{score}: none of its candidates has settings to try; add trees(...)")
    best = fit_best(replace(recipe, candidates=can), rows, plan.split, shop.options).name
    return Ground(shop, recipe, plan, rows, best)


def _search(tracker: Tracker, ground: Ground, trials: int) -> str:
    """Run what is left of the trials, and return the best settings as text."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    home, metric = ground.shop.settings.home, METRICS[ground.recipe.metric]
    study = optuna.create_study(
        storage=f"sqlite:///{home.resolve() / STORE}",
        study_name=ground.study,
        load_if_exists=True,
        direction="maximize" if metric.higher_is_better else "minimize",
    )
    done = len(_complete(study))
    study.sampler = optuna.samplers.TPESampler(seed=ground.shop.options.seed + done)
    if not done:
        study.enqueue_trial(settings_of(ground.make(ground.shop.options)))
    parent = _parent(tracker, study, ground)

    def objective(trial: "Trial") -> float:
        settings = _asked(trial, ground)
        value = ground.value(settings)
        tags = {PARENT: parent, "purpose": "trial"}
        _log(tracker, ground, f"trial {trial.number}", settings, {metric.name: value}, tags)
        number = len(_complete(study)) + 1
        ground.shop.say(f"{ground.plan.score}: trial {number} of {trials}", number / trials)
        return value

    study.optimize(objective, n_trials=max(0, trials - done))
    return to_text(ground.candidate, study.best_params)


def _complete(study: "Study") -> list[object]:
    from optuna.trial import TrialState

    return list(study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,)))


def _asked(trial: "Trial", ground: Ground) -> dict[str, float]:
    asked: dict[str, float] = {}
    for name in settings_of(ground.make(ground.shop.options)):
        span = SPACE[name]
        if span.whole:
            asked[name] = trial.suggest_int(name, int(span.low), int(span.high), log=span.log)
        else:
            asked[name] = trial.suggest_float(name, span.low, span.high, log=span.log)
    return asked


def _parent(tracker: Tracker, study: "Study", ground: Ground) -> str:
    """Return the run that holds the trials of a study, made when it begins."""
    if _RUN not in study.user_attrs:
        tags = {"purpose": "tuning", "study": study.study_name}
        told = {"candidate": ground.candidate, "split": ground.plan.split.describe()}
        run_id = _log(tracker, ground, f"tuning {ground.plan.score}", told, {}, tags)
        study.set_user_attr(_RUN, run_id)
    return str(study.user_attrs[_RUN])


def _log(
    tracker: Tracker, ground: Ground, name: str, params: dict[str, float] | dict[str, str],
    metrics: dict[str, float], tags: dict[str, str],
) -> str:  # fmt: skip
    all_tags = {"model": ground.plan.score, **tags}
    with tempfile.TemporaryDirectory() as empty:
        return tracker.log(RunRecord(name, ground.shop.at, params, metrics, all_tags, Path(empty)))
