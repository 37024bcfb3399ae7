"""What is taken together in one basket more often than chance: for carts and product pages."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np

from domain.errors import InvalidInput, NotEnoughData
from models.history import History
from models.interactions import Interactions
from models.item_rows import row_reasons, row_scores, strongest_of_rows
from models.manifest import params_of, read_manifest, saving
from models.popular import popularity
from models.ranking import Catalogue, RanksByScore

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

_TIE_BREAK = 1e-5  # of the popularity share: orders the items that no basket ties to the history
_BLOCK = 2048  # items whose pairs are counted at once


class BoughtTogetherRecommender(RanksByScore):
    """Scores an item by the smoothed log lift of its pairs with the items of the history.

    A basket is what one user took at one instant (an order); without times, all that a user took.
    Where `bought` is known and there are purchases, only they make baskets. With n_i baskets that
    hold item i, n_ij that hold both, N in all, and e = n_i n_j / N expected by chance (lift: Brin,
    Motwani & Silverstein 1997), a pair is worth log2((n_ij + prior) / (e + prior)): 1 is twice as
    often as by chance, and the prior keeps pairs of rare items small. Pairs in fewer baskets than
    `min_baskets`, or not above chance, are worth 0; of each item the `neighbours` best are kept.

    The score is the sum over the past items, each times its weight, and in addition 0.00001 times
    the item's share of all weight, which no past item is the reason of: so the rest of the list,
    and a history without known items, has the popular order.
    """

    KIND: ClassVar[str] = "bought_together"
    catalogue_: Catalogue
    rows_: "csr_matrix"  # (items, items), row: the past item
    popularity_: np.ndarray  # (items,) float32

    def __init__(
        self, *, min_baskets: int = 2, prior_baskets: float = 2.0, neighbours: int = 100
    ) -> None:
        self.min_baskets = min_baskets
        self.prior_baskets = prior_baskets
        self.neighbours = neighbours

    def fit(self, interactions: Interactions) -> Self:
        """Count baskets and pairs."""
        if not len(interactions):
            raise NotEnoughData("bought_together: no baskets to count; widen the time window")
        if self.min_baskets < 1 or self.neighbours < 1 or self.prior_baskets <= 0:
            raise InvalidInput(
                f"bought_together: min_baskets {self.min_baskets}, neighbours {self.neighbours}, "
                f"prior_baskets {self.prior_baskets}; all must be above 0"
            )
        self.rows_ = self._lifts(baskets(interactions))
        self.popularity_ = popularity(interactions)
        self.catalogue_ = Catalogue(interactions.item_ids)
        return self

    def score_batch(self, histories: Sequence[History]) -> np.ndarray:
        """Return the score of each item for each history, (histories, items) float32."""
        catalogue = self._catalogue()
        scores = np.empty((len(histories), len(catalogue)), dtype=np.float32)
        for row, history in enumerate(histories):
            scores[row] = row_scores(self.rows_, *catalogue.weights(history))
        return scores + np.float32(_TIE_BREAK) * self.popularity_

    def strongest(
        self, history: History, positions: np.ndarray, top: int
    ) -> list[list[tuple[str, float]]]:
        """Return for each position the `top` past items whose lift added most to its score."""
        catalogue = self._catalogue()
        at, weights = catalogue.weights(history)
        return row_reasons(self.rows_, catalogue.item_ids, at, weights, positions, top)

    def save(self, folder: Path) -> None:
        """Write `lifts.npz` with a manifest."""
        catalogue = self._catalogue()
        with saving(folder, self.KIND, params_of(self)) as draft:
            np.savez(
                draft / "lifts.npz",
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
        with np.load(Path(folder) / "lifts.npz", allow_pickle=False) as arrays:
            items = len(arrays["item_ids"])
            parts = (arrays["data"], arrays["indices"], arrays["indptr"])
            model.rows_ = csr_matrix(parts, shape=(items, items))
            model.popularity_ = arrays["popularity"]
            model.catalogue_ = Catalogue(arrays["item_ids"])
        return model

    def _lifts(self, held: "csr_matrix") -> "csr_matrix":
        """Return the worth of each pair, (items, items); held (baskets, items) is of ones."""
        from scipy.sparse import vstack

        by_item = held.T.tocsr()  # (items, baskets)
        counts = np.diff(by_item.indptr).astype(np.float64)  # n_i
        blocks = []
        for start in range(0, by_item.shape[0], _BLOCK):
            pairs = (by_item[start : start + _BLOCK] @ held).tocsr()  # n_ij, (block, items)
            row_of = np.repeat(np.arange(pairs.shape[0]), np.diff(pairs.indptr)) + start
            chance = counts[row_of] * counts[pairs.indices] / held.shape[0]
            prior = self.prior_baskets
            worth = np.log2((pairs.data + prior) / (chance + prior))
            worth[(pairs.data < self.min_baskets) | (pairs.indices == row_of)] = 0
            pairs.data = np.maximum(worth, 0).astype(np.float32)
            pairs.eliminate_zeros()
            blocks.append(strongest_of_rows(pairs, self.neighbours))
        return vstack(blocks, format="csr", dtype=np.float32)


def baskets(interactions: Interactions) -> "csr_matrix":
    """Return which item is in which basket, ones in a sparse (baskets, items) float32 matrix."""
    from scipy.sparse import csr_matrix

    rows = np.arange(len(interactions))
    if interactions.bought is not None and interactions.bought.any():
        rows = np.flatnonzero(interactions.bought)
    users, items = interactions.users[rows], interactions.items[rows]
    when = np.zeros(len(rows)) if interactions.times is None else interactions.times[rows]
    order = np.lexsort((when, users))
    first = (np.diff(users[order], prepend=-1) != 0) | (np.diff(when[order], prepend=0) != 0)
    codes = np.cumsum(first) - 1  # the basket of each row in order
    shape = (int(codes[-1]) + 1, len(interactions.item_ids))
    held = csr_matrix((np.ones(len(rows), np.float32), (codes, items[order])), shape=shape)
    held.data[:] = 1.0  # an item twice in a basket is in it
    return held
