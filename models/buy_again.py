"""What is due: items a customer bought before, by how often and when they are bought again."""

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, NamedTuple, Self

import numpy as np
from scipy.special import ndtr

from domain.catalogue import PURCHASE_GROUP
from domain.errors import InvalidInput, NotEnoughData
from models.history import History
from models.interactions import Interactions
from models.manifest import params_of, read_manifest, saving
from models.popular import popularity
from models.ranking import Catalogue, RanksByScore
from models.repurchases import Repurchases, purchase_days, repurchases

_TIE_BREAK = 1e-5  # of the popularity share: orders the items never bought


class _Due(NamedTuple):
    """The items of one history that were bought, (m,) each."""

    at: np.ndarray  # positions in the catalogue
    repeats: np.ndarray  # how often bought again
    log_gap: np.ndarray  # mean log days between purchases; 0 without repeats
    age_days: np.ndarray | None  # of the latest purchase


class BuyAgainRecommender(RanksByScore):
    """Scores an item by the probability that its buyer buys it again within `horizon_days`.

    As in Bhagat et al. 2018 ("Buy It Again", KDD), a repeat is a customer's habit times its timing.
    Habit: q = (k q_i + r) / (k + r) after r repeats of one's own, where q_i is the share of the
    item's purchases that were followed by another, itself shrunk towards that of all items.
    Timing: gaps are log-normal, F(t) = Phi((ln t - m) / s), with m the mean log gap of the item
    (shrunk likewise), moved towards the customer's own, and s that of all. After t days of silence
    (Bayes: who has not come back may be gone)
        P(again within h) = q (F(t + h) - F(t)) / (1 - q F(t)).
    k is `prior_repeats`. Purchases of one item nearer than a day count once (in fit: on one day,
    UTC). Without ages the score is q; acts without kinds all count as purchases, as they do in fit
    without `bought`.

    Items not bought score 0.00001 times their share of all weight, which is also added to the
    others: so the rest of the list, and a history without purchases, has the popular order.
    """

    KIND: ClassVar[str] = "buy_again"
    catalogue_: Catalogue
    learned_: Repurchases
    popularity_: np.ndarray  # (items,) float32

    def __init__(self, *, horizon_days: float = 14.0, prior_repeats: float = 2.0) -> None:
        self.horizon_days = horizon_days
        self.prior_repeats = prior_repeats

    def fit(self, interactions: Interactions) -> Self:
        """Learn how often and after how long each item is bought again."""
        if not len(interactions):
            raise NotEnoughData("buy_again: no purchases to count; widen the time window")
        if self.horizon_days <= 0 or self.prior_repeats <= 0:
            raise InvalidInput(
                f"buy_again: horizon_days {self.horizon_days}, prior_repeats "
                f"{self.prior_repeats}; both must be above 0"
            )
        self.learned_ = repurchases(purchase_days(interactions), self.prior_repeats)
        self.popularity_ = popularity(interactions)
        self.catalogue_ = Catalogue(interactions.item_ids)
        return self

    def score_batch(self, histories: Sequence[History]) -> np.ndarray:
        """Return the score of each item for each history, (histories, items) float32."""
        self._catalogue()
        scores = np.tile(np.float32(_TIE_BREAK) * self.popularity_, (len(histories), 1))
        for row, history in enumerate(histories):
            due = self._due(history)
            scores[row, due.at] += self._again(due).astype(np.float32)
        return scores

    def strongest(
        self, history: History, positions: np.ndarray, top: int
    ) -> list[list[tuple[str, float]]]:
        """Return for each position the item itself with its probability, if it was bought."""
        item_ids, due = self._catalogue().item_ids, self._due(history)
        again = dict(zip(due.at.tolist(), self._again(due).tolist(), strict=True))
        return [
            [(str(item_ids[at]), again[at])][:top] if at in again else []
            for at in np.asarray(positions).tolist()
        ]

    def save(self, folder: Path) -> None:
        """Write `repurchases.npz` with a manifest."""
        item_ids = self._catalogue().item_ids
        with saving(folder, self.KIND, params_of(self)) as draft:
            np.savez(
                draft / "repurchases.npz",
                item_ids=item_ids,
                popularity=self.popularity_,
                **self.learned_._asdict(),
            )

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read a saved model."""
        model = cls(**read_manifest(folder, cls.KIND).params)
        with np.load(Path(folder) / "repurchases.npz", allow_pickle=False) as arrays:
            model.learned_ = Repurchases(*(arrays[name] for name in Repurchases._fields))
            model.popularity_ = arrays["popularity"]
            model.catalogue_ = Catalogue(arrays["item_ids"])
        return model

    def _again(self, due: _Due) -> np.ndarray:
        """Return the probability that each item is bought again within the horizon, (m,)."""
        k, learned = self.prior_repeats, self.learned_
        q = (k * learned.share[due.at] + due.repeats) / (k + due.repeats)
        if due.age_days is None:
            return np.asarray(q)
        m = (k * learned.log_gap[due.at] + due.repeats * due.log_gap) / (k + due.repeats)
        now, then = (
            ndtr((np.log(np.maximum(days, 1e-3)) - m) / learned.spread)
            for days in (due.age_days, due.age_days + self.horizon_days)
        )
        return np.asarray(q * (then - now) / np.maximum(1 - q * now, 1e-12))

    def _due(self, history: History) -> _Due:
        catalogue = self._catalogue()
        bought = [
            (int(at[0]), 0.0 if history.ages_days is None else history.ages_days[place])
            for place, item_id in enumerate(history.item_ids)
            if history.kinds is None or history.kinds[place] == PURCHASE_GROUP
            if len(at := catalogue.positions([item_id]))
        ]
        positions = np.array([at for at, _ in bought], dtype=np.int64)
        at, item = np.unique(positions, return_inverse=True)
        if history.ages_days is None:
            again = np.bincount(item, minlength=len(at)) - 1.0
            return _Due(at, again, np.zeros(len(at)), None)
        ages = np.array([age for _, age in bought])
        order = np.lexsort((ages, item))  # by item, the latest purchase first
        gaps = np.where(np.diff(item[order]) == 0, np.diff(ages[order]), 0.0)
        same = gaps >= 1  # nearer than a day is one purchase
        of_item = item[order][1:][same]
        repeats = np.bincount(of_item, minlength=len(at)).astype(np.float64)
        logs = np.bincount(of_item, weights=np.log(gaps[same]), minlength=len(at))
        latest = np.full(len(at), np.inf)
        np.minimum.at(latest, item, ages)
        return _Due(at, repeats, logs / np.maximum(repeats, 1), latest)
