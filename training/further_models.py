"""Models made of the others: their blend, and a ranker over what they found, learned earlier."""

from collections.abc import Mapping

import numpy as np

from models.blend import BlendRecommender
from models.protocols import Recommender
from models.rank import RankRecommender
from models.rank_learning import Question
from models.ranking import Catalogue
from training.moment import Moment
from training.ranking_test import RankingTest, results_of
from training.recommend_choice import Build

TRIES = 40  # of weights of the blend
_CELLS, _MOST, _LEAST = 2_000_000, 400, 60  # customers times items whose scores are weighed


def further_models(now: Moment, test: RankingTest) -> dict[str, Build]:
    """Return the blend and the ranker, simplest first, taught by the days after a moment.

    Both are as learned then at every moment later: only their members are fitted anew.
    """
    members = _members(now)
    weights = _weights(now, members, test)
    ranker = RankRecommender(
        weights=weights,
        num_threads=now.shop.options.for_rows(len(now.acts)).threads,
        seed=now.shop.settings.seed,
    )
    ranker.learn(members, now.interactions(), questions(test))
    return {
        "blend": lambda at: BlendRecommender.of(_kept(at, weights), weights=weights),
        "rank": lambda at: ranker.over(_members(at), at.interactions()),
    }


def questions(test: RankingTest) -> list[Question]:
    """Return what a ranker learns from: histories at a past moment, and what was taken after it."""
    parts = zip(test.histories, test.taken, test.owned, strict=True)
    return [Question(history, taken, owned) for history, taken, owned in parts]


def _members(now: Moment) -> dict[str, Recommender]:
    return {name: now.fitted(name) for name in now.recipe.blended}


def _kept(now: Moment, weights: Mapping[str, float]) -> dict[str, Recommender]:
    return {name: now.fitted(name) for name in weights}


def _weights(
    now: Moment, members: Mapping[str, Recommender], test: RankingTest
) -> dict[str, float]:
    """Return the weights above 0 of the best blend."""
    recipe, seed = now.recipe, now.shop.settings.seed
    blend = BlendRecommender.of(members)
    catalogue = Catalogue(blend.item_ids)
    few = test.at_most(min(max(_CELLS // len(catalogue), _LEAST), _MOST), seed)

    def quality(scores: np.ndarray) -> float:
        found = results_of(catalogue, scores, few, recipe.k)
        return float(found[recipe.metric].mean())

    blend.learn_weights(few.histories, quality, tries=TRIES, seed=seed)
    return {name: weight for name, weight in (blend.weights or {}).items() if weight > 0}
