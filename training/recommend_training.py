"""How a recommender is learned: chosen on some days, tested on the next, refitted on all."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from domain.behaviour import DAY_MICROS
from domain.events import from_micros, to_micros
from models.protocols import Recommender
from training.acts import Acts, load_acts
from training.further_models import further_models
from training.moment import Moment, held_out, moment
from training.ranking_test import Ranking, RankingTest, rank
from training.recipe import RecommendRecipe
from training.recommend_choice import Build, Choice, best_settings, choose, first_settings
from training.workshop import Workshop

LONGEST_TEST_DAYS, TEST_SHARE, SHORTEST_TEST_DAYS = 28, 0.1, 1


@dataclass(frozen=True, slots=True)
class Stretches:
    """Microseconds since 1970: of settings [learn, validate), of the choice [validate, test)."""

    learn: int
    validate: int
    test: int  # [test, end)
    end: int

    def describe(self) -> str:
        """Return the split in one line."""
        days = [f"{from_micros(at):%Y-%m-%d}" for at in (self.validate, self.test, self.end)]
        return f"chosen on the days from {days[0]}, tested on those from {days[1]} to {days[2]}"


def stretches(shop: Workshop) -> Stretches:
    """Hold out the last 28 days or tenth of the history, and twice as much before for choices."""
    history = shop.window.last_at - shop.window.first_at
    days = min(LONGEST_TEST_DAYS, max(history / timedelta(days=1) * TEST_SHARE, SHORTEST_TEST_DAYS))
    end, length = to_micros(shop.window.last_at) + 1, int(days * DAY_MICROS)
    return Stretches(end - 3 * length, end - 2 * length, end - length, end)


@dataclass(frozen=True, slots=True, eq=False)
class TrainedRecommender:
    """A recommender as learned; `model` learned from all acts, `rankings` are of the test."""

    name: str
    recipe: RecommendRecipe
    choice: Choice
    model: Recommender
    rankings: Mapping[str, Ranking]  # that of the choice, and of each baseline and rival
    stretches: Stretches
    acts: int
    customers: int  # in the test
    examined: Recommender  # as it was tested
    test: RankingTest

    @property
    def kind(self) -> str:
        """The winner."""
        return self.choice.name

    @property
    def ranking(self) -> Ranking:
        """The model's own ranking."""
        return self.rankings[self.kind]


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """A choice that was made, and the test that it has to stand."""

    split: Stretches
    acts: Acts
    learned: Moment  # when settings, the blend and the ranker were learned
    lessons: RankingTest | None  # from then on; None where too few took part
    further: Mapping[str, Build]
    choice: Choice
    now: Moment  # the start of the test
    test: RankingTest


def plan(shop: Workshop, name: str, recipe: RecommendRecipe) -> Plan:
    """Choose settings, then a model, without the days of the test."""
    split = stretches(shop)
    acts = load_acts(shop.db, recipe.weights)
    shop.say(f"{name}: {len(acts)} acts of {len(acts.user_ids)} customers", 0.1)
    first = moment(shop, recipe, acts, split.validate, first_settings(recipe))
    asked = held_out(shop, name, first, acts, split.test)
    now = moment(shop, recipe, acts, split.test, first.settings)
    test = held_out(shop, name, now, acts, split.end)
    earlier = moment(shop, recipe, acts, split.learn, first.settings)
    settings, lessons = best_settings(name, earlier, acts, split.validate)
    learned = replace(earlier, settings=settings)
    shop.say(f"{name}: settings chosen", 0.3)
    further = further_models(learned, lessons) if lessons else {}
    shop.say(f"{name}: blend and ranker taught", 0.5)
    choice = choose(replace(first, settings=settings), asked, further)
    shop.say(f"{name}: {choice.why}; {split.describe()}", 0.7)
    now = replace(now, settings=settings)
    return Plan(split, acts, learned, lessons, further, choice, now, test)


def train_recommender(shop: Workshop, name: str, recipe: RecommendRecipe) -> TrainedRecommender:
    """Learn a recommender and rank the held-out days with it, each baseline and each rival."""
    made = plan(shop, name, recipe)
    acts, choice, now, test = made.acts, made.choice, made.now, made.test
    others = dict.fromkeys((*recipe.baselines, *recipe.rivals))
    rankings = {n: rank(now.fitted(n), test, recipe.k) for n in others}
    examined = choice.build(now)
    rankings |= {choice.name: rank(examined, test, recipe.k)}
    final = choice.build(moment(shop, recipe, acts, made.split.end, now.settings))
    return TrainedRecommender(
        name, recipe, choice, final, rankings, made.split, len(acts), len(test), examined, test
    )
