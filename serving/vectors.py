"""Nearest vectors under a mask: exact, never a masked-out row, never padding."""

from typing import Any

import faiss
import numpy as np

FEW = 0.02  # share of rows below which gathering them is quicker than scanning all
MANY = 0.2  # share from which taking more than needed, and then masking, is worth a try
_MOST = 400  # more than so many results make a plain search slow

Found = tuple[np.ndarray, np.ndarray]  # rows, best first; their inner products


class VectorIndex:
    """Inner products over rows (rows, d) float32; read only, so safe to share."""

    def __init__(self, vectors: np.ndarray) -> None:
        rows, d = vectors.shape
        self._index = faiss.IndexFlatIP(d)
        self._index.add(np.ascontiguousarray(vectors, dtype=np.float32))
        kept = faiss.rev_swig_ptr(self._index.get_xb(), rows * d) if rows else vectors
        self.vectors = kept.reshape(rows, d)  # a view of what the index holds, not a copy
        self._last: tuple[bytes, np.ndarray, np.ndarray] | None = None  # query, scores, rows

    def __len__(self) -> int:
        return len(self.vectors)

    def search(self, query: np.ndarray, k: int, allowed: np.ndarray) -> Found:
        """Return at most `k` rows with `allowed` (rows,) bool set, best first."""
        kept = int(np.count_nonzero(allowed))
        k = min(k, kept)
        if k <= 0:
            return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.float32)
        wanted = query[None, :].astype(np.float32)  # (1, d)
        if kept < FEW * len(self):
            return self._gathered(wanted[0], k, np.flatnonzero(allowed))
        found = self._overfetched(wanted, k, allowed, kept / len(self))
        return self._scanned(wanted, k, allowed) if found is None else found

    def _overfetched(
        self, wanted: np.ndarray, k: int, allowed: np.ndarray, share: float
    ) -> Found | None:
        """Return the best `k` if they are among the best of all rows, found without a mask."""
        more = min(int(1.5 * k / share) + 32, len(self))
        if share < MANY or more > _MOST:
            return None
        scores, rows = self._best(wanted, more)
        fine = np.flatnonzero(allowed[rows])[:k]
        return (rows[fine], scores[fine]) if len(fine) == k else None

    def _best(self, wanted: np.ndarray, more: int) -> tuple[np.ndarray, np.ndarray]:
        """Return at least the best `more` of all rows; several lists for one person share a pass.

        Threads may race here: whichever pass is kept is whole, and checked against the query.
        """
        query, last = wanted.tobytes(), self._last
        if last is not None and last[0] == query and len(last[2]) >= more:
            return last[1], last[2]
        scores, rows = self._index.search(wanted, more)
        self._last = query, scores[0], rows[0]
        return scores[0], rows[0]

    def _scanned(self, wanted: np.ndarray, k: int, allowed: np.ndarray) -> Found:
        scores, rows = self._index.search(wanted, k, params=only(allowed))
        found = rows[0] >= 0
        return rows[0][found], scores[0][found]

    def _gathered(self, query: np.ndarray, k: int, rows: np.ndarray) -> Found:
        scores = self.vectors[rows] @ query  # (kept, d) x (d,) -> (kept,)
        best = np.argsort(-scores, kind="stable")[:k]
        return rows[best], scores[best]


def only(allowed: np.ndarray) -> Any:
    """Return the search parameters that keep to the rows with `allowed` set; they hold the mask."""
    library: Any = faiss  # its wrappers take other arguments than its signatures say
    return library.SearchParameters(
        sel=library.IDSelectorBitmap(np.packbits(allowed, bitorder="little"))
    )


def best_of(scores: np.ndarray, k: int, allowed: np.ndarray) -> Found:
    """Return at most `k` rows with `allowed` set, the greatest of scores (rows,) first.

    Of equals the earlier row.
    """
    rows = np.flatnonzero(allowed)
    if k <= 0 or not len(rows):
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.float32)
    kept = scores[rows]
    if k < len(rows):
        least = np.partition(kept, len(rows) - k)[len(rows) - k]  # the k-th greatest
        near = kept >= least  # with all that tie, so that ties break by row
        rows, kept = rows[near], kept[near]
    best = np.argsort(-kept, kind="stable")[:k]
    return rows[best], kept[best]


def unit(vectors: np.ndarray) -> np.ndarray:
    """Return the rows scaled to length 1; a row of zeros stays as it is."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-12), dtype=np.float32)
