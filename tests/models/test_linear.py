import numpy as np
import pytest
from scipy.sparse import csr_matrix, identity

from domain.errors import InvalidInput
from models.contract import RecommenderContract, checkerboard
from models.history import History
from models.interactions import Interactions
from models.item_graph import Filter, ItemGraph, leading
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


@pytest.mark.parametrize("damping", [1.0, 0.7])
def test_the_neighbourhood_is_the_normalised_co_occurrence(damping):
    taken = random_ones().toarray()
    graph = ItemGraph.of(csr_matrix(taken), 0.3)
    users, items = taken.sum(1).clip(1), taken.sum(0).clip(1)
    near = (taken.T / users**0.6) @ taken / np.sqrt(np.outer(items, items))
    expected = near**damping / items[:, None] ** 0.2 * items[None, :] ** 0.2
    histories = csr_matrix(taken[:7])
    found = Filter(0.2, damping).near(graph, histories)
    np.testing.assert_allclose(found, taken[:7] @ expected, rtol=1e-4, atol=1e-5)


def test_all_directions_together_pass_everything_and_some_the_smooth_part():
    taken = random_ones()
    graph = ItemGraph.of(taken, 0.5)
    chosen, alone = Filter(0.0, 1.0), identity(25, format="csr")
    everything = chosen.smooth(graph, leading(graph.walks, 25, seed=0), alone)
    np.testing.assert_allclose(everything, np.eye(25), atol=1e-4)
    _, vectors = np.linalg.eigh((graph.walks.T @ graph.walks).toarray())
    some = chosen.smooth(graph, leading(graph.walks, 4, seed=0), alone)
    np.testing.assert_allclose(some, vectors[:, -4:] @ vectors[:, -4:].T, atol=1e-4)


def test_the_randomised_directions_are_those_of_the_exact_way(monkeypatch):
    rng = np.random.default_rng(1)
    groups = np.arange(300)[:, None] % 5 == np.arange(200)[None, :] % 5  # five tastes
    taken = csr_matrix((rng.random((300, 200)) < 0.02 + 0.3 * groups).astype(np.float32))
    walks = ItemGraph.of(taken, 0.5).walks
    for matrix in (walks, walks.T.tocsr()):
        exact = leading(matrix, 5, seed=0)
        with monkeypatch.context() as patch:
            patch.setattr("models.item_graph._DENSE", 10)
            found = leading(matrix, 5, seed=0)
        np.testing.assert_allclose(found.values, exact.values, rtol=1e-2)
    overlap = np.linalg.svd(found.vectors.T @ exact.vectors, compute_uv=False)
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


def test_with_a_decay_the_latest_acts_count_most():
    learned = Interactions.from_ids(list("uuvv"), list("axby"))
    model = LinearRecommender(ridge_share=1.0, ridge=1.0, step_decay=0.5).fit(learned)
    assert model.recommend(History.of(["a", "b"]), 2, ["a", "b"])[0] == ["y", "x"]
    assert model.recommend(History.of(["b", "a"]), 2, ["a", "b"])[0] == ["x", "y"]


@pytest.mark.parametrize(
    "wrong", [{"neighbours": 0}, {"factors": 0}, {"ridge_share": 2}, {"step_decay": 0}]
)
def test_settings_that_cannot_be_are_refused(wrong):
    with pytest.raises(InvalidInput, match=next(iter(wrong))):
        LinearRecommender(**wrong).fit(checkerboard()[0])
