"""What everybody takes, lately: hard to beat, never empty, the same for all."""

from typing import ClassVar, Self

import numpy as np

from domain.errors import InvalidInput, NotEnoughData
from models.interactions import MICROS_PER_DAY, Interactions
from models.ranking import Catalogue
from models.same_for_all import SameForAll


class PopularRecommender(SameForAll):
    """Scores an item by its share of all weight, each act halved per `half_life_days` of its age.

    Age counts from the latest act. Without a half-life, or without times, all acts count in full.
    The shares add up to 1. The history changes nothing.
    """

    KIND: ClassVar[str] = "popular"

    def __init__(self, *, half_life_days: float | None = None) -> None:
        self.half_life_days = half_life_days

    def fit(self, interactions: Interactions) -> Self:
        """Learn each item's share."""
        if not len(interactions):
            raise NotEnoughData("popularity: no interactions to count; widen the time window")
        self.scores_ = popularity(interactions, self._decay(interactions))
        self.catalogue_ = Catalogue(interactions.item_ids)
        return self

    def _decay(self, interactions: Interactions) -> np.ndarray | float:
        if self.half_life_days is None or interactions.times is None:
            return 1.0
        if self.half_life_days <= 0:
            raise InvalidInput(
                f"half_life_days is {self.half_life_days}; give a number above 0, or None"
            )
        age_days = (interactions.times.max() - interactions.times) / MICROS_PER_DAY
        return np.asarray(0.5 ** (age_days / self.half_life_days))


def popularity(interactions: Interactions, factor: np.ndarray | float = 1.0) -> np.ndarray:
    """Return each item's share of all weight times `factor` (n,), (items,) float32."""
    total = interactions.item_weights(factor)
    return np.asarray(total / max(total.sum(), 1e-300), dtype=np.float32)
