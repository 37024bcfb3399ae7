"""A customer's taste: items near to what they touched, and which touches drew each item."""

from collections.abc import Collection

import numpy as np

from models.als import ALSRecommender
from models.history import History
from serving.items import ItemTable
from serving.vectors import Found, VectorIndex, unit


class Taste:
    """The item vectors of a released recommender, by the rows of the item table.

    Items that the model does not know, or the table does not hold, have no vector.
    """

    def __init__(self, model: ALSRecommender, items: ItemTable) -> None:
        self._model = model
        ids = [str(item_id) for item_id in model.item_ids]
        known = [at for at, item_id in enumerate(ids) if item_id in items.row_of]
        self._known = np.array(known, dtype=np.int64)
        self._rows = np.array([items.row_of[ids[at]] for at in known], dtype=np.int64)
        self._place_of = {row: place for place, row in enumerate(self._rows.tolist())}
        self._index = VectorIndex(model.item_vectors[known])
        self._directions = VectorIndex(unit(model.item_vectors[known]))

    def knows(self, item_ids: Collection[str]) -> bool:
        """Return whether any of the items has a vector."""
        return bool(len(self._model.catalogue_.positions(item_ids)))

    def candidates(self, history: History, k: int, allowed: np.ndarray) -> Found:
        """Return at most `k` allowed rows of the item table with their scores, best first."""
        places, scores = self._index.search(
            self._model.user_vector(history), k, allowed[self._rows]
        )
        return self._rows[places], scores

    def similar(self, row: int, k: int, allowed: np.ndarray) -> Found | None:
        """Return the rows nearest in direction to an item; None if that item has no vector."""
        place = self._place_of.get(row)
        if place is None:
            return None
        query = self._directions.vectors[place]
        places, scores = self._directions.search(query, k, allowed[self._rows])
        return self._rows[places], scores

    def strongest(
        self, history: History, rows: np.ndarray, top: int
    ) -> list[list[tuple[str, float]]]:
        """Return for each row the `top` past items that added most to its score, and how much.

        What all past items add sums to the score.
        """
        places = [self._place_of[int(row)] for row in rows]
        return self._model.strongest(history, self._known[places], top)
