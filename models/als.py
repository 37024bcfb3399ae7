"""Alternating least squares: tastes and items as short vectors, a new visitor folded in at once."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np

from domain.errors import InvalidInput, NotEnoughData
from models.als_solver import Basis, Loss, half_step, mean_mass
from models.history import History
from models.interactions import Interactions
from models.manifest import params_of, read_manifest, saving
from models.mapped import mapped
from models.popular import popularity
from models.ranking import Catalogue, RanksByScore
from models.reasons import past_reasons

_SPREAD = 0.1  # of the first random vectors, over the root of their length (Rendle et al. 2022)


class ALSRecommender(RanksByScore):
    """Implicit-feedback ALS after Rendle, Krichene, Zhang & Koren 2022 ("Revisiting iALS").

    An observed pair has the value 1 and its weight over the mean weight, every pair the value 0
    with weight `unobserved`. A row's penalty grows with its summed weights + unobserved * the
    number of others, to the power `exponent`; that of an average row is `regularization`. A visitor
    is solved alike from the history alone, so known and new visitors are served by the same rule. A
    history without known items gets the popular order.
    """

    KIND: ClassVar[str] = "als"
    catalogue_: Catalogue
    item_factors_: np.ndarray  # Y, (items, factors) float32
    weight_: float  # the mean weight of a pair in fit: what counts as one act
    mass_: float  # the mean summed weight of a user, in such acts
    popularity_: np.ndarray  # (items,) float32

    def __init__(
        self,
        *,
        factors: int = 64,
        epochs: int = 15,
        regularization: float = 0.3,
        unobserved: float = 0.03,
        exponent: float = 0.5,
        num_threads: int = 1,
        seed: int = 0,
    ) -> None:
        self.factors = factors
        self.epochs = epochs
        self.regularization = regularization
        self.unobserved = unobserved
        self.exponent = exponent
        self.num_threads = num_threads
        self.seed = seed

    def fit(self, interactions: Interactions) -> Self:
        """Learn the item vectors."""
        from threadpoolctl import threadpool_limits

        if not len(interactions):
            raise NotEnoughData("als: no interactions to learn from; widen the time window")
        by_user = interactions.matrix()
        self.weight_ = float(by_user.data.mean())
        by_user.data /= self.weight_
        self.mass_ = mean_mass(by_user)
        by_item, loss, rng = by_user.T.tocsr(), self._loss(), np.random.default_rng(self.seed)
        vectors = rng.normal(0, _SPREAD / np.sqrt(self.factors), (by_user.shape[1], self.factors))
        vectors = vectors.astype(np.float32)
        with threadpool_limits(1, "blas"):  # the rows are shared out among threads already
            for _ in range(self.epochs):
                users = half_step(by_user, vectors, loss, self.num_threads)
                vectors = half_step(by_item, users, loss, self.num_threads)
        self.popularity_ = popularity(interactions)
        return self._set(interactions.item_ids, vectors)

    @property
    def item_vectors(self) -> np.ndarray:
        """The item vectors, (items, factors) float32; a score is user_vector @ item_vectors.T."""
        self._catalogue()
        return self.item_factors_

    def user_vector(self, history: History) -> np.ndarray:
        """Return the visitor's vector, (factors,) float32; zeros where no item is known."""
        return np.asarray(self._pulls_of(history)[1].sum(axis=1), dtype=np.float32)

    def score_batch(self, histories: Sequence[History]) -> np.ndarray:
        """Return the score of each item for each history, (histories, items) float32."""
        catalogue = self._catalogue()
        users = np.array([self.user_vector(history) for history in histories], dtype=np.float32)
        scores = users.reshape(-1, self.factors) @ self.item_vectors.T  # (histories, items)
        empty = [not len(catalogue.positions(history.item_ids)) for history in histories]
        scores[np.array(empty, dtype=bool)] = self.popularity_
        return np.asarray(scores)

    def strongest(
        self, history: History, positions: np.ndarray, top: int
    ) -> list[list[tuple[str, float]]]:
        """Return for each position the `top` past items that added most to its score.

        All past items sum to the score: item i adds y_j (Y_S^T W Y_S + D)^-1 w_i y_i to item j
        (Hu, Koren & Volinsky 2008, section 5).
        """
        at, pulls = self._pulls_of(history)
        added = pulls.T @ self.item_vectors[positions].T  # (m, asked)
        return past_reasons(self.item_ids[at], added, top)

    def save(self, folder: Path) -> None:
        """Write `factors.npz` with a manifest."""
        catalogue = self._catalogue()
        with saving(folder, self.KIND, params_of(self)) as draft:
            np.savez(
                draft / "factors.npz",
                item_ids=catalogue.item_ids,
                item_factors=self.item_vectors,
                popularity=np.asarray(self.popularity_),
                weight=np.float64(self.weight_),
                mass=np.float64(self.mass_),
            )

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read a saved model."""
        model = cls(**_current(read_manifest(folder, cls.KIND).params, folder))
        with np.load(Path(folder) / "factors.npz", allow_pickle=False) as arrays:
            model.popularity_ = arrays["popularity"]
            model.weight_, model.mass_ = float(arrays["weight"]), float(arrays["mass"])
            item_ids = arrays["item_ids"]
        return model._set(item_ids, mapped(Path(folder) / "factors.npz", "item_factors"))

    def _loss(self) -> Loss:
        return Loss(self.unobserved, self.regularization, self.exponent)

    def _set(self, item_ids: np.ndarray, item_factors: np.ndarray) -> Self:
        self.catalogue_ = Catalogue(item_ids)
        self.item_factors_ = item_factors
        basis = Basis.of(item_factors.astype(np.float64))
        self._gram, self._rotation = basis.gram, basis.rotation
        self._last: tuple[History, np.ndarray, np.ndarray] | None = None
        return self

    def _pulls_of(self, history: History) -> tuple[np.ndarray, np.ndarray]:
        """Return the positions of the past items, (m,), and their pulls.

        A list and its reasons ask for the same visitor one after the other, so the last answer is
        kept. Threads may race for which that is: each is whole, and checked against the history.
        """
        last = self._last
        if last is None or last[0] != history:
            at, weights = self._catalogue().weights(history)
            last = self._last = history, at, self._pulls(at, weights)
        return last[1], last[2]

    def _pulls(self, at: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """Return what each past item adds to the visitor's vector, (factors, m) float64."""
        w = weights / self.weight_
        penalty = self._loss().penalties(np.array([w.sum()]), len(self.item_factors_), self.mass_)
        diagonal = self.unobserved * self._gram + penalty  # (d,)
        past = self.item_factors_[at].astype(np.float64) @ self._rotation  # (m, d)
        scaled = past / diagonal
        if len(at) <= self.factors:
            pulls = scaled.T @ np.linalg.inv(np.diag(1 / w) + scaled @ past.T)
        else:
            pulls = np.linalg.solve(np.diag(diagonal) + (past * w[:, None]).T @ past, (past.T * w))
        return np.asarray(self._rotation @ pulls)


def _current(params: dict[str, Any], folder: Path) -> dict[str, Any]:
    if "alpha" in params:
        raise InvalidInput(
            f"model folder {folder} holds an 'als' of an older version (it has alpha); "
            "train and release the recommender again"
        )
    return params
