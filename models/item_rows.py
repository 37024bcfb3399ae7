"""Sparse item-to-item rows: a history's score is the sum of the rows of its items, weighed.

For models of the kind "who took this also takes that": asking costs as many additions as the rows
of the history hold, whatever the size of the catalogue.
"""

from typing import TYPE_CHECKING

import numpy as np

from models.reasons import past_reasons

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix


def row_scores(rows: "csr_matrix", at: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the sum of rows `at` (m,) times `weights` (m,), dense (items,) float32."""
    total = np.zeros(rows.shape[1])
    for row, weight in zip(at.tolist(), weights.tolist(), strict=True):
        part = slice(rows.indptr[row], rows.indptr[row + 1])
        total[rows.indices[part]] += weight * rows.data[part]  # an item stands once in a row
    return total.astype(np.float32)


def row_reasons(
    rows: "csr_matrix",
    item_ids: np.ndarray,
    at: np.ndarray,
    weights: np.ndarray,
    positions: np.ndarray,
    top: int,
) -> list[list[tuple[str, float]]]:
    """Return for each position the past items `at` that added most to its row score, and how much.

    At most `top` each, greatest first; those that added nothing are left out.
    """
    added = rows[at][:, positions].toarray() * weights[:, None]  # (m, asked)
    return past_reasons(item_ids[at], added, top)


def strongest_of_rows(rows: "csr_matrix", keep: int) -> "csr_matrix":
    """Return the rows with at most the `keep` greatest values of each, columns ascending."""
    from scipy.sparse import csr_matrix

    row_of = np.repeat(np.arange(rows.shape[0]), np.diff(rows.indptr))
    order = np.lexsort((rows.indices, -rows.data, row_of))
    rank = np.arange(len(order)) - rows.indptr[row_of]  # order keeps the rows together, in place
    kept = order[rank < keep]
    pruned = csr_matrix((rows.data[kept], (row_of[kept], rows.indices[kept])), shape=rows.shape)
    pruned.sort_indices()
    return pruned
