from models.als import ALSRecommender
from models.contract import RecommenderContract, checkerboard
from models.popular import PopularRecommender
from models.rank import RankRecommender


class TestRankRecommender(RecommenderContract):
    adds_up = False

    def make(self):
        members = {"als": ALSRecommender(factors=4), "popular": PopularRecommender()}
        return RankRecommender(members, trees=5, min_leaf=2, least_lists=10)


def test_too_few_lists_leave_the_order_of_the_base() -> None:
    interactions, histories, _ = checkerboard()
    members = {"als": ALSRecommender(factors=4), "popular": PopularRecommender()}
    model = RankRecommender(members, least_lists=1000).fit(interactions)
    assert model.importance() == {}
    expected = ALSRecommender(factors=4).fit(interactions).recommend(histories[0], 5)[0]
    assert model.recommend(histories[0], 5)[0] == expected
