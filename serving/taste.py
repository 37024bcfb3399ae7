"""What a released recommender makes of a visitor: items scored, and which touches drew each one.

Any kind of recommender can serve. One whose score is an inner product (Retrieves) is searched
through an index; any other scores all items at once. Items that the model never met stand beside
it as newcomers, with scores in the same measure.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import cast

import numpy as np

from models.history import History
from models.protocols import Explains, Recommender, Retrieves
from serving.items import ItemTable
from serving.newcomers import Newcomers
from serving.occlusion import without_each
from serving.vectors import Found, VectorIndex, best_of, inverse_lengths

Parts = list[tuple[str, float]]  # past items and what each added to a score


class Taste:
    """A released recommender, by the rows of the item table.

    Items that the model does not know, or the table does not hold, have no place in it.
    """

    def __init__(self, model: Recommender, items: ItemTable) -> None:
        self.model = model
        ids = model.item_ids.tolist()
        rows = np.array([items.row_of.get(item_id, -1) for item_id in ids], dtype=np.int64)
        self.positions = np.flatnonzero(rows >= 0)  # (places,) in the model
        self.rows = rows[self.positions]  # (places,) in the table
        self._place_of = np.full(len(items), -1, dtype=np.int64)
        self._place_of[self.rows] = np.arange(len(self.rows))
        self._is_whole = np.array_equal(self.rows, np.arange(len(self.rows)))
        self._ids = frozenset(ids)
        self._explains = model if isinstance(model, Explains) else None
        self.index: VectorIndex | None = None
        self._directions: VectorIndex | None = None
        if isinstance(model, Retrieves):
            vectors = model.item_vectors
            if len(self.positions) < len(vectors):
                vectors = vectors[self.positions]
            self.index = VectorIndex(vectors)
            self._directions = VectorIndex(vectors, inverse_lengths(vectors))

    def knows(self, item_ids: Collection[str]) -> bool:
        """Return whether the model learned anything of any of the items."""
        return not self._ids.isdisjoint(item_ids)

    def places(self, rows: np.ndarray) -> np.ndarray:
        """Return the place of each row in the model, -1 for none."""
        inside = rows < len(self._place_of)
        return np.where(inside, self._place_of[np.where(inside, rows, 0)], -1)

    def open_places(self, allowed: np.ndarray) -> np.ndarray:
        """Return for each place whether its row is in allowed (items,) bool; may be a view."""
        return allowed[: len(self.rows)] if self._is_whole else allowed[self.rows]

    def directions(self, rows: np.ndarray) -> np.ndarray | None:
        """Return unit vectors of these rows, (rows, d), zeros for unknown; None without vectors."""
        if self._directions is None or not len(self._directions):
            return None
        places = self.places(rows)
        return np.where(places[:, None] >= 0, self._directions.rows(np.maximum(places, 0)), 0.0)

    def of(self, history: History, newcomers: Newcomers) -> "Leaning":
        """Return what one visitor leans to."""
        if self.index is not None:
            query = cast(Retrieves, self.model).user_vector(history)
            return Leaning(self, history, newcomers, query=query)
        scores = self.model.score_all(history)[self.positions]
        return Leaning(self, history, newcomers, scored=scores)

    def similar(self, row: int, k: int, allowed: np.ndarray) -> Found | None:
        """Return the rows nearest to an item; None if the model cannot say of that item.

        Nearest is by direction where there are vectors, else by the score for who touched just it.
        """
        place = int(self.places(np.array([row]))[0])
        if place < 0:
            return None
        if self._directions is not None:
            query = self._directions.rows(np.array([place]))[0]
            places, scores = self._directions.search(query, k, allowed, self.rows)
        else:
            touched = History.of([str(self.model.item_ids[self.positions[place]])])
            scored = self.model.score_all(touched)[self.positions]
            places, scores = best_of(scored, k, self.open_places(allowed) & (scored > 0))
        return self.rows[places], scores

    def parts(self, history: History, places: np.ndarray, top: int) -> list[Parts]:
        """Return for each place the `top` past items that added most to its score."""
        at = self.positions[places]
        if self._explains is not None:
            return self._explains.strongest(history, at, top)
        return without_each(self.model, history, self._ids, at, top)


@dataclass(frozen=True, slots=True, eq=False)
class Leaning:
    """The scores of one visitor, found as they are asked for."""

    taste: Taste
    history: History
    newcomers: Newcomers
    query: np.ndarray | None = None  # (d,), of a model with vectors
    scored: np.ndarray | None = None  # (places,), of any other

    def known(self, k: int, allowed: np.ndarray) -> Found:
        """Return at most `k` allowed rows of items that the model knows, best first."""
        rows = self.taste.rows
        if self.query is not None and self.taste.index is not None:
            places, scores = self.taste.index.search(self.query, k, allowed, rows)
        else:
            scored = cast(np.ndarray, self.scored)
            open_ = self.taste.open_places(allowed) & (scored != 0)  # 0: nothing speaks for it
            places, scores = best_of(scored, k, open_)
        return rows[places], scores

    def new(self, k: int, allowed: np.ndarray) -> Found:
        """Return at most `k` allowed rows of newcomers, best first."""
        rows = self.newcomers.rows
        if not len(rows):
            return rows, np.empty(0, dtype=np.float32)
        scores = self.newcomers.scores(self._at)
        best, found = best_of(scores, k, allowed[rows] & (scores != 0))
        return rows[best], found

    def scores(self, rows: np.ndarray) -> np.ndarray:
        """Return the score of each row, (rows,) float32; NaN where neither side knows it."""
        found = np.full(len(rows), np.nan, dtype=np.float32)
        places = self.taste.places(rows)
        found[places >= 0] = self._at(places[places >= 0])
        new = self.newcomers.places(rows)
        found[new >= 0] = self.newcomers.scores(self._at)[new[new >= 0]]
        return found

    def strongest(self, rows: Iterable[int], top: int) -> list[Parts]:
        """Return for each row the `top` past items that added most to its score, and how much.

        A newcomer's score is a weighed sum of those of the items it is like, and so are its parts.
        """
        asked = np.fromiter(rows, dtype=np.int64)
        places, new = self.taste.places(asked), self.newcomers.places(asked)
        found: list[Parts] = [[] for _ in asked]
        known = np.flatnonzero(places >= 0)
        if len(known):
            parts = self.taste.parts(self.history, places[known], top)
            for at, of_place in zip(known.tolist(), parts, strict=True):
                found[at] = of_place
        for at in np.flatnonzero(new >= 0).tolist():
            found[at] = self._of_newcomer(int(new[at]), top)
        return found

    def _of_newcomer(self, place: int, top: int) -> Parts:
        like, weights = self.newcomers.neighbours(place)
        total: dict[str, float] = {}
        every = self.taste.parts(self.history, like, len(self.history)) if len(like) else []
        for parts, weight in zip(every, weights.tolist(), strict=True):
            for item_id, added in parts:
                total[item_id] = total.get(item_id, 0.0) + weight * added
        return sorted(total.items(), key=lambda part: -part[1])[:top]

    def _at(self, places: np.ndarray) -> np.ndarray:
        if self.query is not None and self.taste.index is not None:
            return self.taste.index.scores(self.query, places)
        return np.asarray(cast(np.ndarray, self.scored)[places])
