"""A ranking test: what would have been shown before the days held out, against what was taken.

Two things are asked of each customer. Of all items: what did they take, also again? Of those that
are new to them: which did they take? What was bought before is left out of that second list.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from models.history import History
from models.protocols import Recommender
from models.ranking import Catalogue
from training.acts import Acts
from training.bootstrap import Estimate, Sample
from training.metrics import Metric, weighted_mean

MAX_USERS = 2_000
_BATCH = 256


def _mean(y: np.ndarray, score: np.ndarray, weights: np.ndarray) -> np.ndarray:
    return weighted_mean(score, weights)  # the result of each customer is given as the score


RANKING = {
    m.name: m
    for m in (
        Metric("recall", _mean, True, "share of the new items taken that were among the first k"),
        Metric("ndcg", _mean, True, "the same, and the nearer the top the better"),
        Metric("recall_all", _mean, True, "recall where what was bought before counts as well"),
        Metric("ndcg_all", _mean, True, "NDCG where what was bought before counts as well"),
        Metric("ndcg_both", _mean, True, "mean of NDCG of new and of all items, by customer"),
    )
}


@dataclass(frozen=True, slots=True, eq=False)
class RankingTest:
    """Customers with a past who took something in the days held out, one entry each."""

    users: np.ndarray
    histories: list[History]
    owned: list[list[str]]  # bought before, never recommended again where new items are asked for
    taken: list[set[str]]  # in the days held out, and known to the shop before
    new: list[set[str]]  # of these the ones new to the customer, may be empty
    acts: Acts  # before the days held out

    def __len__(self) -> int:
        return len(self.users)

    @property
    def asked_new(self) -> int:
        """How many customers took something new."""
        return sum(map(bool, self.new))

    def at_most(self, count: int, seed: int) -> "RankingTest":
        """Return the test asked of at most `count` customers, drawn by chance."""
        if len(self) <= count:
            return self
        rng = np.random.default_rng(seed)
        return self.only(np.sort(rng.choice(len(self), count, replace=False)))

    def only(self, rows: np.ndarray) -> "RankingTest":
        """Return the test asked of some customers."""
        return replace(
            self,
            users=self.users[rows],
            histories=[self.histories[n] for n in rows],
            owned=[self.owned[n] for n in rows],
            taken=[self.taken[n] for n in rows],
            new=[self.new[n] for n in rows],
        )

    def of_one_act(self) -> "RankingTest":
        """Return the test as if all that were known of each customer were their last act before."""
        histories = [_last_act(history) for history in self.histories]
        return replace(
            self,
            histories=histories,
            owned=[list(history.item_ids) for history in histories],
            new=[
                taken - set(history.item_ids)
                for taken, history in zip(self.taken, histories, strict=True)
            ],
        )


@dataclass(frozen=True, slots=True, eq=False)
class Ranking:
    """Results by customer of one recommender, by metric; the share of items it ever showed.

    `recall` and `ndcg` are of the customers who took something new, the others of all.
    """

    results: Mapping[str, np.ndarray]
    coverage: float

    def of(self, metric: str) -> np.ndarray:
        """Return the results by name."""
        return self.results[metric]


def ranking_test(acts: Acts, start: int, end: int, half_life_days: float, seed: int) -> RankingTest:
    """Hold out [start, end): targets are purchases, or all acts where nobody buys."""
    past, later = acts.between(0, start), acts.between(start, end)
    if later.bought.any():
        later = later.where(later.bought)
    own = past.where(past.bought) if past.bought.any() else past
    known = np.isin(later.items, past.items) & np.isin(later.users, past.users)
    later = later.where(known)
    fresh = later.where(~np.isin(_pairs(later), _pairs(own)))
    users = np.unique(later.users)
    test = RankingTest(
        users,
        past.histories(users, start, half_life_days),
        [list(dict.fromkeys(ids)) for ids in _items_of(own, users)],
        [set(ids) for ids in _items_of(later, users)],
        [set(ids) for ids in _items_of(fresh, users)],
        past,
    )
    return test.at_most(MAX_USERS, seed)


def rank(model: Recommender, test: RankingTest, k: int) -> Ranking:
    """Return recall and NDCG at k of each customer (binary, ideal list cut at min(k, taken))."""
    catalogue, shown = Catalogue(model.item_ids), set[str]()
    parts = []
    for start in range(0, len(test), _BATCH):
        some = test.only(np.arange(start, min(start + _BATCH, len(test))))
        parts.append(results_of(catalogue, model.score_batch(some.histories), some, k, shown))
    results = {name: np.concatenate([part[name] for part in parts]) for name in RANKING}
    return Ranking(results, len(shown) / max(len(catalogue), 1))


def results_of(
    catalogue: Catalogue,
    scores: np.ndarray,
    test: RankingTest,
    k: int,
    shown: set[str] | None = None,
) -> dict[str, np.ndarray]:
    """Return each metric by customer; scores (customers, items); `shown` gathers the new items."""
    every, new = np.zeros((len(test), 2)), np.full((len(test), 2), np.nan)  # recall, NDCG
    for n, row in enumerate(scores):
        every[n] = _hits(catalogue.best(row, k)[0], test.taken[n], k)
        if test.new[n] or shown is not None:
            ids, _ = catalogue.best(row, k, test.owned[n])
            if shown is not None:
                shown.update(ids)
            if test.new[n]:
                new[n] = _hits(ids, test.new[n], k)
    asked = np.isfinite(new[:, 0])
    return {
        "recall": new[asked, 0],
        "ndcg": new[asked, 1],
        "recall_all": every[:, 0],
        "ndcg_all": every[:, 1],
        "ndcg_both": np.where(asked, (new[:, 1] + every[:, 1]) / 2, every[:, 1]),
    }


def _hits(ids: list[str], taken: set[str], k: int) -> tuple[float, float]:
    """Return recall and NDCG of one list."""
    hits = np.array([item in taken for item in ids], dtype=bool)
    gain = 1 / np.log2(np.arange(k) + 2)
    ideal = gain[: min(k, len(taken))].sum()
    return hits.sum() / len(taken), gain[: len(hits)][hits].sum() / ideal


def _last_act(history: History) -> History:
    return History(
        history.item_ids[-1:],
        history.weights[-1:],
        None if history.ages_days is None else history.ages_days[-1:],
        None if history.kinds is None else history.kinds[-1:],
    )


def estimates(ranking: Ranking, seed: int) -> dict[str, Estimate]:
    """Return all metrics with their intervals."""
    return {
        name: _sample(ranking.of(name), seed).estimate(metric, ranking.of(name))
        for name, metric in RANKING.items()
    }


def gains(
    ranking: Ranking, others: Mapping[str, Ranking], metric: str, seed: int
) -> dict[str, Estimate]:
    """Return how much better a ranking is than each other one, on the same customers."""
    sample = _sample(ranking.of(metric), seed)
    return {
        name: sample.gain(RANKING[metric], ranking.of(metric), other.of(metric))
        for name, other in others.items()
    }


def _sample(results: np.ndarray, seed: int) -> Sample:
    return Sample(np.zeros(len(results)), np.arange(len(results)), seed)


def _pairs(acts: Acts) -> np.ndarray:
    return np.asarray(acts.users.astype(np.int64) * len(acts.item_ids) + acts.items)


def _items_of(acts: Acts, users: np.ndarray) -> list[list[str]]:
    order = np.argsort(acts.users, kind="stable")
    bounds = np.searchsorted(acts.users[order], [users, users + 1])
    return [acts.item_ids[acts.items[order[a:b]]].tolist() for a, b in bounds.T]
