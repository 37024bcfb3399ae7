import pytest

from domain.errors import InvalidInput
from models.contract import RecommenderContract
from models.history import History
from models.interactions import MICROS_PER_DAY, Interactions
from models.popular import PopularRecommender


class TestPopularRecommender(RecommenderContract):
    personal = False

    def make(self):
        return PopularRecommender()


class TestDecayedPopularRecommender(RecommenderContract):
    personal = False

    def make(self):
        return PopularRecommender(half_life_days=7)


FADING = Interactions.from_ids(
    ["a", "b", "c", "d"],
    ["hat", "hat", "hat", "umbrella"],
    times=[0, 0, 0, 14 * MICROS_PER_DAY],
)


def test_without_a_half_life_the_count_decides():
    assert PopularRecommender().fit(FADING).recommend(History(), 2)[0] == ["hat", "umbrella"]


def test_with_a_half_life_two_of_it_ago_counts_a_quarter():
    ids, scores = PopularRecommender(half_life_days=7).fit(FADING).recommend(History(), 2)
    assert ids == ["umbrella", "hat"]
    assert scores[1] / scores[0] == pytest.approx(3 / 4)


def test_a_half_life_of_nothing_is_refused():
    with pytest.raises(InvalidInput, match="half_life_days"):
        PopularRecommender(half_life_days=0).fit(FADING)
