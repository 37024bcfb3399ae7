"""Peers: the libraries a shop would else take, behind the same calls as our models."""

import importlib.util
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from recommender_data import Split
from recommender_table import Contender, K
from threadpoolctl import threadpool_limits

from models.history import History
from models.interactions import Interactions

Settings = Mapping[str, Any]
FACTORS = (64, 128, 256)


class ImplicitPeer:
    """A model of `implicit`, fitted on 0/1 interactions; one list by its own `recommend`."""

    def __init__(self, build: Callable[[], Any], chosen: str) -> None:
        self.build = build
        self.chosen = chosen

    def fit(self, train: Interactions, cut: Split | None) -> None:
        """Learn from train."""
        self.matrix = train.matrix()
        self.matrix.data[:] = 1.0
        with threadpool_limits(1, "blas"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.model = self.build()
            self.model.fit(self.matrix, show_progress=False)

    def scores(self, users: np.ndarray, histories: Sequence[History]) -> np.ndarray:
        """Return the scores of known users."""
        return np.asarray(self.model.user_factors[users] @ self.model.item_factors.T)

    def recommend(self, user: int, history: History) -> object:
        """Answer one known user."""
        return self.model.recommend(user, self.matrix[user], N=K)


class NeighbourPeer(ImplicitPeer):
    """The nearest-neighbour models of `implicit`."""

    def scores(self, users: np.ndarray, histories: Sequence[History]) -> np.ndarray:
        """Return the summed similarities to what the users had."""
        return np.asarray((self.matrix[users] @ self.model.similarity).todense())


class LensKitALS:
    """LensKit's ImplicitMF; scores are the products of its own vectors."""

    def __init__(self, settings: Settings, seed: int) -> None:
        self.settings = settings
        self.seed = seed
        self.chosen = f"{dict(settings)}" if settings else "defaults"

    def fit(self, train: Interactions, cut: Split | None) -> None:
        """Learn from train."""
        from lenskit.als import ImplicitMFScorer
        from lenskit.training import TrainingOptions

        data = _lenskit_data(train)
        scorer = ImplicitMFScorer(**self.settings)
        scorer.train(data, TrainingOptions(rng=self.seed))
        users = scorer.users.numbers(np.arange(len(train.user_ids)), missing="negative")
        items = scorer.items.numbers(np.arange(len(train.item_ids)))
        vectors = np.asarray(scorer.user_embeddings)
        self.user_vectors = np.where((users >= 0)[:, None], vectors[np.maximum(users, 0)], 0)
        self.item_vectors = np.asarray(scorer.item_embeddings)[items]
        self.scorer, self.item_list = scorer, None

    def scores(self, users: np.ndarray, histories: Sequence[History]) -> np.ndarray:
        """Return the scores of known users."""
        return self.user_vectors[users] @ self.item_vectors.T

    def recommend(self, user: int, history: History) -> object:
        """Answer one known user from its vectors."""
        scores = self.scores(np.array([user]), [history])[0]
        return np.argpartition(-scores, min(K + len(history), len(scores) - 1))


def _lenskit_data(train: Interactions) -> Any:
    import pandas as pd
    from lenskit.data import from_interactions_df

    pairs = train.matrix().tocoo()
    return from_interactions_df(pd.DataFrame({"user_id": pairs.row, "item_id": pairs.col}))


@dataclass(frozen=True)
class Peer:
    """How to make a peer of settings, seed and threads; a space where it is tuned."""

    make: Callable[[Settings, int, int], Contender]
    space: Mapping[str, Sequence[Any]] | None = None


def _als(settings: Settings, seed: int, threads: int) -> Contender:
    def build() -> Any:
        from implicit.cpu.als import AlternatingLeastSquares

        return AlternatingLeastSquares(random_state=seed, num_threads=threads, **settings)

    return ImplicitPeer(build, str(dict(settings)) if settings else "defaults")


def _bpr(settings: Settings, seed: int, threads: int) -> Contender:
    def build() -> Any:
        from implicit.cpu.bpr import BayesianPersonalizedRanking

        return BayesianPersonalizedRanking(random_state=seed, num_threads=threads, **settings)

    return ImplicitPeer(build, str(dict(settings)) if settings else "defaults")


def _bm25(settings: Settings, seed: int, threads: int) -> Contender:
    def build() -> Any:
        from implicit.nearest_neighbours import BM25Recommender

        return BM25Recommender(num_threads=threads, **settings)

    return NeighbourPeer(build, str(dict(settings)) if settings else "defaults")


_ALS_SPACE = {
    "factors": FACTORS,
    "alpha": (1, 5, 15, 40, 100),
    "regularization": (0.01, 0.3, 1, 5, 20),
    "iterations": (15,),
}
_BPR_SPACE = {
    "factors": FACTORS,
    "learning_rate": (0.01, 0.03, 0.1),
    "regularization": (0.001, 0.01, 0.05),
    "iterations": (100, 200),
}
_BM25_SPACE = {"K": (50, 200, 500), "K1": (0.1, 0.5, 1.2, 3.0), "B": (0.0, 0.2, 0.5, 0.8)}
PEERS: dict[str, Peer] = {}  # those of the extra `bench` that are installed
if importlib.util.find_spec("implicit") is not None:
    PEERS |= {
        "implicit als": Peer(_als),
        "implicit als, tuned": Peer(_als, _ALS_SPACE),
        "implicit bpr": Peer(_bpr),
        "implicit bpr, tuned": Peer(_bpr, _BPR_SPACE),
        "implicit bm25": Peer(_bm25),
        "implicit bm25, tuned": Peer(_bm25, _BM25_SPACE),
    }
if importlib.util.find_spec("lenskit") is not None:
    _LENSKIT_SPACE = {
        "embedding_size": FACTORS,
        "weight": (1, 5, 15, 40, 100),
        "regularization": (0.1, 0.3, 1.0, 5.0, 20.0),
        "epochs": (15,),
    }
    PEERS["lenskit als, tuned"] = Peer(lambda s, seed, _: LensKitALS(s, seed), _LENSKIT_SPACE)
