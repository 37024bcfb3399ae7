"""The catalogue as a graph: items are near that the same people took, and a filter on it smooths.

R (users, items) of ones is normalised by both degrees, A = D_u^-1/2 R D_i^-1/2; the eigenvalues of
A^T A lie in [0, 1], the smooth directions of the graph near 1. A filter keeps what is smooth in a
history: `near` (A^T A itself) for all directions, another response for the leading ones.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

_DENSE = 2_500  # items or users up to which the eigenvectors are computed exactly
_OVERSAMPLING = 32
_PASSES = 2  # of the power iteration: the spectra of such graphs fall slowly
_LEAST = 1e-10  # relative eigenvalue below which a direction is noise


@dataclass(frozen=True, slots=True, eq=False)
class ItemGraph:
    """The normalised matrix with its leading directions, the strongest first."""

    walks: "csr_matrix"  # A, (users, items) float32
    degrees: np.ndarray  # how many users took each item, at least 1, (items,) float32
    vectors: np.ndarray  # (items, k) float32, orthonormal
    values: np.ndarray  # (k,) eigenvalues of A^T A

    @classmethod
    def of(cls, taken: "csr_matrix", factors: int, seed: int) -> "ItemGraph":
        """Build the graph of a matrix of ones (users, items)."""
        from scipy.sparse import diags

        users, items = (np.maximum(np.asarray(taken.sum(axis=a)).ravel(), 1) for a in (1, 0))
        walks = (diags(users**-0.5) @ taken @ diags(items**-0.5)).tocsr().astype(np.float32)
        vectors, values = leading(walks, factors, seed)
        return cls(walks, items.astype(np.float32), vectors, values)

    def near(self, signals: "csr_matrix") -> "csr_matrix":
        """Return signals (r, items) after one step over users and back, (r, items)."""
        return ((signals @ self.walks.T) @ self.walks).tocsr()


@dataclass(frozen=True, slots=True)
class Filter:
    """How strongly each direction of eigenvalue v passes: `boost` + the plateau for the leading
    `factors`, the slope of the plateau at 0 for all others.

    The plateau rises from 0 to 1, flat around v = 1/2 for a `bend` above 1 (Kim et al. 2025, "Graph
    spectral filtering with Chebyshev interpolation", eq. 12; there a polynomial of degree 8). With
    bend 1 and exponent 1/2 it is GF-CF (Shen et al. 2021). Before and after, an item is divided and
    multiplied by its degree to the power `exponent`: greater values favour what many took.
    """

    factors: int
    exponent: float
    boost: float
    bend: float

    def pulls(self, graph: ItemGraph, histories: "csr_matrix") -> np.ndarray:
        """Return the filtered histories (r, items), dense float32."""
        from scipy.sparse import diags

        signals = (histories @ diags(graph.degrees**-self.exponent)).tocsr().astype(np.float32)
        vectors, values = graph.vectors[:, : self.factors], graph.values[: self.factors]
        extra = self.boost + plateau(values, self.bend) - self.bend * values  # (k,)
        smooth = ((signals @ vectors) * extra.astype(np.float32)) @ vectors.T  # (r, items)
        near = graph.near(signals)
        near.data *= self.bend
        smooth += near.toarray()
        smooth *= graph.degrees**self.exponent
        return np.asarray(smooth)


def plateau(values: np.ndarray, bend: float) -> np.ndarray:
    """Return 1/2 - sign(x) |x|^bend / 2 at x = 1 - 2 values: 0 at 0, 1/2 at 1/2, 1 at 1."""
    x = 1 - 2 * values
    return np.asarray(0.5 - 0.5 * np.sign(x) * np.abs(x) ** bend)


def leading(walks: "csr_matrix", k: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the leading right singular vectors (items, k) and squared singular values (k,).

    Exact for a small side, else by randomised subspace iteration (Halko, Martinsson & Tropp 2011,
    algorithm 4.4). Directions of value 0 are left out.
    """
    small = min(walks.shape)
    if small <= max(_DENSE, 2 * k):
        wide = walks.shape[1] <= walks.shape[0]
        basis = walks if wide else walks.T.tocsr()
        values, vectors = np.linalg.eigh((basis.T @ basis).toarray().astype(np.float64))
        if not wide:  # from left to right vectors
            vectors = (walks.T @ vectors) / np.sqrt(np.maximum(values, _LEAST))
        order = np.argsort(-values, kind="stable")[:k]
        order = order[values[order] > 1e-7]
        return vectors[:, order].astype(np.float32), values[order]
    back = walks.T.tocsr()
    drawn = np.random.default_rng(seed).standard_normal((walks.shape[1], k + _OVERSAMPLING))
    span = walks @ drawn.astype(np.float32)  # (users, k + o)
    for _ in range(_PASSES):
        span = walks @ _orthonormal(back @ _orthonormal(span))
    images = back @ _orthonormal(span)  # (items, k + o)
    values, turns = np.linalg.eigh((images.T @ images).astype(np.float64))
    order = np.argsort(-values, kind="stable")[:k]
    order = order[values[order] > _LEAST * values.max()]
    turns = (turns[:, order] / np.sqrt(values[order])).astype(np.float32)
    return images @ turns, values[order]


def _orthonormal(columns: np.ndarray) -> np.ndarray:
    """Return an orthonormal basis of tall columns through their gram matrix, many times faster."""
    values, turns = np.linalg.eigh((columns.T @ columns).astype(np.float64))
    kept = values > _LEAST * values.max()
    return np.asarray(columns @ (turns[:, kept] / np.sqrt(values[kept])).astype(np.float32))
