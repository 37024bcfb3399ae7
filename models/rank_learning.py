"""What a ranker learns from: past questions, the lists they make, and the trees grown on them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from models.history import History
from models.interactions import Interactions

if TYPE_CHECKING:
    import lightgbm as lgb

_LATER = 0.2  # share of the acts that an order is learned from, where no questions are given
_LEAST_MISSED = 10  # items not taken that every list keeps


@dataclass(frozen=True, slots=True)
class Question:
    """A history as it was at a past moment, and what came of it.

    `taken` are the items taken afterwards. `shown` is the list that the visitor saw, where one was
    logged; else they chose from all, and those in `owned` are not new to them.
    """

    history: History
    taken: Collection[str]
    owned: Collection[str] = ()
    shown: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class TaughtList:
    """One list to learn from: rows (m, features), base (m,), taken (m,) bool."""

    rows: np.ndarray
    base: np.ndarray
    taken: np.ndarray

    def sample(self, kept: np.ndarray, length: int, rng: np.random.Generator) -> "TaughtList":
        """Return all of `kept` (m,) that was taken, and as much else, by chance, as fits."""
        hits, missed = np.flatnonzero(kept & self.taken), np.flatnonzero(kept & ~self.taken)
        others = rng.permutation(missed)[: max(length - len(hits), _LEAST_MISSED)]
        at = np.sort(np.concatenate([hits, others]))
        return TaughtList(self.rows[at], self.base[at], self.taken[at])


def grow(lists: Sequence[TaughtList], trees: int, settings: dict[str, Any]) -> "lgb.Booster":
    """Return trees that add to the base of each list what its order lacks."""
    import lightgbm as lgb

    fixed = {
        "objective": "lambdarank",
        "lambdarank_truncation_level": 30,
        "feature_fraction": 0.7,
        "lambda_l2": 5.0,
        "deterministic": True,
        "force_row_wise": True,
        "verbosity": -1,
    }
    learned = lgb.Dataset(
        np.concatenate([one.rows for one in lists]),
        np.concatenate([one.taken for one in lists]).astype(np.int32),
        group=[len(one.taken) for one in lists],
        init_score=np.concatenate([one.base for one in lists]),
        params=fixed | settings,
    )
    grown = lgb.train(fixed | settings, learned, trees)
    # Reading back its own text leaves in memory exactly what save writes.
    return lgb.Booster(model_str=grown.model_to_string())


def earlier_and_asked(interactions: Interactions) -> tuple[Interactions, list[Question]]:
    """Return the earlier acts, and a question for each user who went on in the later ones."""
    later = _latest(interactions)
    before, after = _rows(interactions, ~later), _rows(interactions, later)
    then = None if after.times is None or not len(after) else int(after.times.min())
    past = dict(before.histories(then)) if len(before) else {}
    went_on = dict(after.histories()) if len(after) else {}
    return before, [
        Question(past[user], set(history.item_ids), past[user].item_ids)
        for user, history in went_on.items()
        if user in past
    ]


def _latest(interactions: Interactions) -> np.ndarray:
    """Return which acts are the latest fifth, or without times the last act of each user, (n,)."""
    if interactions.times is not None:
        return np.asarray(interactions.times > np.quantile(interactions.times, 1 - _LATER))
    last = np.zeros(len(interactions), dtype=bool)
    reverse = interactions.users[::-1]
    last[len(interactions) - 1 - np.unique(reverse, return_index=True)[1]] = True
    return last


def _rows(interactions: Interactions, rows: np.ndarray) -> Interactions:
    """Return some of the acts over the same items and users."""
    times, bought = interactions.times, interactions.bought
    return replace(
        interactions,
        users=interactions.users[rows],
        items=interactions.items[rows],
        weights=interactions.weights[rows],
        times=None if times is None else times[rows],
        bought=None if bought is None else bought[rows],
    )
