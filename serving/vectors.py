"""Nearest vectors under a mask: never a masked-out row, never padding, scores always exact.

Up to COARSE_FROM rows all are scored. With more, codes of 4 bits a dimension say which rows are
worth scoring: they are scanned where they lie in the cache, and scores come from the vectors
themselves. Where the codes leave fewer than were asked for, all rows are scored after all.
"""

from typing import Any

import faiss
import numpy as np

FEW = 0.02  # share of rows below which gathering them is quicker than scanning all
COARSE_FROM = 20_000  # rows
_LEARNED_FROM = 20_000  # rows that the codes are learned from
_SPARE = 200  # rows scored beyond those needed; of the best 10 of 100,000, 10 are then among them
_MOST = 4_000  # more than so many rows to score make the codes no help

Found = tuple[np.ndarray, np.ndarray]  # rows, best first; their inner products


class VectorIndex:
    """Inner products over rows (rows, d) float32; read only, so safe to share.

    The vectors are held, not copied. `scale` (rows,) multiplies each row, as for cosines.
    """

    def __init__(self, vectors: np.ndarray, scale: np.ndarray | None = None) -> None:
        self.vectors = np.asarray(vectors, dtype=np.float32)
        self._scale = None if scale is None else scale.astype(np.float32)
        self._coarse: Any = self._codes() if len(vectors) >= COARSE_FROM else None
        self._last: tuple[bytes, np.ndarray, np.ndarray] | None = None  # query, rows, scores

    def __len__(self) -> int:
        return len(self.vectors)

    def rows(self, rows: np.ndarray) -> np.ndarray:
        """Return some vectors, scaled, (rows, d) float32."""
        found: np.ndarray = self.vectors[rows]
        return found if self._scale is None else found * self._scale[rows][:, None]

    def scores(self, query: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Return the inner products of some rows, (rows,) float32."""
        found = np.asarray(self.vectors[rows] @ query)
        return found if self._scale is None else found * self._scale[rows]

    def search(
        self, query: np.ndarray, k: int, allowed: np.ndarray, at: np.ndarray | None = None
    ) -> Found:
        """Return at most `k` rows with `allowed` (n,) bool set, best first.

        `at` (rows,) says where in `allowed` each row stands; without it row 0 stands at 0.
        """
        kept = int(np.count_nonzero(allowed))
        k = min(k, kept)
        if k <= 0:
            return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.float32)
        query = query.astype(np.float32)
        if kept >= FEW * len(self):
            found = self._near(query, k, allowed, at)
            if found is not None:
                return found
        open_ = allowed if at is None else allowed[at]
        rows = np.flatnonzero(open_)
        if len(rows) < FEW * len(self):
            best, scores = best_of(self.scores(query, rows), k, np.ones(len(rows), dtype=bool))
            return rows[best], scores
        return best_of(self._all(query), k, open_)

    def _near(
        self, query: np.ndarray, k: int, allowed: np.ndarray, at: np.ndarray | None
    ) -> Found | None:
        """Return the best `k` of the rows that the codes find; None if they do not find enough."""
        if self._coarse is None:
            return None
        more = min(int(1.5 * k * len(allowed) / np.count_nonzero(allowed)) + _SPARE, len(self))
        if more > _MOST:
            return None
        rows, scores = self._worth_scoring(query, more)
        fine = allowed[rows if at is None else at[rows]]
        if np.count_nonzero(fine) < k:
            return None
        best, found = best_of(scores, k, fine)
        return rows[best], found

    def _worth_scoring(self, query: np.ndarray, more: int) -> tuple[np.ndarray, np.ndarray]:
        """Return at least `more` rows, ascending, and their scores.

        Several lists for one person share a pass. Threads may race for which pass is kept: each is
        whole, and checked against the query.
        """
        asked, last = query.tobytes(), self._last
        if last is not None and last[0] == asked and len(last[1]) >= more:
            return last[1], last[2]
        _, found = self._coarse.search(query[None, :], more)
        rows = np.sort(found[0][found[0] >= 0])
        scores = self.scores(query, rows)
        self._last = asked, rows, scores
        return rows, scores

    def _all(self, query: np.ndarray) -> np.ndarray:
        scores = np.asarray(self.vectors @ query)  # (rows, d) x (d,) -> (rows,)
        return scores if self._scale is None else scores * self._scale

    def _codes(self) -> faiss.Index:
        """Return the rows as product-quantised codes, one of 16 values a dimension."""
        rows, d = self.vectors.shape
        index = faiss.index_factory(d, f"PQ{d}x4fs", faiss.METRIC_INNER_PRODUCT)
        step = max(rows // _LEARNED_FROM, 1)
        index.train(self.rows(np.arange(0, rows, step)))
        for start in range(0, rows, _LEARNED_FROM):
            index.add(self.rows(np.arange(start, min(start + _LEARNED_FROM, rows))))
        return index


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


def first_of(ranked: np.ndarray, k: int, allowed: np.ndarray) -> np.ndarray:
    """Return at most `k` rows with `allowed` set, in the order of a ranking (rows,).

    The ranking is read in pieces, each longer than the one before, until there are enough.
    """
    found = [np.empty(0, dtype=np.int64)]
    start, size = 0, 8 * k + 256
    while k > 0 and start < len(ranked):
        piece = ranked[start : start + size]
        found.append(piece[allowed[piece]][:k])
        k -= len(found[-1])
        start, size = start + size, 4 * size
    return np.concatenate(found)


def inverse_lengths(vectors: np.ndarray) -> np.ndarray:
    """Return 1 over the length of each row, (rows,); as good as that for a row of zeros."""
    return np.asarray(1.0 / np.maximum(np.linalg.norm(vectors, axis=1), 1e-12))


def only(allowed: np.ndarray) -> Any:
    """Return the search parameters that keep to the rows with `allowed` set; they hold the mask."""
    library: Any = faiss  # its wrappers take other arguments than its signatures say
    return library.SearchParameters(
        sel=library.IDSelectorBitmap(np.packbits(allowed, bitorder="little"))
    )
