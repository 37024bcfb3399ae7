"""What is taken after what: directed moves from item to item, with nothing to train."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np

from domain.errors import InvalidInput, NotEnoughData
from models.history import History
from models.interactions import Interactions
from models.item_rows import row_reasons, row_scores, strongest_of_rows
from models.manifest import params_of, read_manifest, saving
from models.moves import moves
from models.popular import popularity
from models.ranking import Catalogue, RanksByScore

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

_TIE_BREAK = 1e-6  # of the popularity share: orders the items that no move leads to


class TransitionsRecommender(RanksByScore):
    """Scores an item by how often it was taken soon after the items of the history.

    With m_ij the moves from i to j within `window` acts, each worth move_decay^(steps - 1), o_i
    those from i and t_j those to j, a pair is worth m_ij / (o_i^given_power t_j^taken_power): the
    cosine with both at 1/2, the share of i's moves with 1 and 0. Of each item the `neighbours`
    greatest are kept.

    The score is the sum over the past acts of weight times step_decay^(steps back) times the worth
    of the pair, and in addition 0.000001 times the item's share of all weight, which no past item
    is the reason of: so the rest of the list, and a history without known items, has the popular
    order.
    """

    KIND: ClassVar[str] = "transitions"
    catalogue_: Catalogue
    rows_: "csr_matrix"  # (items, items) float32, row: the past item
    popularity_: np.ndarray  # (items,) float32

    def __init__(
        self,
        *,
        window: int = 20,
        move_decay: float = 0.85,
        step_decay: float = 0.8,
        given_power: float = 0.7,
        taken_power: float = 0.3,
        neighbours: int = 500,
    ) -> None:
        self.window = window
        self.move_decay = move_decay
        self.step_decay = step_decay
        self.given_power = given_power
        self.taken_power = taken_power
        self.neighbours = neighbours

    def fit(self, interactions: Interactions) -> Self:
        """Count the moves."""
        self._check()
        if not len(interactions):
            raise NotEnoughData("transitions: no acts to count moves in; widen the time window")
        counted = moves(interactions, self.window, self.move_decay)
        self.rows_ = strongest_of_rows(self._worth(counted), self.neighbours)
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
        """Return for each position the `top` past items whose moves added most to its score."""
        catalogue = self._catalogue()
        at, weights = catalogue.weights(history, self.step_decay)
        return row_reasons(self.rows_, catalogue.item_ids, at, weights, positions, top)

    def save(self, folder: Path) -> None:
        """Write `moves.npz` with a manifest."""
        catalogue = self._catalogue()
        with saving(folder, self.KIND, params_of(self)) as draft:
            np.savez(
                draft / "moves.npz",
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
        with np.load(Path(folder) / "moves.npz", allow_pickle=False) as arrays:
            items = len(arrays["item_ids"])
            parts = (arrays["data"], arrays["indices"], arrays["indptr"])
            model.rows_ = csr_matrix(parts, shape=(items, items))
            model.popularity_ = arrays["popularity"]
            model.catalogue_ = Catalogue(arrays["item_ids"])
        return model

    def _worth(self, counted: "csr_matrix") -> "csr_matrix":
        from scipy.sparse import diags

        given, taken = (np.asarray(counted.sum(axis=axis)).ravel() for axis in (1, 0))
        given[given == 0], taken[taken == 0] = 1.0, 1.0
        scaled = diags(given**-self.given_power) @ counted @ diags(taken**-self.taken_power)
        return scaled.tocsr().astype(np.float32)

    def _check(self) -> None:
        for name in ("window", "neighbours"):
            if getattr(self, name) < 1:
                raise InvalidInput(
                    f"transitions: {name} is {getattr(self, name)}; give 1 or more", field=name
                )
        for name in ("move_decay", "step_decay"):
            if not 0 < getattr(self, name) <= 1:
                raise InvalidInput(
                    f"transitions: {name} is {getattr(self, name)}; give above 0, at most 1",
                    field=name,
                )
