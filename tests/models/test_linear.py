import numpy as np
import pytest
from scipy.sparse import csr_matrix, identity

from domain.errors import InvalidInput
from models.contract import RecommenderContract, checkerboard
from models.history import History
from models.interactions import Interactions
from models.item_graph import Filter, ItemGraph, leading, plateau
from models.linear import LinearRecommender, greatest, ones, ridge_rows


class TestLinearRecommender(RecommenderContract):
    def make(self):
        return LinearRecommender(factors=4)


class TestLinearWithRidge(RecommenderContract):
    def make(self):
        return LinearRecommender(factors=4, ridge=1.0, ridge_share=0.5)


class TestRidgeAlone(RecommenderContract):
    def make(self):
        return LinearRecommender(ridge=1.0, ridge_share=1.0)


def random_ones(users=60, items=25, seed=0):
    rng = np.random.default_rng(seed)
    taken = rng.random((users, items)) < rng.uniform(0.02, 0.4, items)
    return csr_matrix(taken.astype(np.float32))


@pytest.mark.parametrize("bend", [1.0, 1.5, 3.0])
def test_with_all_directions_the_filter_is_the_function_of_the_graph_itself(bend):
    taken = random_ones()
    graph = ItemGraph.of(taken, 25, seed=0)
    values, vectors = np.linalg.eigh((graph.walks.T @ graph.walks).toarray())
    exact = vectors @ np.diag(0.3 + plateau(values, bend)) @ vectors.T
    scale = graph.degrees**0.4
    exact = exact / scale[:, None] * scale[None, :]
    found = Filter(25, 0.4, 0.3, bend).pulls(graph, identity(25, format="csr"))
    np.testing.assert_allclose(found, exact, atol=1e-4)


def test_the_linear_filter_is_the_normalised_co_occurrence():
    taken = random_ones().toarray()
    graph = ItemGraph.of(csr_matrix(taken), 3, seed=0)
    users, items = taken.sum(1).clip(1), taken.sum(0).clip(1)
    near = (taken / users[:, None]).T @ taken / np.sqrt(np.outer(items, items))
    found = Filter(3, 0.0, 0.0, 1.0).pulls(graph, identity(25, format="csr"))
    np.testing.assert_allclose(found, near, atol=1e-4)


def test_the_randomised_directions_are_those_of_the_exact_way(monkeypatch):
    rng = np.random.default_rng(1)
    groups = np.arange(300)[:, None] % 5 == np.arange(200)[None, :] % 5  # five tastes
    taken = csr_matrix((rng.random((300, 200)) < 0.02 + 0.3 * groups).astype(np.float32))
    graph = ItemGraph.of(taken, 5, seed=0)
    monkeypatch.setattr("models.item_graph._DENSE", 10)
    vectors, values = leading(graph.walks, 5, seed=0)
    np.testing.assert_allclose(values, graph.values, rtol=1e-2)
    overlap = np.linalg.svd(vectors.T @ graph.vectors, compute_uv=False)
    assert overlap.min() > 0.99  # the same space


def test_ridge_solves_its_least_squares_with_a_zero_diagonal():
    taken = random_ones()
    rows = ridge_rows(taken, 2.0).toarray()
    assert not np.diag(rows).any()
    X, others = taken.toarray(), np.arange(25) != 4  # what predicts item 4 from the others alone
    G = X[:, others].T @ X[:, others] + 2.0 * np.eye(24)
    np.testing.assert_allclose(
        rows[others, 4], np.linalg.solve(G, X[:, others].T @ X[:, 4]), atol=1e-4
    )


def test_only_the_greatest_values_of_a_row_are_kept():
    values = np.array([[0.0, 3, 1, 2], [9, 8, 0, -1]], dtype=np.float32)
    np.testing.assert_array_equal(greatest(values, 2).toarray(), [[0, 3, 0, 2], [9, 8, 0, 0]])
    model = LinearRecommender(factors=4, neighbours=3).fit(checkerboard()[0])
    assert (np.diff(model.rows_.indptr) <= 3).all()


def test_how_often_an_item_was_taken_changes_no_row():
    once = Interactions.from_ids(["a", "a", "b", "b"], ["x", "y", "y", "z"])
    often = Interactions.from_ids(["a", "a", "b", "b", "b"], ["x", "y", "y", "z", "z"])
    np.testing.assert_array_equal(ones(once).toarray(), ones(often).toarray())


def test_a_user_or_item_without_rows_does_no_harm():
    seen = Interactions(
        [0, 0, 2], [0, 1, 1], [1, 1, 1], np.array(["x", "y", "z"]), np.array(["a", "b", "c"])
    )
    model = LinearRecommender(ridge_share=0.5).fit(seen)
    assert model.recommend(History.of(["x"]), 1, ["x"])[0] == ["y"]
    assert np.isfinite(model.score_all(History.of(["z"]))).all()


@pytest.mark.parametrize("wrong", [{"neighbours": 0}, {"factors": 0}, {"ridge_share": 2}])
def test_settings_that_cannot_be_are_refused(wrong):
    with pytest.raises(InvalidInput, match=next(iter(wrong))):
        LinearRecommender(**wrong).fit(checkerboard()[0])
