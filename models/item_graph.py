"""The catalogue as a graph: items are near that the same people took, and a filter on it smooths.

With R (users, items) of ones, n_u the items of a user and d_i the users of an item,
A = n_u^-a R d_i^-1/2. Two parts of a history's signal pass: its neighbourhood, the entries of
A^T A, and the leading directions of A (an ideal low-pass). GF-CF (Shen et al. 2021) and ChebyCF
(Kim et al. 2025) have a = 1/2; with a smaller one, people who took many items say more.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

_DENSE = 2_500  # items or users up to which the directions are computed exactly
_OVERSAMPLING = 32
_PASSES = 2  # of the power iteration: the spectra of such graphs fall slowly
_LEAST = 1e-10  # relative eigenvalue below which a direction is noise
_BLOCK = 2_048  # items whose neighbourhoods are held at once


@dataclass(frozen=True, slots=True, eq=False)
class ItemGraph:
    """The normalised matrix, and its leading directions once they are asked for."""

    walks: "csr_matrix"  # A, (users, items) float32
    degrees: np.ndarray  # d_i, at least 1, (items,) float32

    @classmethod
    def of(cls, taken: "csr_matrix", user_exponent: float) -> "ItemGraph":
        """Build the graph of a matrix of ones (users, items)."""
        from scipy.sparse import diags

        users, items = (np.maximum(np.asarray(taken.sum(axis=a)).ravel(), 1) for a in (1, 0))
        walks = diags(users**-user_exponent) @ taken @ diags(items**-0.5)
        return cls(walks.tocsr().astype(np.float32), items.astype(np.float32))

    def near(self, signals: "csr_matrix", damping: float) -> np.ndarray:
        """Return signals (r, items) times the entries of A^T A to the power `damping`, dense."""
        total = np.zeros(signals.shape, dtype=np.float32)
        back = self.walks.T.tocsr()
        by_item = signals.tocsc()
        for start in range(0, len(self.degrees), _BLOCK):
            part = by_item[:, start : start + _BLOCK].tocsr()
            if part.nnz:
                asked = np.unique(part.indices)
                rows = back[start + asked] @ self.walks
                rows.data **= damping
                _add(total, part[:, asked] @ rows)
        return total


@dataclass(frozen=True, slots=True)
class Filter:
    """What passes of a history's signal, in two parts.

    An item is divided by its degree to the power `exponent` before, and multiplied after: a greater
    one favours what many took. The entries of the neighbourhood are taken to the power `damping`.
    """

    exponent: float
    damping: float

    def signals(self, graph: ItemGraph, histories: "csr_matrix") -> "csr_matrix":
        """Return histories (r, items) as signals on the graph."""
        from scipy.sparse import diags

        return (histories @ diags(graph.degrees**-self.exponent)).tocsr().astype(np.float32)

    def near(self, graph: ItemGraph, histories: "csr_matrix") -> np.ndarray:
        """Return what passes of the neighbourhood, (r, items) float32."""
        found = graph.near(self.signals(graph, histories), self.damping)
        found *= graph.degrees**self.exponent
        return found

    def smooth(
        self, graph: ItemGraph, directions: "Directions", histories: "csr_matrix"
    ) -> np.ndarray:
        """Return what passes of the leading directions, (r, items) float32."""
        found = (self.signals(graph, histories) @ directions.vectors) @ directions.vectors.T
        found *= graph.degrees**self.exponent
        return np.asarray(found)


@dataclass(frozen=True, slots=True, eq=False)
class Directions:
    """The leading right singular vectors (items, k), orthonormal, and squared values (k,)."""

    vectors: np.ndarray
    values: np.ndarray

    def first(self, count: int) -> "Directions":
        """Return the leading ones of these."""
        return Directions(np.ascontiguousarray(self.vectors[:, :count]), self.values[:count])


def leading(walks: "csr_matrix", k: int, seed: int) -> Directions:
    """Return the leading directions, exact where one side is small, without those of value 0.

    Else by randomised subspace iteration (Halko, Martinsson & Tropp 2011, algorithm 4.4).
    """
    if min(walks.shape) <= max(_DENSE, 2 * k):
        return _exact(walks, k)
    back = walks.T.tocsr()
    drawn = np.random.default_rng(seed).standard_normal((walks.shape[1], k + _OVERSAMPLING))
    span = walks @ drawn.astype(np.float32)  # (users, k + o)
    for _ in range(_PASSES):
        span = walks @ _orthonormal(back @ _orthonormal(span))
    images = back @ _orthonormal(span)  # (items, k + o)
    values, turns = np.linalg.eigh((images.T @ images).astype(np.float64))
    order = _greatest(values, k)
    return Directions(
        images @ (turns[:, order] / np.sqrt(values[order])).astype(np.float32), values[order]
    )


def _exact(walks: "csr_matrix", k: int) -> Directions:
    wide = walks.shape[1] > walks.shape[0]
    basis = walks.T.tocsr() if wide else walks
    values, vectors = np.linalg.eigh((basis.T @ basis).toarray().astype(np.float64))
    order = _greatest(values, k)
    values, vectors = values[order], vectors[:, order]
    if wide:  # from left to right vectors
        vectors = (walks.T @ vectors) / np.sqrt(values)
    return Directions(vectors.astype(np.float32), values)


def _greatest(values: np.ndarray, k: int) -> np.ndarray:
    order = np.argsort(-values, kind="stable")[:k]
    return order[values[order] > max(_LEAST * float(values.max(initial=0.0)), 1e-12)]


def _orthonormal(columns: np.ndarray) -> np.ndarray:
    """Return an orthonormal basis of tall columns through their gram matrix, many times faster."""
    values, turns = np.linalg.eigh((columns.T @ columns).astype(np.float64))
    kept = values > _LEAST * values.max()
    return np.asarray(columns @ (turns[:, kept] / np.sqrt(values[kept])).astype(np.float32))


def _add(total: np.ndarray, part: "csr_matrix") -> None:
    """Add a sparse matrix to a dense one without a dense copy."""
    rows = np.repeat(np.arange(part.shape[0]), np.diff(part.indptr))
    total[rows, part.indices] += part.data  # an entry stands once in a row
