"""Recommenders whose order is the same for all: one score per item, whatever the history."""

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Self

import numpy as np

from models.history import History
from models.manifest import params_of, read_manifest, saving
from models.ranking import Catalogue, RanksByScore


class SameForAll(RanksByScore):
    """Scores every history alike; a model adds KIND and `fit`, which sets both learned parts."""

    KIND: ClassVar[str]
    catalogue_: Catalogue
    scores_: np.ndarray  # (items,) float32

    def score_batch(self, histories: Sequence[History]) -> np.ndarray:
        """Return the score of each item, once per history, (histories, items) float32."""
        self._catalogue()
        return np.tile(self.scores_, (len(histories), 1))

    def save(self, folder: Path) -> None:
        """Write `scores.npz` with a manifest."""
        item_ids = self._catalogue().item_ids
        with saving(folder, self.KIND, params_of(self)) as draft:
            np.savez(draft / "scores.npz", item_ids=item_ids, scores=np.asarray(self.scores_))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read a saved model."""
        model = cls(**read_manifest(folder, cls.KIND).params)
        with np.load(Path(folder) / "scores.npz", allow_pickle=False) as arrays:
            model.catalogue_ = Catalogue(arrays["item_ids"])
            model.scores_ = arrays["scores"]
        return model
