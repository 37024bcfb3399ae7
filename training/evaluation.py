"""Evaluation: how the released models do on the last days, beside what they promised."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from domain.errors import NotEnoughData, NotFound
from domain.events import to_micros
from domain.settings import Settings
from models.manifest import load_model
from training.acts import load_acts
from training.bootstrap import Estimate, Sample
from training.champions import ScoreChampion, champions, score_champion
from training.metrics import METRICS, METRICS_OF_UNIT
from training.ranking_test import estimates, rank, ranking_test
from training.recipe import RecommendRecipe, load_recipe, recipe_names, score_names
from training.recommend_training import stretches
from training.rows import labelled_rows
from training.sheet import Sheet
from training.splits import MIN_HISTORY_DAYS
from training.tracking import Champion, Tracker
from training.workshop import Progress, Workshop, open_workshop

Measured = dict[str, Estimate]


def evaluate(
    names: Sequence[str],
    settings: Settings,
    *,
    at: datetime | None = None,
    progress: Progress | None = None,
) -> list[dict[str, str]]:
    """Measure the champions of these recipes (none: all) and return one row per model and metric.

    `days` says whether the model had learned from the days it is measured on: right after a
    training it has, and the figures flatter; as new events come in they become a true test.
    """
    asked = [score for name in names or recipe_names() for score in score_names(name)]
    found = {n: c for n, c in champions(Tracker.open(settings.home)).items() if n in asked}
    if not found:
        raise NotFound(f"no released model of {', '.join(asked)}; run `nextbest train` first")
    rows: list[dict[str, str]] = []
    with open_workshop(settings, at or datetime.now(UTC), progress) as shop:
        for number, (name, champion) in enumerate(found.items()):
            shop.say(f"measuring {name}", number / len(found))
            rows += _rows(shop, name, champion)
    return rows


def _rows(shop: Workshop, name: str, champion: Champion) -> Iterable[dict[str, str]]:
    try:
        measured, start = _measure(shop, champion)
    except NotEnoughData as short:
        return [_row(name, champion, "", str(short), "")]
    promised = Sheet.read(champion.folder).metrics
    seen = datetime.fromisoformat(champion.tags["data.last_at"]) > start
    days = f"from {start:%Y-%m-%d}, {'learned from' if seen else 'new to the model'}"
    return [
        _row(name, champion, metric, str(estimate), days)
        | {"when trained": f"{promised[metric]:.4g}" if metric in promised else ""}
        for metric, estimate in measured.items()
    ]


def _row(name: str, champion: Champion, metric: str, value: str, days: str) -> dict[str, str]:
    return {
        "model": name,
        "version": champion.version,
        "metric": metric,
        "value [90 %]": value,
        "when trained": "",
        "days": days,
    }


def _measure(shop: Workshop, champion: Champion) -> tuple[Measured, datetime]:
    """Return the metrics on the last days, and when these begin."""
    recipe = load_recipe(Sheet.read(champion.folder).recipe)
    if isinstance(recipe, RecommendRecipe):
        return _measure_recommender(shop, champion, recipe)
    return _measure_score(shop, score_champion(champion))


def _measure_score(shop: Workshop, champion: ScoreChampion) -> tuple[Measured, datetime]:
    days, window = champion.sheet.horizon_days, shop.window
    start = window.end - timedelta(days=days)
    if start < window.first_at + timedelta(days=MIN_HISTORY_DAYS):
        raise NotEnoughData(
            f"the history of {window.days:.0f} days does not hold {days} days to measure on"
        )
    rows = labelled_rows(shop, champion.recipe, (start,), days)
    sample = Sample(rows.y, rows.customers, shop.settings.seed)
    score = champion.scorer.predict(rows.X)
    names = METRICS_OF_UNIT[champion.recipe.label.unit]
    return {name: sample.estimate(METRICS[name], score) for name in names}, start


def _measure_recommender(
    shop: Workshop, champion: Champion, recipe: RecommendRecipe
) -> tuple[Measured, datetime]:
    split, seed = stretches(shop), shop.settings.seed
    acts = load_acts(shop.db, recipe.weights)
    test = ranking_test(acts, split.test, split.end, recipe.half_life_days, seed)
    if not test.asked_new:
        raise NotEnoughData("nobody with a past took anything new in the last days")
    ranking = rank(load_model(champion.model), test, recipe.k)
    length = timedelta(microseconds=to_micros(shop.window.last_at) - split.test)
    measured = {f"{name}@{recipe.k}": e for name, e in estimates(ranking, seed).items()}
    return measured, shop.window.last_at - length
