"""Nearest vectors under a mask: exact, never a masked-out row, never padding."""

from typing import Any

import faiss
import numpy as np

FEW = 0.02  # share of rows below which gathering them is quicker than scanning all

Found = tuple[np.ndarray, np.ndarray]  # rows, best first; their inner products


class VectorIndex:
    """Inner products over the rows of `vectors` (rows, d) float32; read only, so safe to share."""

    def __init__(self, vectors: np.ndarray) -> None:
        self.vectors = np.ascontiguousarray(vectors, dtype=np.float32)
        self._index = faiss.IndexFlatIP(self.vectors.shape[1])
        self._index.add(self.vectors)

    def __len__(self) -> int:
        return len(self.vectors)

    def search(self, query: np.ndarray, k: int, allowed: np.ndarray) -> Found:
        """Return at most `k` rows with `allowed` (rows,) bool set, best first."""
        kept = int(np.count_nonzero(allowed))
        k = min(k, kept)
        if k <= 0:
            return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.float32)
        if kept < FEW * len(self):
            return self._gathered(query, k, np.flatnonzero(allowed))
        wanted = query[None, :].astype(np.float32)  # (1, d)
        scores, rows = self._index.search(wanted, k, params=only(allowed))
        found = rows[0] >= 0
        return rows[0][found], scores[0][found]

    def _gathered(self, query: np.ndarray, k: int, rows: np.ndarray) -> Found:
        scores = self.vectors[rows] @ query.astype(np.float32)  # (kept, d) x (d,) -> (kept,)
        best = np.argsort(-scores, kind="stable")[:k]
        return rows[best], scores[best]


def only(allowed: np.ndarray) -> Any:
    """Return the search parameters that keep to the rows with `allowed` set; they hold the mask."""
    library: Any = faiss  # its wrappers take other arguments than its signatures say
    return library.SearchParameters(
        sel=library.IDSelectorBitmap(np.packbits(allowed, bitorder="little"))
    )


def unit(vectors: np.ndarray) -> np.ndarray:
    """Return the rows scaled to length 1; a row of zeros stays as it is."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-12), dtype=np.float32)
