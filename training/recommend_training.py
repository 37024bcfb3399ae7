"""How a recommender is learned: chosen on some days, tested on the next, refitted on all."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from domain.behaviour import DAY_MICROS
from domain.errors import NotEnoughData
from domain.events import from_micros, to_micros
from models.protocols import Recommender
from training.acts import Acts, load_acts
from training.item_facts import load_facts
from training.ranking_test import Ranking, RankingTest, rank, ranking_test
from training.recipe import MakeRecommender, Options, RecommendRecipe
from training.workshop import Workshop

MIN_CUSTOMERS = 50  # with something new in the days held out
LONGEST_TEST_DAYS, TEST_SHARE, SHORTEST_TEST_DAYS = 28, 0.1, 1


@dataclass(frozen=True, slots=True)
class Stretches:
    """Microseconds since 1970: validation is [validate, test), test is [test, end)."""

    validate: int
    test: int
    end: int

    def describe(self) -> str:
        """Return the split in one line."""
        days = [f"{from_micros(at):%Y-%m-%d}" for at in (self.validate, self.test, self.end)]
        return f"chosen on the days from {days[0]}, tested on those from {days[1]} to {days[2]}"


def stretches(shop: Workshop) -> Stretches:
    """Hold out the last 28 days or tenth of the history, and as much before that for the choice."""
    history = shop.window.last_at - shop.window.first_at
    days = min(LONGEST_TEST_DAYS, max(history / timedelta(days=1) * TEST_SHARE, SHORTEST_TEST_DAYS))
    end, length = to_micros(shop.window.last_at) + 1, int(days * DAY_MICROS)
    return Stretches(end - 2 * length, end - length, end)


@dataclass(frozen=True, slots=True, eq=False)
class TrainedRecommender:
    """A recommender as learned; `model` learned from all acts, `rankings` are of the test."""

    name: str
    recipe: RecommendRecipe
    kind: str  # the winning candidate
    model: Recommender
    rankings: Mapping[str, Ranking]  # that of the model under its kind, and of each baseline
    trials: Mapping[str, float]
    stretches: Stretches
    acts: int
    customers: int  # in the test

    @property
    def ranking(self) -> Ranking:
        """The model's own ranking."""
        return self.rankings[self.kind]

    @property
    def others(self) -> dict[str, Ranking]:
        """The rankings of the baselines."""
        return {name: self.rankings[name] for name in self.recipe.baselines}


def train_recommender(shop: Workshop, name: str, recipe: RecommendRecipe) -> TrainedRecommender:
    """Learn a recommender and rank the held-out days with it and with each baseline."""
    split, options = stretches(shop), shop.options
    acts = load_acts(shop.db, recipe.weights)
    acts = replace(acts, facts=load_facts(shop.db, shop.settings.home, split.end, acts.item_ids))
    choice = _held_out(name, acts, split.validate, split.test, recipe, options)
    test = _held_out(name, acts, split.test, split.end, recipe, options)
    shop.say(f"{name}: {len(acts)} acts of {len(acts.user_ids)} customers", 0.1)
    trials = {
        n: _trial(make, choice, split.validate, recipe, options)
        for n, make in recipe.candidates.items()
    }
    best = max(trials, key=trials.__getitem__)
    shop.say(f"{name}: {best} chosen; testing on {len(test)} customers; {split.describe()}", 0.7)
    rankings = {
        n: rank(_fit(make, test.acts, split.test, recipe, options), test, recipe.k)
        for n, make in {best: recipe.candidates[best], **recipe.baselines}.items()
    }
    final = _fit(recipe.candidates[best], acts, split.end, recipe, options)
    return TrainedRecommender(
        name, recipe, best, final, rankings, trials, split, len(acts), len(test)
    )


def _held_out(
    name: str, acts: Acts, start: int, end: int, recipe: RecommendRecipe, options: Options
) -> RankingTest:
    test = ranking_test(acts, start, end, recipe.half_life_days, options.seed)
    if len(test) < MIN_CUSTOMERS:
        raise NotEnoughData(
            f"{name}: {len(test)} customers with a past took something new from "
            f"{from_micros(start):%Y-%m-%d} to {from_micros(end):%Y-%m-%d}, at least "
            f"{MIN_CUSTOMERS} are needed to test a recommender; import more events with items, "
            "or wait"
        )
    return test


def _trial(
    make: MakeRecommender, test: RankingTest, now: int, recipe: RecommendRecipe, options: Options
) -> float:
    ranking = rank(_fit(make, test.acts, now, recipe, options), test, recipe.k)
    return float(ranking.of(recipe.metric).mean())


def _fit(
    make: MakeRecommender, acts: Acts, now: int, recipe: RecommendRecipe, options: Options
) -> Recommender:
    model = make(options.for_rows(len(acts)))
    return model.fit(acts.interactions(now, recipe.half_life_days))
