import numpy as np
import pytest
from scipy.sparse import csr_matrix

from models.als import ALSRecommender
from models.contract import RecommenderContract, checkerboard
from models.history import History
from models.interactions import Interactions


class TestALSRecommender(RecommenderContract):
    def make(self):
        return ALSRecommender(factors=4, epochs=10)


def random_interactions(rows=600, users=40, items=30):
    rng = np.random.default_rng(0)
    u = [f"u{n}" for n in rng.integers(0, users, rows)]
    i = [f"i{n}" for n in rng.integers(0, items, rows)]
    return Interactions.from_ids(u, i, rng.uniform(0.05, 2, rows))


def test_folding_in_equals_the_recalculation_of_implicit():
    from implicit.cpu.als import AlternatingLeastSquares

    interactions = random_interactions()
    model = ALSRecommender(factors=8, epochs=5, alpha=7.0, regularization=0.3).fit(interactions)
    reference = AlternatingLeastSquares(factors=8, regularization=0.3, alpha=1.0, num_threads=1)
    reference.item_factors = model.item_vectors.copy()
    matrix = interactions.matrix()
    for row, (user_id, history) in enumerate(interactions.histories()):
        assert interactions.user_ids[row] == user_id
        one = csr_matrix(matrix[row])
        one.data = 1.0 + 7.0 * one.data
        expected = reference.recalculate_user(0, one)
        np.testing.assert_allclose(model.user_vector(history), expected, atol=1e-4)


def test_scores_are_products_of_vectors():
    interactions, histories, _ = checkerboard()
    model = ALSRecommender(factors=4).fit(interactions)
    product = model.user_vector(histories[0]) @ model.item_vectors.T
    np.testing.assert_allclose(model.score_all(histories[0]), product, rtol=1e-5, atol=1e-6)
    assert model.item_vectors.shape == (12, 4)


def test_an_unknown_visitor_has_no_direction():
    model = ALSRecommender(factors=4).fit(checkerboard()[0])
    np.testing.assert_array_equal(model.user_vector(History()), np.zeros(4))


def test_a_heavier_act_pulls_harder():
    model = ALSRecommender(factors=4, regularization=0.1).fit(checkerboard()[0])
    torn = History.of(["item00", "item01"], [5.0, 0.1])
    scores = dict(zip(model.item_ids, model.score_all(torn), strict=True))
    assert scores["item02"] > scores["item03"]


def test_a_repeated_item_counts_with_the_sum_of_its_weights():
    model = ALSRecommender(factors=4).fit(checkerboard()[0])
    twice = model.score_all(History.of(["item00", "item00"], [1.0, 2.0]))
    np.testing.assert_allclose(twice, model.score_all(History.of(["item00"], [3.0])), rtol=1e-6)


@pytest.mark.parametrize("threads", [1, 2])
def test_threads_change_no_score(threads):
    history = History.of(["i1", "i2"])
    one = ALSRecommender(factors=4, epochs=3).fit(random_interactions())
    other = ALSRecommender(factors=4, epochs=3, num_threads=threads).fit(random_interactions())
    np.testing.assert_array_equal(one.score_all(history), other.score_all(history))
