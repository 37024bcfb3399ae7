"""The models of the table: a name, how to make it, and what of it is chosen on validation.

To add a model of ours, add one line to OURS: `"name": lambda o: Ours(MyRecommender(seed=o.seed))`.
`Tuned(make, space)` tries `trials` settings on the validation cut and keeps the best.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from recommender_data import Split
from recommender_linear import GFCF, ChosenLinear, ease
from recommender_order import BlendRow, OrderOptions, SequenceRow, decayed_linear
from recommender_peers import PEERS, Peer
from recommender_table import Contender, K, evaluate

from domain.errors import InvalidInput
from models.als import ALSRecommender
from models.bought_together import BoughtTogetherRecommender
from models.history import History
from models.interactions import Interactions
from models.linear import LinearRecommender
from models.popular import PopularRecommender
from models.protocols import Recommender
from models.session_knn import SessionKNNRecommender
from models.transitions import TransitionsRecommender
from models.trending import TrendingRecommender


@dataclass(frozen=True)
class Options:
    """What the caller decides for all models."""

    seed: int
    threads: int
    trials: int
    metric: str  # what settings are chosen by, on the validation cut
    order: OrderOptions


class Ours:
    """A recommender of ours in the table; it sees the history alone."""

    def __init__(self, model: Recommender, chosen: str = "defaults") -> None:
        self.model = model
        self.chosen = chosen

    def fit(self, train: Interactions, cut: Split | None) -> None:
        """Learn from train."""
        self.model.fit(train)

    def scores(self, users: np.ndarray, histories: Sequence[History]) -> np.ndarray:
        """Return the scores of the histories."""
        return self.model.score_batch(histories)

    def recommend(self, user: int, history: History) -> object:
        """Answer one history."""
        return self.model.recommend(history, K, history.item_ids)


class Tuned:
    """Tries settings drawn from a space on the validation cut, then fits the best on all of it."""

    def __init__(
        self,
        make: Callable[[Mapping[str, Any]], Contender],
        space: Mapping[str, Sequence[Any]],
        options: Options,
    ) -> None:
        self.make = make
        self.space = space
        self.options = options
        self.chosen = ""
        self.choosing_seconds = 0.0

    def fit(self, train: Interactions, cut: Split | None) -> None:
        """Choose, then learn from train."""
        start = time.perf_counter()
        settings = self._choose(cut) if cut is not None else {}
        self.choosing_seconds = time.perf_counter() - start
        self.fitted = self.make(settings)
        self.fitted.fit(train, cut)
        self.chosen = f"{settings}, best of {self.options.trials} on validation"
        if cut is None:
            self.chosen = "defaults: the data are too small for a validation cut"

    def scores(self, users: np.ndarray, histories: Sequence[History]) -> np.ndarray:
        """Return the scores of the chosen model."""
        return self.fitted.scores(users, histories)

    def recommend(self, user: int, history: History) -> object:
        """Answer by the chosen model."""
        return self.fitted.recommend(user, history)

    def _choose(self, cut: Split) -> dict[str, Any]:
        found = []
        for settings in drawn(self.space, self.options.trials, self.options.seed):
            model = self.make(settings)
            model.fit(cut.train, None)
            found.append(
                (float(evaluate(model, cut).by_user[self.options.metric].mean()), settings)
            )
        return max(found, key=lambda pair: pair[0])[1]


def drawn(space: Mapping[str, Sequence[Any]], trials: int, seed: int) -> list[dict[str, Any]]:
    """Return up to `trials` different settings; the first is the middle of the space."""
    sizes = [len(values) for values in space.values()]
    everything = int(np.prod(sizes))
    middle = int(np.ravel_multi_index([size // 2 for size in sizes], sizes))
    order = [n for n in np.random.default_rng(seed).permutation(everything) if n != middle]
    at = np.array(np.unravel_index([middle, *order][:trials], sizes)).T
    return [
        {name: values[n] for n, (name, values) in zip(row, space.items(), strict=True)}
        for row in at
    ]


ALS_SPACE = {
    "factors": (64, 128, 256),
    "unobserved": (0.01, 0.03, 0.1, 0.3),
    "regularization": (0.1, 0.3, 1.0, 3.0),
    "exponent": (0.0, 0.5, 1.0),
    "epochs": (10,),
}
TRANSITIONS_SPACE = {
    "window": (5, 10, 20),
    "step_decay": (0.7, 0.8, 0.9),
    "given_power": (0.5, 0.7, 0.9),
    "taken_power": (0.1, 0.3, 0.5),
}
OURS: dict[str, Callable[[Options], Contender]] = {
    "popular": lambda _: Ours(PopularRecommender()),
    "trending": lambda options: Tuned(
        lambda settings: Ours(TrendingRecommender(**settings)),
        {
            "recent_days": [3.0, 7.0, 14.0],
            "past_days": [28.0, 56.0, 112.0],
            "prior_acts": [1, 3, 9],
        },
        options,
    ),
    "bought_together": lambda options: Tuned(
        lambda settings: Ours(BoughtTogetherRecommender(**settings)),
        {"min_baskets": [1, 2, 4], "prior_baskets": [0.5, 2, 8, 32], "neighbours": [50, 100, 300]},
        options,
    ),
    "als": lambda o: Ours(ALSRecommender(num_threads=o.threads, seed=o.seed)),
    "als, tuned": lambda o: Tuned(
        lambda s: Ours(ALSRecommender(num_threads=o.threads, seed=o.seed, **s), str(s)),
        ALS_SPACE,
        o,
    ),
    "linear": lambda o: Ours(LinearRecommender(seed=o.seed)),
    "linear, tuned": lambda o: ChosenLinear(int(o.metric.partition("@")[2]), o.trials, o.seed),
    "gf-cf": lambda o: GFCF(o.seed),
    "ease, tuned": lambda o: Tuned(
        lambda s: ease(dict(s), o.seed), {"ridge": (30, 100, 200, 400, 800, 1600)}, o
    ),
}


IN_ORDER: dict[str, Callable[[Options], Contender]] = {
    "linear, decayed": lambda o: Ours(decayed_linear(o.seed), "EASE, history 0.8 a step back"),
    "transitions": lambda _: Ours(TransitionsRecommender()),
    "transitions, tuned": lambda o: Tuned(
        lambda s: Ours(TransitionsRecommender(**s), str(s)), TRANSITIONS_SPACE, o
    ),
    "session_knn": lambda _: Ours(SessionKNNRecommender()),
    "linear + transitions": lambda o: BlendRow(o.order, sequence=False),
    "sequence": lambda o: SequenceRow(o.order),
    "blend": lambda o: BlendRow(o.order, sequence=True),
}  # models that know the order of acts: left out where the data have none


def contenders() -> dict[str, Callable[[Options], Contender]]:
    """Return all models of the table by name, in its order."""
    return {**OURS, **IN_ORDER, **{name: _peer(peer) for name, peer in PEERS.items()}}


def chosen_models(
    names: Sequence[str] | None, ordered: bool
) -> dict[str, Callable[[Options], Contender]]:
    """Return the named models, or all; those that know the order only where there is one."""
    every = contenders()
    unknown = [name for name in names or () if name not in every]
    if unknown:
        raise InvalidInput(f"--models: unknown {', '.join(unknown)}; known: {', '.join(every)}")
    by_default = [name for name in every if ordered or name not in IN_ORDER]
    return {name: every[name] for name in names or by_default}


def _peer(peer: Peer) -> Callable[[Options], Contender]:
    def make(options: Options) -> Contender:
        if peer.space is None:
            return peer.make({}, options.seed, options.threads)
        return Tuned(
            lambda settings: peer.make(settings, options.seed, options.threads),
            peer.space,
            options,
        )

    return make
