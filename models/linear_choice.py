"""The settings of `linear` for one shop: chosen where a validation cut knows what came next."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from models.interactions import Interactions
from models.item_graph import Directions, Filter, ItemGraph, leading
from models.linear import RIDGE_ITEMS, ones, ridge_rows, size_of
from models.list_quality import mean_ndcg

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

MAX_USERS = 4_000  # with 2,000, settings that differ by a hundredth are told apart by chance
_CELLS = 200_000_000  # scores held at once, (users, items): fewer users for more items
_MIN_GAIN = 0.002  # relative: a setting that adds less than this is not worth its cost
START: dict[str, Any] = {
    "user_exponent": 0.3,
    "exponent": 0.3,
    "damping": 1.0,
    "factors": 512,
    "boost": 0.0,
    "ridge": 300.0,
    "ridge_share": 0.0,
}
# Tried in this order, each change beside the best of all before it. How much of the directions is
# good depends on how far popular items are favoured, so these two are changed together as well.
Changes = Sequence[dict[str, Any]]
NEIGHBOURHOOD: Sequence[Changes] = (
    ({"user_exponent": 0.5}, {"user_exponent": 0.1}),
    ({"exponent": 0.2}, {"exponent": 0.5}),
)
FACTORS: Changes = ({"factors": 128}, {"factors": 1024}, {"factors": 1536})
DIRECTIONS: Sequence[Changes] = (
    ({"boost": 0.4}, {"boost": 2.0}, {"exponent": 0.4}, {"exponent": 0.4, "boost": 2.0}),
    ({"user_exponent": 0.4}, {"user_exponent": 0.2}),
)
RIDGES: Sequence[Changes] = (
    ({"ridge": 50.0}, {"ridge": 200.0}, {"ridge": 800.0}),
    ({"ridge_share": 0.3}, {"ridge_share": 0.7}, {"ridge_share": 1.0}),
)
MOST_DIRECTIONS = 200_000_000  # numbers in the directions of one try, 0.8 GB: fewer factors beyond


class LinearChoice:
    """Tries at most `trials` settings, one coordinate after the other, on a validation cut.

    `train` is what was before the cut; each of `users` (codes of train, (t,)) took the `targets`
    (t, items) after it. A setting is judged by NDCG at `k` over the whole catalogue without what
    the user had; ideal list cut at min(k, taken).
    """

    def __init__(
        self,
        train: Interactions,
        users: np.ndarray,
        targets: "csr_matrix",
        *,
        k: int = 20,
        trials: int = 16,
        seed: int = 0,
    ) -> None:
        self.taken = ones(train)
        rows = np.arange(len(users))
        most = min(MAX_USERS, max(_CELLS // self.taken.shape[1], 1))
        if len(rows) > most:
            rows = np.sort(np.random.default_rng(seed).choice(rows, most, replace=False))
        self.histories = self.taken[users[rows]]
        self.targets = targets[rows].tocsr()
        self.k = k
        self.trials = trials
        self.seed = seed
        self.tried: dict[tuple[Any, ...], float] = {}
        self._graph: tuple[float, ItemGraph] | None = None
        self._near: tuple[tuple[float, ...], np.ndarray] | None = None
        self._directions: tuple[float, Directions] | None = None
        self._ridges: tuple[float, np.ndarray] | None = None

    def best(self) -> dict[str, Any]:
        """Return the settings with the greatest NDCG."""
        best = START
        if self.taken.shape[1] <= RIDGE_ITEMS:
            best = self._climb(best | {"ridge_share": 0.5}, RIDGES, instead=best)
        if best["ridge_share"] < 1:
            best = self._climb(best, NEIGHBOURHOOD)
            best = self._climb(best | {"boost": 1.0}, self._affordable(), instead=best)
        return best

    def ndcg(self, settings: dict[str, Any]) -> float:
        """Return the mean NDCG at k of the settings on the cut; -inf once the trials are spent."""
        key = tuple(settings.values())
        if key not in self.tried:
            if len(self.tried) >= self.trials:
                return -np.inf
            scores = self._scores(settings)
            scores[self.histories.nonzero()] = -np.inf
            self.tried[key] = mean_ndcg(scores, self.targets, self.k)
        return self.tried[key]

    def _affordable(self) -> list[Changes]:
        """Return the steps of the directions, without numbers of them that would not fit."""
        most = MOST_DIRECTIONS // max(self.taken.shape)
        return [[change for change in FACTORS if change["factors"] <= most], *DIRECTIONS]

    def _climb(
        self,
        start: dict[str, Any],
        steps: Sequence[Changes],
        instead: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        best = start
        for changes in steps:
            best = max([best, *(best | change for change in changes)], key=self.ndcg)
        if instead is not None and self.ndcg(best) < (1 + _MIN_GAIN) * self.ndcg(instead):
            return instead
        return best

    def _scores(self, settings: dict[str, Any]) -> np.ndarray:
        share = settings["ridge_share"]
        total = np.zeros(self.histories.shape, dtype=np.float32)
        if share < 1:
            filtered = self._filtered(settings)
            total += filtered * ((1 - share) / size_of(filtered))
        if share > 0:
            ridge = self.histories @ self._ridge(settings["ridge"])
            total += ridge * (share / size_of(ridge))
        return total

    def _filtered(self, settings: dict[str, Any]) -> np.ndarray:
        graph = self._graph_of(settings["user_exponent"])
        chosen = Filter(settings["exponent"], settings["damping"])
        key = (settings["user_exponent"], settings["exponent"], settings["damping"])
        if self._near is None or self._near[0] != key:
            near = chosen.near(graph, self.histories)
            self._near = key, near / size_of(near)
        if not settings["boost"]:
            return self._near[1]
        directions = self._directions_of(settings["user_exponent"]).first(settings["factors"])
        smooth = chosen.smooth(graph, directions, self.histories)
        smooth *= settings["boost"] / size_of(smooth)
        return np.asarray(self._near[1] + smooth)

    def _graph_of(self, user_exponent: float) -> ItemGraph:
        if self._graph is None or self._graph[0] != user_exponent:
            self._graph = user_exponent, ItemGraph.of(self.taken, user_exponent)
        return self._graph[1]

    def _directions_of(self, user_exponent: float) -> Directions:
        if self._directions is None or self._directions[0] != user_exponent:
            most = max(change["factors"] for change in (START, *self._affordable()[0]))
            walks = self._graph_of(user_exponent).walks
            self._directions = user_exponent, leading(walks, most, self.seed)
        return self._directions[1]

    def _ridge(self, ridge: float) -> np.ndarray:
        if self._ridges is None or self._ridges[0] != ridge:
            self._ridges = ridge, ridge_rows(self.taken, ridge).toarray()
        return self._ridges[1]
