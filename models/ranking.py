"""From scores to a list: the best k that are allowed, and nothing else."""

from collections.abc import Collection, Sequence

import numpy as np

from domain.errors import InvalidInput
from models.fitted import require_fitted
from models.history import History
from models.protocols import Ranked

_LEAST_WORTH = 1e-6  # of the last act: what an act is worth that still counts


class Catalogue:
    """The items a recommender knows, each with its position; ids it does not know have none."""

    def __init__(self, item_ids: np.ndarray) -> None:
        self.item_ids = np.asarray(item_ids, dtype=np.str_)
        self._at = {str(item_id): at for at, item_id in enumerate(self.item_ids)}

    def __len__(self) -> int:
        return len(self.item_ids)

    def knows(self, item_id: str) -> bool:
        """Return whether an item is in the catalogue."""
        return item_id in self._at

    def positions(self, item_ids: Collection[str]) -> np.ndarray:
        """Return the positions of the known ids, in the order given, unknown ones left out."""
        found = (self._at.get(item_id) for item_id in item_ids)
        return np.array([at for at in found if at is not None], dtype=np.int64)

    def weights(self, history: History, step_decay: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
        """Return positions (m,) ascending and summed weights (m,) of a history's known items.

        The last known act keeps its weight; each act before it is worth `step_decay` of that of the
        act after it, and where that is less than a millionth, nothing.
        """
        pairs = zip(history.item_ids, history.weights, strict=True)
        known = [(self._at[item_id], weight) for item_id, weight in pairs if item_id in self._at]
        if step_decay < 1.0:
            known = known[-1 - int(np.log(_LEAST_WORTH) / np.log(step_decay)) :]
        if not known:
            return np.empty(0, dtype=np.int64), np.empty(0)
        at, slots = np.unique([position for position, _ in known], return_inverse=True)
        weights = np.array([weight for _, weight in known])
        if step_decay < 1.0:
            weights = weights * step_decay ** np.arange(len(known) - 1, -1, -1)
        return at.astype(np.int64), np.bincount(slots, weights=weights)

    def best(self, scores: np.ndarray, k: int, exclude: Collection[str] = ()) -> Ranked:
        """Return the at most `k` items of greatest score that are not excluded, best first.

        Equal scores stand in catalogue order; NaN and -inf are never returned.
        """
        if k < 0:
            raise InvalidInput(f"k is {k}; ask for 0 or more items", field="k")
        allowed = np.isfinite(scores)
        allowed[self.positions(exclude)] = False
        at = np.flatnonzero(allowed)
        if 0 < k < len(at):
            least = np.partition(scores[at], len(at) - k)[len(at) - k]  # the k-th greatest
            at = at[scores[at] >= least]  # all that tie with it, so that ties break by position
        at = at[np.argsort(-scores[at], kind="stable")][:k]
        return self.item_ids[at].tolist(), scores[at].astype(np.float32)


class RanksByScore:
    """Recommends by scoring the whole catalogue; a model adds `score_batch` and `catalogue_`."""

    catalogue_: Catalogue

    @property
    def item_ids(self) -> np.ndarray:
        """The catalogue, (items,) text; every array of scores is in this order."""
        return self._catalogue().item_ids

    def score_batch(self, histories: Sequence[History]) -> np.ndarray:
        """Return the score of each item for each history, (histories, items) float32."""
        raise NotImplementedError

    def score_all(self, history: History) -> np.ndarray:
        """Return the score of each item, (items,) float32."""
        return np.asarray(self.score_batch([history])[0])

    def recommend(self, history: History, k: int, exclude: Collection[str] = ()) -> Ranked:
        """Return at most `k` items, best first, without those in `exclude`, and their scores."""
        return self._catalogue().best(self.score_all(history), k, exclude)

    def recommend_batch(
        self, histories: Sequence[History], k: int, exclude: Sequence[Collection[str]] | None = None
    ) -> list[Ranked]:
        """Return what `recommend` gives for each history; `exclude` is one collection each."""
        without = [()] * len(histories) if exclude is None else exclude
        if len(without) != len(histories):
            raise InvalidInput(
                f"exclude: {len(without)} collections for {len(histories)} histories"
            )
        scores = self.score_batch(histories)  # (histories, items)
        catalogue = self._catalogue()
        return [catalogue.best(row, k, out) for row, out in zip(scores, without, strict=True)]

    def _catalogue(self) -> Catalogue:
        require_fitted(self, "catalogue_")
        return self.catalogue_
