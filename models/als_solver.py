"""The exact half-step of ALS for many rows at once, cheap where a row has few entries.

One row x with entries Y_S (m, d) of weights w solves (Rendle, Krichene, Zhang & Koren 2022, eq. 4)

    (Y_S^T W Y_S + unobserved * Y^T Y + penalty * I) x = Y_S^T w,

with its own penalty. In the eigenbasis of Y^T Y the last two terms are a diagonal D, and by the
push-through identity x = D^-1 Y_S^T (W^-1 + Y_S D^-1 Y_S^T)^-1 1: an m by m system in place of
d by d. Rows of like length are solved together; those longer than d take the d by d system.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix

_CELLS = 3_000_000  # floats of one block of gathered vectors


@dataclass(frozen=True, slots=True, eq=False)
class Basis:
    """The vectors of the other side, rotated so that their gram matrix is diagonal."""

    vectors: np.ndarray  # (n, d)
    gram: np.ndarray  # (d,), the eigenvalues of Y^T Y, not below 0
    rotation: np.ndarray  # (d, d); vectors @ rotation.T are the vectors as they were

    @classmethod
    def of(cls, vectors: np.ndarray) -> "Basis":
        """Rotate vectors (n, d); the precision is that of the vectors."""
        gram, rotation = np.linalg.eigh((vectors.T @ vectors).astype(np.float64))
        turned = rotation.astype(vectors.dtype)
        return cls(vectors @ turned, np.maximum(gram, 0.0).astype(vectors.dtype), turned)


@dataclass(frozen=True, slots=True)
class Loss:
    """What is fitted: the weight of pairs not observed, and the pull of each row towards zero."""

    unobserved: float
    regularization: float  # the pull of an average row
    exponent: float  # 1: the pull grows with a row's weight, 0: it is the same for all

    def penalties(self, mass: np.ndarray, others: int, average: float) -> np.ndarray:
        """Return the penalty of rows with summed weights `mass` (r,), `average` over all rows.

        Rendle et al. 2022, eq. 8, with its factor set so that an average row has `regularization`.
        """
        beside = self.unobserved * others
        scale = (mass + beside) / max(average + beside, 1e-300)
        return np.asarray(self.regularization * scale**self.exponent)


def half_step(matrix: csr_matrix, vectors: np.ndarray, loss: Loss, threads: int) -> np.ndarray:
    """Return the best vector of each row of matrix (r, n) against vectors (n, d), (r, d) float32.

    A row without entries gets zeros. Blocks are solved apart, so threads change no number.
    """
    basis = Basis.of(vectors)
    mass = np.asarray(matrix.sum(axis=1), dtype=np.float64).ravel()
    average = mean_mass(matrix)
    penalties = loss.penalties(mass, matrix.shape[1], average).astype(np.float32)
    solved = np.zeros((matrix.shape[0], vectors.shape[1]), dtype=np.float32)

    def solve(rows: np.ndarray) -> None:
        diagonal = loss.unobserved * basis.gram + penalties[rows, None]  # (b, d)
        at, weights = _padded(matrix, rows)
        if at.shape[1] > vectors.shape[1]:
            solved[rows[0]] = _by_factors(basis.vectors[at[0]], weights[0], diagonal[0])
        else:
            solved[rows] = _by_entries(basis.vectors[at], weights, diagonal)

    def solve_all(blocks: Sequence[np.ndarray]) -> None:
        for rows in blocks:
            solve(rows)

    blocks, threads = list(_blocks(np.diff(matrix.indptr), vectors.shape[1])), max(1, threads)
    with ThreadPoolExecutor(max_workers=threads) as pool:
        list(pool.map(solve_all, (blocks[n::threads] for n in range(threads))))
    return np.asarray(solved @ basis.rotation.T)


def mean_mass(matrix: csr_matrix) -> float:
    """Return the mean summed weight of the rows that have entries."""
    return float(matrix.sum() / max(np.count_nonzero(np.diff(matrix.indptr)), 1))


def _by_entries(vectors: np.ndarray, weights: np.ndarray, diagonal: np.ndarray) -> np.ndarray:
    """Solve rows by their entries: vectors (b, m, d), weights (b, m), 0 where padded."""
    real = weights > 0
    vectors = vectors * real[:, :, None]
    scaled = vectors / diagonal[:, None, :]
    system = scaled @ vectors.transpose(0, 2, 1)  # (b, m, m)
    m = system.shape[1]
    system[:, np.arange(m), np.arange(m)] += 1 / np.where(real, weights, 1.0)
    pulls = np.linalg.solve(system, real.astype(np.float32)[:, :, None])  # (b, m, 1)
    return np.asarray((scaled.transpose(0, 2, 1) @ pulls)[:, :, 0])


def _by_factors(vectors: np.ndarray, weights: np.ndarray, diagonal: np.ndarray) -> np.ndarray:
    """Solve one long row: vectors (m, d), weights (m,), diagonal (d,)."""
    system = (vectors * weights[:, None]).T @ vectors
    system[np.diag_indices_from(system)] += diagonal
    return np.asarray(np.linalg.solve(system, weights @ vectors))


def _blocks(lengths: np.ndarray, d: int) -> Iterator[np.ndarray]:
    """Yield rows of like length; a row of more than d entries alone, one without none."""
    order = np.argsort(lengths, kind="stable")
    order = order[np.searchsorted(lengths[order], 1) :]
    start = 0
    while start < len(order):
        shortest = int(lengths[order[start]])
        longest = min(max(shortest + 2, int(1.2 * shortest)), d)
        alike = np.searchsorted(lengths[order], longest, side="right") - start
        count = 1 if shortest > d else max(1, min(int(alike), _CELLS // (longest * d)))
        yield order[start : start + count]
        start += count


def _padded(matrix: csr_matrix, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return positions and weights of rows, (b, longest), the weight 0 where a row is shorter."""
    starts, ends = matrix.indptr[rows], matrix.indptr[rows + 1]
    at = starts[:, None] + np.arange((ends - starts).max())
    real = at < ends[:, None]
    at = np.where(real, at, 0)
    return matrix.indices[at], np.where(real, matrix.data[at], 0.0).astype(np.float32)
