"""Items that the recommender never met, each held to be the known items that read most like it.

A newcomer's score is a weighed sum of the scores of those items, so it has the measure of the
model, whatever its kind, and the same past items for reasons.
"""

from collections.abc import Callable

import numpy as np

Scorer = Callable[[np.ndarray], np.ndarray]  # places of the model (n,) -> scores (n,)


class Newcomers:
    """Rows of the item table with their neighbours: places of the model, and weights up to 1.

    rows (m,) int64 ascending, like (m, n) int64 places, weights (m, n) float32; a weight of 0 fills
    up where an item is like fewer. Read only.
    """

    def __init__(self, rows: np.ndarray, like: np.ndarray, weights: np.ndarray) -> None:
        self.rows = rows
        self._like, self._weights = like, weights.astype(np.float32)
        self._met, self._at = np.unique(like, return_inverse=True)  # few items serve many
        self._at = self._at.reshape(like.shape)

    @classmethod
    def none(cls) -> "Newcomers":
        """Return no newcomers."""
        nothing = np.empty((0, 0), dtype=np.int64)
        return cls(np.empty(0, dtype=np.int64), nothing, nothing.astype(np.float32))

    def joined(self, others: "Newcomers") -> "Newcomers":
        """Return both; of a row in both, that of the others counts."""
        kept = ~np.isin(self.rows, others.rows)
        if not len(others) or not kept.any():
            return others if len(others) else self
        rows = np.append(self.rows[kept], others.rows)
        order = np.argsort(rows)
        like = np.concatenate([self._like[kept], others._like])
        weights = np.concatenate([self._weights[kept], others._weights])
        return Newcomers(rows[order], like[order], weights[order])

    def __len__(self) -> int:
        return len(self.rows)

    def places(self, rows: np.ndarray) -> np.ndarray:
        """Return where each row of the table stands here, -1 for none."""
        if not len(self.rows):
            return np.full(len(rows), -1, dtype=np.int64)
        at = np.minimum(np.searchsorted(self.rows, rows), len(self.rows) - 1)
        return np.where(self.rows[at] == rows, at, -1)

    def scores(self, scorer: Scorer) -> np.ndarray:
        """Return the score of each newcomer, (m,) float32."""
        if not len(self.rows):
            return np.empty(0, dtype=np.float32)
        met = scorer(self._met)
        return np.asarray((met[self._at] * self._weights).sum(axis=1), dtype=np.float32)

    def neighbours(self, place: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the places of the items that a newcomer is like, and the weight of each."""
        weights = self._weights[place]
        kept = weights > 0
        return self._met[self._at[place]][kept], weights[kept]
