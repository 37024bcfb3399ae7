import numpy as np
import pytest

from serving import vectors as under_test
from serving.vectors import VectorIndex, first_of


@pytest.mark.parametrize("share", [0.0, 0.001, 0.01, 0.05, 0.3, 0.9, 1.0])
@pytest.mark.parametrize("k", [1, 20, 1000])
def test_whatever_share_is_allowed_the_best_allowed_rows_come_back(share, k):
    rng = np.random.default_rng(7)
    vectors = rng.normal(size=(3000, 8)).astype(np.float32)
    query = rng.normal(size=8).astype(np.float32)
    allowed = rng.random(3000) < share
    rows, scores = VectorIndex(vectors).search(query, k, allowed)
    everything = np.where(allowed, vectors @ query, -np.inf)
    best = np.argsort(-everything, kind="stable")[: min(k, int(allowed.sum()))]
    assert rows.tolist() == best.tolist()
    assert np.allclose(scores, everything[best], atol=1e-5)


def test_a_mask_against_the_taste_is_still_exact():
    vectors = np.linspace(-1, 1, 1000, dtype=np.float32)[:, None]
    allowed = np.arange(1000) < 500  # all the best are masked out
    rows, _ = VectorIndex(vectors).search(np.ones(1, dtype=np.float32), 3, allowed)
    assert rows.tolist() == [499, 498, 497]


def test_an_index_without_rows_finds_nothing():
    rows, scores = VectorIndex(np.empty((0, 4), dtype=np.float32)).search(
        np.ones(4, dtype=np.float32), 3, np.empty(0, dtype=bool)
    )
    assert len(rows) == len(scores) == 0


@pytest.mark.parametrize("share", [0.001, 0.05, 0.3, 1.0])
@pytest.mark.parametrize("scaled", [False, True])
def test_a_large_index_keeps_the_mask_exactly_and_finds_nearly_all(monkeypatch, share, scaled):
    monkeypatch.setattr(under_test, "COARSE_FROM", 5000)
    rng = np.random.default_rng(7)
    vectors = rng.normal(size=(5000, 16)).astype(np.float32)
    scale = rng.random(5000) if scaled else None
    allowed = rng.random(5000) < share
    index, found = VectorIndex(vectors, scale), 0
    for query in rng.normal(size=(20, 16)).astype(np.float32):
        rows, scores = index.search(query, 10, allowed)
        exact = vectors @ query * (1 if scale is None else scale)
        best = np.argsort(-np.where(allowed, exact, -np.inf), kind="stable")[:10]
        assert len(rows) == min(10, allowed.sum()) and allowed[rows].all()
        assert np.allclose(scores, exact[rows], atol=1e-5) and np.all(np.diff(scores) <= 0)
        found += len(set(best) & set(rows)) / len(rows)
    assert found >= 20 * 0.99


@pytest.mark.parametrize("share", [0.0, 0.001, 0.3, 1.0])
@pytest.mark.parametrize("coarse_from", [500, 5000])
def test_a_mask_over_a_table_counts_by_where_each_row_stands_in_it(monkeypatch, share, coarse_from):
    monkeypatch.setattr(under_test, "COARSE_FROM", coarse_from)
    rng = np.random.default_rng(7)
    vectors = rng.normal(size=(1000, 8)).astype(np.float32)
    at = rng.permutation(3000)[:1000]  # most of the table has no vector
    allowed = rng.random(3000) < share
    query = rng.normal(size=8).astype(np.float32)
    index = VectorIndex(vectors)
    rows, scores = index.search(query, 20, allowed, at)
    expected_rows, expected = index.search(query, 20, allowed[at])
    assert len(rows) == min(20, int(allowed[at].sum())) and allowed[at[rows]].all()
    assert np.allclose(scores, expected, atol=1e-5) and set(rows) == set(expected_rows)


@pytest.mark.parametrize("share", [0.0, 0.001, 0.05, 1.0])
@pytest.mark.parametrize("k", [0, 1, 10, 20_000])
def test_the_first_of_a_ranking_are_those_of_all_of_it(share, k):
    rng = np.random.default_rng(7)
    ranked, allowed = rng.permutation(10_000), rng.random(10_000) < share
    assert first_of(ranked, k, allowed).tolist() == ranked[allowed[ranked]][:k].tolist()
