"""Customers like these: the nearest by behaviour, found with FAISS, the given ones left out."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import faiss
import numpy as np

from domain.errors import NotFound
from serving.vectors import only

MAX_PROBES = 16  # a larger seed is summed up by so many centres
_SEED = 7


@dataclass(frozen=True, slots=True)
class Lookalikes:
    """The nearest customers, nearest first, and which of the seed nobody knows."""

    found: list[tuple[str, float]]  # profile id, similarity: 1 at no distance, towards 0
    known: int
    unknown: list[str]


class Crowd:
    """Customers as points: `ids` (n,) text, `vectors` (n, d) float32."""

    def __init__(self, ids: np.ndarray, vectors: np.ndarray) -> None:
        self._order = np.argsort(ids)
        self._sorted = ids[self._order]
        self.ids = ids
        self._index = faiss.IndexFlatL2(vectors.shape[1])
        self._index.add(np.ascontiguousarray(vectors, dtype=np.float32))

    def __len__(self) -> int:
        return len(self.ids)

    def nearest(self, seed: Sequence[str], limit: int) -> Lookalikes:
        """Return up to `limit` customers nearest to any of the seed, without the seed itself."""
        rows, unknown = self._rows(seed)
        if not len(rows):
            raise NotFound(
                "nobody of the seed is a known customer of this release; check the ids",
                field="seed",
            )
        probes = self._probes(rows)
        allowed = np.ones(len(self), dtype=bool)
        allowed[rows] = False
        best = self._search(probes, min(limit, int(allowed.sum())), allowed)
        return Lookalikes(best[:limit], len(rows), unknown)

    def _rows(self, seed: Sequence[str]) -> tuple[np.ndarray, list[str]]:
        wanted = np.unique(np.asarray(seed, dtype=np.str_))
        at = np.searchsorted(self._sorted, wanted).clip(max=max(len(self) - 1, 0))
        hit = self._sorted[at] == wanted if len(self) else np.zeros(len(wanted), dtype=bool)
        return self._order[at[hit]], wanted[~hit].tolist()

    def _probes(self, rows: np.ndarray) -> np.ndarray:
        """Return the points to search from: the seed itself, or the centres of a large one."""
        points = self._index.reconstruct_batch(rows.astype(np.int64))  # (seed, d)
        if len(points) <= MAX_PROBES:
            return np.asarray(points)
        centres = faiss.Kmeans(
            points.shape[1], MAX_PROBES, niter=10, seed=_SEED, min_points_per_centroid=1
        )
        centres.train(points)
        return np.asarray(centres.centroids)

    def _search(self, probes: np.ndarray, k: int, allowed: np.ndarray) -> list[tuple[str, float]]:
        if k <= 0:
            return []
        squares, rows = self._index.search(probes, k, params=only(allowed))
        nearest: dict[int, float] = {}
        for row, square in zip(rows.ravel().tolist(), squares.ravel().tolist(), strict=True):
            if row >= 0:
                nearest[row] = min(square, nearest.get(row, np.inf))
        ranked = sorted(nearest.items(), key=lambda pair: (pair[1], pair[0]))
        return [
            (str(self.ids[row]), 1.0 / (1.0 + max(square, 0.0) ** 0.5)) for row, square in ranked
        ]


def read_crowd(path: Path) -> Crowd:
    """Read `customers.npz` of a release."""
    with np.load(path, allow_pickle=False) as arrays:
        return Crowd(arrays["profile_ids"].astype(np.str_), arrays["vectors"])
