"""One command trains one recipe: learn, test against the baselines, track, release what passed."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial

from domain.errors import NotEnoughData
from domain.settings import Settings
from training.outcome import Outcome
from training.publishing import Trained, publish
from training.recipe import Recipe, ScoreRecipe, load_recipe, recipe_names, score_names
from training.recommend_report import report_recommender
from training.recommend_training import train_recommender
from training.score_report import report
from training.score_training import train_score
from training.tracking import Tracker
from training.tuning import tuned_recipe
from training.workshop import Progress, Workshop, open_workshop

__all__ = ["make", "recipe_names", "train"]


def train(
    name: str,
    settings: Settings,
    *,
    at: datetime | None = None,
    progress: Progress | None = None,
    tune: int = 0,
) -> tuple[Outcome, ...]:
    """Train the recipe `name`; return one outcome per model it gives (clv gives two).

    `tune` tries so many settings on earlier days first. NotEnoughData is raised only when not one
    of its models can be learned; then nothing changes.
    """
    recipe = load_recipe(name)
    with open_workshop(settings, at or datetime.now(UTC), progress) as shop:
        tracker = Tracker.open(settings.home)
        recipes = {
            model: tuned_recipe(tracker, shop, recipe, model, tune) if tune else recipe
            for model in score_names(name)
        }
        makers = {
            model: partial(make, shop, name, recipes[model], model) for model in score_names(name)
        }
        return tuple(publish(tracker, one, shop.at) for one in _all_that_can(makers, shop.say))


def make(shop: Workshop, name: str, recipe: Recipe, model: str) -> Trained:
    """Learn one model of a recipe, and write nothing down yet."""
    if isinstance(recipe, ScoreRecipe):
        return report(shop, train_score(shop, name, recipe, model))
    return report_recommender(shop, train_recommender(shop, name, recipe))


def _all_that_can(makers: Mapping[str, Callable[[], Trained]], say: Progress) -> list[Trained]:
    trained: list[Trained] = []
    reasons: list[str] = []
    for name, make in makers.items():
        try:
            trained.append(make())
        except NotEnoughData as short:
            reason = str(short) if str(short).startswith(name) else f"{name}: {short}"
            reasons.append(reason)
            say(reason, 1.0)
    if not trained:
        raise NotEnoughData(" | ".join(reasons))
    return trained
