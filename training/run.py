"""One command trains one recipe: learn, test against the baselines, track, release what passed."""

from collections.abc import Callable
from datetime import UTC, datetime

from domain.errors import NotEnoughData
from domain.settings import Settings
from training.outcome import Outcome
from training.publishing import Trained, publish
from training.recipe import Recipe, ScoreRecipe, load_recipe, recipe_names
from training.recommend_report import report_recommender
from training.recommend_training import train_recommender
from training.score_report import report
from training.score_training import train_score
from training.tracking import Tracker
from training.workshop import Progress, Workshop, open_workshop

__all__ = ["recipe_names", "train"]


def train(
    name: str, settings: Settings, *, at: datetime | None = None, progress: Progress | None = None
) -> tuple[Outcome, ...]:
    """Train the recipe `name`; return one outcome per model it gives (clv gives two).

    NotEnoughData is raised only when not one of its models can be learned; then nothing changes.
    """
    recipe = load_recipe(name)
    with open_workshop(settings, at or datetime.now(UTC), progress) as shop:
        trained = _all_that_can(_makers(shop, name, recipe), shop.say)
        tracker = Tracker.open(settings.home)
        return tuple(publish(tracker, one, shop.at) for one in trained)


def _makers(shop: Workshop, name: str, recipe: Recipe) -> dict[str, Callable[[], Trained]]:
    if isinstance(recipe, ScoreRecipe):
        return {
            score: lambda score=score: report(shop, train_score(shop, name, recipe, score))  # type: ignore[misc]
            for score in recipe.horizons
        }
    return {name: lambda: report_recommender(shop, train_recommender(shop, name, recipe))}


def _all_that_can(makers: dict[str, Callable[[], Trained]], say: Progress) -> list[Trained]:
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
