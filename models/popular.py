"""What everybody takes, lately: hard to beat, never empty, the same for all."""

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Self

import numpy as np

from domain.errors import InvalidInput, NotEnoughData
from models.history import History
from models.interactions import MICROS_PER_DAY, Interactions
from models.manifest import params_of, read_manifest, saving
from models.ranking import Catalogue, RanksByScore


class PopularRecommender(RanksByScore):
    """Scores an item by its share of all weight, each act halved per `half_life_days` of its age.

    Age counts from the latest act. Without a half-life, or without times, all acts count in full.
    The history changes nothing.
    """

    KIND: ClassVar[str] = "popular"
    catalogue_: Catalogue
    popularity_: np.ndarray  # (items,) float32, adds up to 1

    def __init__(self, *, half_life_days: float | None = None) -> None:
        self.half_life_days = half_life_days

    def fit(self, interactions: Interactions) -> Self:
        """Learn each item's share."""
        if not len(interactions):
            raise NotEnoughData("popularity: no interactions to count; widen the time window")
        self.popularity_ = popularity(interactions, self._decay(interactions))
        self.catalogue_ = Catalogue(interactions.item_ids)
        return self

    def score_batch(self, histories: Sequence[History]) -> np.ndarray:
        """Return the share of each item, once per history, (histories, items) float32."""
        self._catalogue()
        return np.tile(self.popularity_, (len(histories), 1))

    def save(self, folder: Path) -> None:
        """Write `popularity.npz` with a manifest."""
        catalogue = self._catalogue()
        with saving(folder, self.KIND, params_of(self)) as draft:
            np.savez(
                draft / "popularity.npz",
                item_ids=catalogue.item_ids,
                popularity=np.asarray(self.popularity_),
            )

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read a saved model."""
        model = cls(**read_manifest(folder, cls.KIND).params)
        with np.load(Path(folder) / "popularity.npz", allow_pickle=False) as arrays:
            model.catalogue_ = Catalogue(arrays["item_ids"])
            model.popularity_ = arrays["popularity"]
        return model

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
