"""A moment is what could be known then: the acts before it, the facts, and models made of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from domain.errors import NotEnoughData
from domain.events import from_micros
from models.interactions import Interactions
from models.protocols import Recommender
from training.acts import Acts
from training.item_facts import load_facts
from training.ranking_test import RankingTest, ranking_test
from training.recipe import MakeRecommender, RecommendRecipe
from training.workshop import Workshop

MIN_CUSTOMERS = 50  # with something new in the days held out


@dataclass(frozen=True, slots=True, eq=False)
class Moment:
    """One instant (microseconds since 1970) in a shop; `settings` names each model and its make."""

    shop: Workshop
    recipe: RecommendRecipe
    at: int
    acts: Acts  # before `at`, with the facts as they stood
    settings: Mapping[str, MakeRecommender]
    _fitted: dict[str, Recommender] = field(default_factory=dict)

    def interactions(self) -> Interactions:
        """Return what models learn from at this moment."""
        return self.acts.interactions(self.at, self.recipe.half_life_days)

    def made(self, make: MakeRecommender) -> Recommender:
        """Return a model of these settings, learned from all that was known."""
        return make(self.shop.options.for_rows(len(self.acts))).fit(self.interactions())

    def fitted(self, name: str) -> Recommender:
        """Return the model of this name; each is learned once."""
        if name not in self._fitted:
            self._fitted[name] = self.made(self.settings[name])
        return self._fitted[name]

    def keep(self, name: str, model: Recommender) -> None:
        """Take a model that was made already under a name."""
        self._fitted[name] = model


def moment(
    shop: Workshop,
    recipe: RecommendRecipe,
    acts: Acts,
    at: int,
    settings: Mapping[str, MakeRecommender],
) -> Moment:
    """Return a moment, without anything that happened since."""
    past = acts.between(0, at)
    facts = load_facts(shop.db, shop.settings.home, at, acts.item_ids)
    return Moment(shop, recipe, at, replace(past, facts=facts), settings)


def held_out(shop: Workshop, name: str, now: Moment, acts: Acts, end: int) -> RankingTest:
    """Return the test of the days from a moment to `end`; NotEnoughData where too few took part."""
    test = ranking_test(acts, now.at, end, now.recipe.half_life_days, shop.settings.seed)
    if test.asked_new < MIN_CUSTOMERS:
        raise NotEnoughData(
            f"{name}: {test.asked_new} customers with a past took something new from "
            f"{from_micros(now.at):%Y-%m-%d} to {from_micros(end):%Y-%m-%d}, at least "
            f"{MIN_CUSTOMERS} are needed to test a recommender; import more events with items, "
            "or wait"
        )
    return test
