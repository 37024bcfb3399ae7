"""A ranking test: what would have been shown before the days held out, against what was taken."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from models.history import History
from models.protocols import Recommender
from training.acts import Acts
from training.bootstrap import Estimate, Sample
from training.metrics import Metric, weighted_mean

MAX_USERS = 3_000
_BATCH = 256


def _mean(y: np.ndarray, score: np.ndarray, weights: np.ndarray) -> np.ndarray:
    return weighted_mean(score, weights)  # the result of each customer is given as the score


RANKING = {
    "recall": Metric("recall", _mean, True, "share of the items taken that were among the first k"),
    "ndcg": Metric("ndcg", _mean, True, "the same, and the nearer the top the better"),
}


@dataclass(frozen=True, slots=True, eq=False)
class RankingTest:
    """Customers with a past and with new items in the days held out, one entry each."""

    users: np.ndarray
    histories: list[History]
    owned: list[list[str]]  # bought before, never recommended again
    taken: list[set[str]]  # new to the customer in the days held out, and known to the shop before
    acts: Acts  # before the days held out

    def __len__(self) -> int:
        return len(self.users)


@dataclass(frozen=True, slots=True, eq=False)
class Ranking:
    """Per-customer results (users,) of one recommender, and the share of items it ever showed."""

    recall: np.ndarray
    ndcg: np.ndarray
    coverage: float

    def of(self, metric: str) -> np.ndarray:
        """Return the results by name."""
        return {"recall": self.recall, "ndcg": self.ndcg}[metric]


def ranking_test(acts: Acts, start: int, end: int, half_life_days: float, seed: int) -> RankingTest:
    """Hold out [start, end): targets are new purchases, or new acts where nobody buys."""
    past, later = acts.between(0, start), acts.between(start, end)
    if later.bought.any():
        later = later.where(later.bought)
    own = past.where(past.bought) if past.bought.any() else past
    fresh = later.where(
        ~np.isin(_pairs(later), _pairs(own))
        & np.isin(later.items, past.items)
        & np.isin(later.users, past.users)
    )
    users = np.unique(fresh.users)
    if len(users) > MAX_USERS:
        rng = np.random.default_rng(seed)
        users = np.sort(rng.choice(users, MAX_USERS, replace=False))
    return RankingTest(
        users,
        past.histories(users, start, half_life_days),
        [list(dict.fromkeys(ids)) for ids in _items_of(own, users)],
        [set(ids) for ids in _items_of(fresh, users)],
        past,
    )


def rank(model: Recommender, test: RankingTest, k: int) -> Ranking:
    """Return recall and NDCG at k of each customer (binary, ideal list cut at min(k, taken))."""
    recall, ndcg = np.zeros(len(test)), np.zeros(len(test))
    shown: set[str] = set()
    gain = 1 / np.log2(np.arange(k) + 2)
    for start in range(0, len(test), _BATCH):
        rows = slice(start, start + _BATCH)
        lists = model.recommend_batch(test.histories[rows], k, test.owned[rows])
        for n, (ids, _) in enumerate(lists, start=start):
            taken = test.taken[n]
            hits = np.array([item in taken for item in ids], dtype=bool)
            recall[n] = hits.sum() / len(taken)
            ndcg[n] = gain[: len(hits)][hits].sum() / gain[: min(k, len(taken))].sum()
            shown.update(ids)
    return Ranking(recall, ndcg, len(shown) / max(len(model.item_ids), 1))


def estimates(ranking: Ranking, seed: int) -> dict[str, Estimate]:
    """Return both metrics with their intervals."""
    sample = _sample(ranking, seed)
    return {name: sample.estimate(metric, ranking.of(name)) for name, metric in RANKING.items()}


def gains(
    ranking: Ranking, others: Mapping[str, Ranking], metric: str, seed: int
) -> dict[str, Estimate]:
    """Return how much better a ranking is than each other one, on the same customers."""
    sample = _sample(ranking, seed)
    return {
        name: sample.gain(RANKING[metric], ranking.of(metric), other.of(metric))
        for name, other in others.items()
    }


def _sample(ranking: Ranking, seed: int) -> Sample:
    count = len(ranking.recall)
    return Sample(np.zeros(count), np.arange(count), seed)


def _pairs(acts: Acts) -> np.ndarray:
    return np.asarray(acts.users.astype(np.int64) * len(acts.item_ids) + acts.items)


def _items_of(acts: Acts, users: np.ndarray) -> list[list[str]]:
    order = np.argsort(acts.users, kind="stable")
    bounds = np.searchsorted(acts.users[order], [users, users + 1])
    return [acts.item_ids[acts.items[order[a:b]]].tolist() for a, b in bounds.T]
