"""Alternating least squares: tastes and items as short vectors, a new visitor folded in at once."""

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Self

import numpy as np

from domain.errors import NotEnoughData
from models.history import History
from models.interactions import Interactions
from models.manifest import params_of, read_manifest, saving
from models.popular import popularity
from models.ranking import Catalogue, RanksByScore


class ALSRecommender(RanksByScore):
    """Implicit-feedback ALS (Hu, Koren & Volinsky 2008), fitted by the `implicit` library.

    The confidence in an observed pair is c = 1 + alpha * weight, in an unobserved one 1. A visitor
    x solves eq. 4 there, with Y the item vectors (items, factors):
    x = (YtY + Yt (C - I) Y + regularization * I)^-1 Yt C p. Only fit needs `implicit`; scoring is
    numpy and needs the history alone, so it is the same for known and new visitors.
    A history without known items gets the popular order.
    """

    KIND: ClassVar[str] = "als"
    catalogue_: Catalogue
    item_factors_: np.ndarray  # Y, (items, factors) float32
    gram_: np.ndarray  # YtY + regularization * I, (factors, factors) float64
    popularity_: np.ndarray  # (items,) float32

    def __init__(
        self,
        *,
        factors: int = 64,
        epochs: int = 15,
        regularization: float = 1.0,
        alpha: float = 20.0,
        num_threads: int = 1,
        seed: int = 0,
    ) -> None:
        self.factors = factors
        self.epochs = epochs
        self.regularization = regularization
        self.alpha = alpha
        self.num_threads = num_threads
        self.seed = seed

    def fit(self, interactions: Interactions) -> Self:
        """Learn the item vectors."""
        from implicit.cpu.als import AlternatingLeastSquares
        from threadpoolctl import threadpool_limits

        if not len(interactions):
            raise NotEnoughData("als: no interactions to learn from; widen the time window")
        confidence = interactions.matrix()
        confidence.data = 1.0 + self.alpha * confidence.data
        # alpha=1: the library's own leaves out the 1, so that a light act would count below none.
        with threadpool_limits(1, "blas"):  # nested BLAS threads make it up to ten times slower
            model = AlternatingLeastSquares(
                factors=self.factors,
                iterations=self.epochs,
                regularization=self.regularization,
                alpha=1.0,
                num_threads=self.num_threads,
                random_state=self.seed,
            )
            model.fit(confidence, show_progress=False)
        self.popularity_ = popularity(interactions)
        return self._set(interactions.item_ids, np.asarray(model.item_factors, dtype=np.float32))

    @property
    def item_vectors(self) -> np.ndarray:
        """The item vectors, (items, factors) float32; a score is user_vector @ item_vectors.T."""
        self._catalogue()
        return self.item_factors_

    def user_vector(self, history: History) -> np.ndarray:
        """Return the visitor's vector, (factors,) float32; zeros where no item is known."""
        at, weights = self._catalogue().weights(history)
        return self._folded(at, weights)

    def score_batch(self, histories: Sequence[History]) -> np.ndarray:
        """Return the score of each item for each history, (histories, items) float32."""
        catalogue = self._catalogue()
        known = [catalogue.weights(history) for history in histories]
        users = np.zeros((len(histories), self.factors), dtype=np.float32)
        for row, (at, weights) in enumerate(known):
            users[row] = self._folded(at, weights)
        scores = users @ self.item_vectors.T  # (histories, factors) x (factors, items)
        empty = np.array([not len(at) for at, _ in known], dtype=bool)
        scores[empty] = self.popularity_
        return np.asarray(scores)

    def save(self, folder: Path) -> None:
        """Write `factors.npz` with a manifest."""
        catalogue = self._catalogue()
        with saving(folder, self.KIND, params_of(self)) as draft:
            np.savez(
                draft / "factors.npz",
                item_ids=catalogue.item_ids,
                item_factors=self.item_vectors,
                popularity=np.asarray(self.popularity_),
            )

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read a saved model."""
        model = cls(**read_manifest(folder, cls.KIND).params)
        with np.load(Path(folder) / "factors.npz", allow_pickle=False) as arrays:
            model.popularity_ = arrays["popularity"]
            return model._set(arrays["item_ids"], arrays["item_factors"])

    def _set(self, item_ids: np.ndarray, item_factors: np.ndarray) -> Self:
        self.catalogue_ = Catalogue(item_ids)
        self.item_factors_ = item_factors
        Y = item_factors.astype(np.float64)
        self.gram_ = Y.T @ Y + self.regularization * np.eye(Y.shape[1])
        return self

    def _folded(self, at: np.ndarray, weights: np.ndarray) -> np.ndarray:
        if not len(at):
            return np.zeros(self.factors, dtype=np.float32)
        Y = self.item_vectors[at].astype(np.float64)  # (m, factors)
        extra = self.alpha * weights  # c - 1, (m,)
        A = self.gram_ + (Y * extra[:, None]).T @ Y  # (factors, factors)
        b = (1.0 + extra) @ Y  # (factors,)
        return np.linalg.solve(A, b).astype(np.float32)
