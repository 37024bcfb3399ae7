import numpy as np
from scipy.sparse import csr_matrix

from models.item_rows import row_reasons, row_scores, strongest_of_rows

ROWS = csr_matrix(np.array([[0, 3, 1, 2], [5, 0, 0, 0], [0, 0, 0, 0], [1, 1, 1, 1]], np.float32))
IDS = np.array(["a", "b", "c", "d"])


def test_only_the_greatest_of_each_row_are_kept():
    kept = strongest_of_rows(ROWS, 2).toarray().tolist()
    assert kept == [[0, 3, 0, 2], [5, 0, 0, 0], [0, 0, 0, 0], [1, 1, 0, 0]]


def test_scores_are_the_weighed_sum_of_the_rows():
    scores = row_scores(ROWS, np.array([0, 3]), np.array([2.0, 0.5]))
    assert scores.tolist() == [0.5, 6.5, 2.5, 4.5] and scores.dtype == np.float32
    assert row_scores(ROWS, np.array([], dtype=int), np.array([])).tolist() == [0, 0, 0, 0]


def test_reasons_leave_out_what_added_nothing():
    at, weights, asked = np.array([0, 1, 3]), np.array([2.0, 1.0, 8.0]), np.array([0, 3, 2])
    found = row_reasons(ROWS, IDS, at, weights, asked, 2)
    assert found == [[("d", 8), ("b", 5)], [("d", 8), ("a", 4)], [("d", 8), ("a", 2)]]
    assert row_reasons(ROWS, IDS, at[1:2], weights[1:2], asked, 2) == [[("b", 5)], [], []]
