"""The choice of a recommender: settings on some days, the model itself on the next."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from domain.errors import NotEnoughData
from models.protocols import Recommender
from training.acts import Acts
from training.moment import Moment, held_out
from training.ranking_test import Ranking, RankingTest, gains, rank
from training.recipe import MakeRecommender, RecommendRecipe

MOST_ASKED, MOST_TRIED = 1_000, 400  # customers in a choice, of settings; the test asks more
Build = Callable[[Moment], Recommender]  # the same model, as it would have been at any moment


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """Which recommender it is to be, and why."""

    name: str
    build: Build
    trials: Mapping[str, float]  # each model's metric on the days of the choice
    why: str


def first_settings(recipe: RecommendRecipe) -> dict[str, MakeRecommender]:
    """Return the settings that each model has where nothing could be tried."""
    return {name: makes[0] for name, makes in recipe.candidates.items()}


def best_settings(
    name: str, now: Moment, acts: Acts, end: int
) -> tuple[dict[str, MakeRecommender], RankingTest | None]:
    """Return each model's best settings on the days from a moment to `end`, and their test.

    Where too few customers took part in these days, the first settings are taken.
    """
    recipe, found = now.recipe, first_settings(now.recipe)
    try:
        test = held_out(now.shop, name, now, acts, end)
    except NotEnoughData:
        return found, None
    few = test.at_most(MOST_TRIED, now.shop.settings.seed)
    for model, makes in recipe.candidates.items():
        if len(makes) > 1:
            made = [now.made(make) for make in makes]
            tried = [_mean(rank(one, few, recipe.k), recipe) for one in made]
            best = tried.index(max(tried))
            found[model] = makes[best]
            now.keep(model, made[best])
    return found, test.at_most(MOST_ASKED, now.shop.settings.seed)


def choose(now: Moment, test: RankingTest, further: Mapping[str, Build]) -> Choice:
    """Return the best model on the days after a moment.

    `further` are models made of the others, simplest first: one is taken only where it is surely
    better than what was best before it.
    """
    recipe, seed = now.recipe, now.shop.settings.seed
    test = test.at_most(MOST_ASKED, seed)
    builds: dict[str, Build] = {n: _by_name(n) for n in recipe.candidates} | dict(further)
    rankings = {n: rank(build(now), test, recipe.k) for n, build in builds.items()}
    trials = {n: _mean(ranking, recipe) for n, ranking in rankings.items()}
    single = [n for n in recipe.candidates if n not in recipe.baselines]
    best = max(single, key=trials.__getitem__)
    why = [f"{best} was the best single model on the days of the choice"]
    for name in further:
        gain = gains(rankings[name], {best: rankings[best]}, recipe.metric, seed)[best]
        kept = gain.low > 0
        why.append(f"{name} {'is taken: it beat' if kept else 'is off: against'} {best} {gain}")
        best = name if kept else best
    return Choice(best, builds[best], trials, "; ".join(why))


def _by_name(name: str) -> Build:
    return lambda now: now.fitted(name)


def _mean(ranking: Ranking, recipe: RecommendRecipe) -> float:
    return float(ranking.of(recipe.metric).mean())
