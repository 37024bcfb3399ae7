"""Item to item in closed form: nothing is iterated, and a history never seen is a sum of rows."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np

from domain.errors import InvalidInput, NotEnoughData
from models.history import History
from models.interactions import Interactions
from models.item_graph import Filter, ItemGraph, leading
from models.item_rows import row_reasons, row_scores
from models.manifest import params_of, read_manifest, saving
from models.popular import popularity
from models.ranking import Catalogue, RanksByScore

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

RIDGE_ITEMS = 8_000  # beyond, the inverse of all items takes minutes and gigabytes
_BLOCK = 512  # items whose rows are computed at once
_SAMPLE = 500  # users whose scores tell how great the two parts of the filter are
_TIE_BREAK = 1e-6  # of the popularity share: orders the items that no row ties to the history


class LinearRecommender(RanksByScore):
    """Scores by S = (1 - ridge_share) F / |F| + ridge_share E / |E|, a row for each past item.

    F is a filter on the graph of items (models.item_graph); E is EASE (Steck 2019, eq. 8), E =
    I - G / diag(G) with G = (R^T R + ridge I)^-1, for catalogues up to 8,000 items (else left out).
    |.| is the Frobenius norm; the diagonal is zero: an item says nothing of itself. Of each row the
    `neighbours` greatest values are kept, all where ridge is in.

    The score is the sum of the rows of the history, each times its weight and step_decay^(steps
    back), below 1 where the order of a history matters; and in addition 0.000001 times the item's
    share of all weight, which no past item is the reason of: so the rest of the list, and a history
    without known items, has the popular order.
    """

    KIND: ClassVar[str] = "linear"
    catalogue_: Catalogue
    rows_: "csr_matrix"  # (items, items) float32, row: the past item
    popularity_: np.ndarray  # (items,) float32

    def __init__(
        self,
        *,
        user_exponent: float = 0.3,
        exponent: float = 0.3,
        damping: float = 1.0,
        factors: int = 512,
        boost: float = 0.5,
        ridge: float = 300.0,
        ridge_share: float = 0.0,
        step_decay: float = 1.0,
        neighbours: int = 400,
        seed: int = 0,
    ) -> None:
        self.user_exponent = user_exponent
        self.exponent = exponent
        self.damping = damping
        self.factors = factors
        self.boost = boost
        self.ridge = ridge
        self.ridge_share = ridge_share
        self.step_decay = step_decay
        self.neighbours = neighbours
        self.seed = seed

    def fit(self, interactions: Interactions) -> Self:
        """Compute the rows; who took what counts, not how often."""
        if not len(interactions):
            raise NotEnoughData("linear: no interactions to learn from; widen the time window")
        if self.neighbours < 1 or self.factors < 1 or not 0 <= self.ridge_share <= 1:
            raise InvalidInput(
                f"linear: neighbours {self.neighbours}, factors {self.factors}, ridge_share "
                f"{self.ridge_share}; give at least 1, at least 1, and a share from 0 to 1"
            )
        if not 0 < self.step_decay <= 1:
            raise InvalidInput(
                f"linear: step_decay is {self.step_decay}; give above 0, at most 1",
                field="step_decay",
            )
        taken = ones(interactions)
        ridge = self.ridge_share if taken.shape[1] <= RIDGE_ITEMS else 0.0
        parts = []
        if ridge < 1:
            keep = taken.shape[1] if ridge else self.neighbours
            parts.append(scaled(self._filtered(taken, keep), 1 - ridge))
        if ridge > 0:
            parts.append(scaled(ridge_rows(taken, self.ridge), ridge))
        self.rows_ = sum(parts[1:], parts[0])
        self.popularity_ = popularity(interactions)
        self.catalogue_ = Catalogue(interactions.item_ids)
        return self

    def score_batch(self, histories: Sequence[History]) -> np.ndarray:
        """Return the score of each item for each history, (histories, items) float32."""
        catalogue = self._catalogue()
        scores = np.empty((len(histories), len(catalogue)), dtype=np.float32)
        for row, history in enumerate(histories):
            scores[row] = row_scores(self.rows_, *catalogue.weights(history, self.step_decay))
        return scores + np.float32(_TIE_BREAK) * self.popularity_

    def strongest(
        self, history: History, positions: np.ndarray, top: int
    ) -> list[list[tuple[str, float]]]:
        """Return for each position the `top` past items whose rows added most to its score."""
        catalogue = self._catalogue()
        at, weights = catalogue.weights(history, self.step_decay)
        return row_reasons(self.rows_, catalogue.item_ids, at, weights, positions, top)

    def save(self, folder: Path) -> None:
        """Write `rows.npz` with a manifest."""
        catalogue = self._catalogue()
        with saving(folder, self.KIND, params_of(self)) as draft:
            np.savez(
                draft / "rows.npz",
                item_ids=catalogue.item_ids,
                popularity=self.popularity_,
                data=self.rows_.data,
                indices=self.rows_.indices,
                indptr=self.rows_.indptr,
            )

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read a saved model."""
        from scipy.sparse import csr_matrix

        model = cls(**read_manifest(folder, cls.KIND).params)
        with np.load(Path(folder) / "rows.npz", allow_pickle=False) as arrays:
            items = len(arrays["item_ids"])
            parts = (arrays["data"], arrays["indices"], arrays["indptr"])
            model.rows_ = csr_matrix(parts, shape=(items, items))
            model.popularity_ = arrays["popularity"]
            model.catalogue_ = Catalogue(arrays["item_ids"])
        return model

    def _filtered(self, taken: "csr_matrix", keep: int) -> "csr_matrix":
        """Return the filter's row of each item, (items, items), with its `keep` greatest values."""
        from scipy.sparse import identity, vstack

        graph = ItemGraph.of(taken, self.user_exponent)
        chosen = Filter(self.exponent, self.damping)
        asked = sampled(taken, self.seed)
        near_size = size_of(chosen.near(graph, asked))
        if self.boost > 0:
            directions = leading(graph.walks, self.factors, self.seed)
            smooth_size = size_of(chosen.smooth(graph, directions, asked))
        alone = identity(taken.shape[1], dtype=np.float32, format="csr")
        blocks = []
        for start in range(0, taken.shape[1], _BLOCK):
            rows = chosen.near(graph, alone[start : start + _BLOCK])
            rows /= near_size
            if self.boost > 0:
                smooth = chosen.smooth(graph, directions, alone[start : start + _BLOCK])
                smooth *= self.boost / smooth_size
                rows += smooth
            rows[np.arange(len(rows)), start + np.arange(len(rows))] = 0
            blocks.append(greatest(rows, keep))
        return vstack(blocks, format="csr", dtype=np.float32)


def sampled(taken: "csr_matrix", seed: int) -> "csr_matrix":
    """Return the rows of some users with acts, (r, items)."""
    users = np.flatnonzero(np.diff(taken.indptr))
    if len(users) > _SAMPLE:
        users = np.random.default_rng(seed).choice(users, _SAMPLE, replace=False)
    return taken[np.sort(users)]


def size_of(scores: np.ndarray) -> float:
    """Return the mean length of rows (r, items), by which two parts are made alike."""
    return max(float(np.linalg.norm(scores, axis=1).mean()), 1e-300)


def ones(interactions: Interactions) -> "csr_matrix":
    """Return who took what as ones, (users, items) float32."""
    taken = interactions.matrix()
    taken.data[:] = 1.0
    return taken


def ridge_rows(taken: "csr_matrix", ridge: float) -> "csr_matrix":
    """Return EASE's rows, (items, items), dense inside a sparse frame."""
    from scipy.linalg import cho_factor, cho_solve
    from scipy.sparse import csr_matrix

    gram = (taken.T @ taken).toarray().astype(np.float64)
    gram[np.diag_indices_from(gram)] += ridge
    inverse = cho_solve(cho_factor(gram, lower=True, overwrite_a=True), np.eye(len(gram)))
    rows = (-inverse / np.diag(inverse)).astype(np.float32)
    rows[np.diag_indices_from(rows)] = 0
    return csr_matrix(rows)


def scaled(rows: "csr_matrix", share: float) -> "csr_matrix":
    """Return rows of Frobenius norm `share` times the root of their number."""
    norm = float(np.sqrt((rows.data.astype(np.float64) ** 2).sum() / rows.shape[0]))
    return rows * np.float32(share / max(norm, 1e-300))


def greatest(values: np.ndarray, keep: int) -> "csr_matrix":
    """Return dense rows (r, items) with the `keep` greatest values of each, columns ascending."""
    from scipy.sparse import csr_matrix

    if keep >= values.shape[1]:
        return csr_matrix(values)
    at = np.sort(np.argpartition(-values, keep - 1, axis=1)[:, :keep], axis=1)  # (r, keep)
    kept = np.take_along_axis(values, at, axis=1)
    starts = np.arange(len(values) + 1) * keep
    return csr_matrix((kept.ravel(), at.ravel(), starts), shape=values.shape)
