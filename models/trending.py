"""What is wanted more than usual: the rise of each item against its own past, the same for all."""

from typing import ClassVar, Self

import numpy as np

from domain.errors import InvalidInput, NotEnoughData
from models.interactions import MICROS_PER_DAY, Interactions
from models.ranking import Catalogue
from models.same_for_all import SameForAll


class TrendingRecommender(SameForAll):
    """Scores an item by the log2 of its acts lately over those that its own past lets expect.

    1 is twice as many as usual, 0 as usual, -1 half as many; `prior_acts` on both sides keep a
    single act from being a trend. See `rise`. Every act counts one: weights fade with age by
    themselves. Age counts from the latest act; without times all acts are of
    today, so that the order is that of popularity. The history changes nothing.
    """

    KIND: ClassVar[str] = "trending"

    def __init__(
        self, *, recent_days: float = 7.0, past_days: float = 56.0, prior_acts: float = 3.0
    ) -> None:
        self.recent_days = recent_days
        self.past_days = past_days
        self.prior_acts = prior_acts

    def fit(self, interactions: Interactions) -> Self:
        """Learn each item's rise."""
        if not len(interactions):
            raise NotEnoughData("trending: no interactions to count; widen the time window")
        ages = np.zeros(len(interactions))
        if interactions.times is not None:
            ages = (interactions.times.max() - interactions.times) / MICROS_PER_DAY
        found = rise(
            interactions.items,
            ages,
            len(interactions.item_ids),
            recent_days=self.recent_days,
            past_days=self.past_days,
            prior_acts=self.prior_acts,
        )
        self.scores_ = found.astype(np.float32)
        self.catalogue_ = Catalogue(interactions.item_ids)
        return self


def rise(
    items: np.ndarray,
    age_days: np.ndarray,
    count: int,
    *,
    recent_days: float = 7.0,
    past_days: float = 56.0,
    prior_acts: float = 3.0,
) -> np.ndarray:
    """Return log2((recent + prior) / (expected + prior)) of each item, (count,) float64.

    items (n,) codes and age_days (n,) describe the acts. With half-lives h and H, an act of age a
    counts 2^(-a/h) as recent and 2^(-a/H) - 2^(-a/h) as past: what is new is not past yet. The past
    count becomes the expected recent one by the ratio of what both would count, over the days that
    the acts span, of an item with a steady rate; such an item scores 0.
    """
    if not 0 < recent_days < past_days or prior_acts <= 0:
        raise InvalidInput(
            f"trending: recent_days {recent_days}, past_days {past_days}, prior_acts {prior_acts}; "
            "give 0 < recent_days < past_days and a prior above 0"
        )
    new, old = 0.5 ** (age_days / recent_days), 0.5 ** (age_days / past_days)
    recent = np.bincount(items, weights=new, minlength=count)
    past = np.bincount(items, weights=old - new, minlength=count)
    span = float(age_days.max()) if len(age_days) else 0.0
    steady_recent = recent_days * (1 - 0.5 ** (span / recent_days))  # both times ln 2
    steady_past = past_days * (1 - 0.5 ** (span / past_days)) - steady_recent
    # A past shorter than the recent days says little: at most one expected act per past act.
    expected = past * steady_recent / max(steady_past, steady_recent, 1e-9)
    return np.asarray(np.log2((recent + prior_acts) / (expected + prior_acts)))
