"""Closed-form rows of the table: ours with its own choice, and the published ones it grew from."""

import time
from collections.abc import Sequence

import numpy as np
from recommender_data import Split
from recommender_table import Contender, K
from scipy.sparse import csr_matrix

from domain.errors import InvalidInput
from models.history import History
from models.interactions import Interactions
from models.item_graph import Filter, ItemGraph, leading
from models.linear import RIDGE_ITEMS, LinearRecommender, ones
from models.linear_choice import LinearChoice
from models.list_quality import best_positions
from models.ranking import Catalogue


class ChosenLinear:
    """Our `linear` with the settings that its own rule chooses on the validation cut."""

    def __init__(self, k: int, trials: int, seed: int) -> None:
        self.k = k
        self.trials = trials
        self.seed = seed
        self.chosen = "defaults: the data are too small for a validation cut"
        self.choosing_seconds = 0.0

    def fit(self, train: Interactions, cut: Split | None) -> None:
        """Choose, then learn from train."""
        settings = {}
        if cut is not None:
            start = time.perf_counter()
            choice = LinearChoice(
                cut.train, cut.users, cut.targets, k=self.k, trials=self.trials, seed=self.seed
            )
            settings = choice.best()
            self.choosing_seconds = time.perf_counter() - start
            self.chosen = f"{settings}, best of {len(choice.tried)} on validation"
        self.model = LinearRecommender(**settings, seed=self.seed).fit(train)

    def scores(self, users: np.ndarray, histories: Sequence[History]) -> np.ndarray:
        """Return the scores of the histories."""
        return self.model.score_batch(histories)

    def recommend(self, user: int, history: History) -> object:
        """Answer one history."""
        return self.model.recommend(history, K, history.item_ids)


class GFCF:
    """GF-CF (Shen et al. 2021) as published: 256 directions, weight 0.3; all scores, no rows."""

    chosen = "as published: 256 directions, weight 0.3"
    _NEAR = Filter(exponent=0.0, damping=1.0)
    _SMOOTH = Filter(exponent=0.5, damping=1.0)

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def fit(self, train: Interactions, cut: Split | None) -> None:
        """Normalise and decompose."""
        self.taken = ones(train)
        self.graph = ItemGraph.of(self.taken, 0.5)
        self.directions = leading(self.graph.walks, 256, self.seed)
        self.catalogue = Catalogue(train.item_ids)

    def scores(self, users: np.ndarray, histories: Sequence[History]) -> np.ndarray:
        """Return the filtered histories."""
        return self._filtered(self.taken[users])

    def recommend(self, user: int, history: History) -> object:
        """Answer one history."""
        at, _ = self.catalogue.weights(history)
        one = csr_matrix((np.ones(len(at)), (np.zeros(len(at), int), at)), (1, len(self.catalogue)))
        scores = self._filtered(one.astype(np.float32))
        scores[0, at] = -np.inf
        return best_positions(scores, K)

    def _filtered(self, taken: csr_matrix) -> np.ndarray:
        smooth = self._SMOOTH.smooth(self.graph, self.directions, taken)
        near = ((taken @ self.graph.walks.T) @ self.graph.walks).toarray()
        return near + 0.3 * smooth


def ease(settings: dict[str, float], seed: int) -> Contender:
    """Return EASE alone, for catalogues whose inverse takes seconds."""
    return _Ease(LinearRecommender(ridge_share=1.0, seed=seed, **settings), str(settings))


class _Ease(ChosenLinear):
    def __init__(self, model: LinearRecommender, chosen: str) -> None:
        self.model = model
        self.chosen = chosen

    def fit(self, train: Interactions, cut: Split | None) -> None:
        """Solve, or say that there are too many items."""
        if len(train.item_ids) > RIDGE_ITEMS:
            raise InvalidInput(
                f"ease: {len(train.item_ids):,} items, and it inverts a matrix of all; "
                f"it is measured up to {RIDGE_ITEMS:,}"
            )
        self.model.fit(train)
