"""What a re-ranker looks at: of each item, of the history, and of the two together.

All of it is read from what the model learned and from the history that is asked; nothing else.
"""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from domain.catalogue import PURCHASE_GROUP
from models.history import History
from models.interactions import MICROS_PER_DAY, Interactions
from models.ranking import Catalogue
from models.repurchases import purchase_days, repurchases
from models.trending import rise

LATELY_DAYS, PRIOR = 7.0, 2.0
ITEM_FEATURES = ("share", "lately", "rise", "repeat_share", "age_days", "log_price")
PAIR_FEATURES = (
    "touches", "days_since_touch", "purchases", "days_since_purchase",
    "category_share", "brand_share", "price_above", "price_distance",
)  # fmt: skip
HISTORY_FEATURES = ("acts", "items", "days_since_act", "purchase_share", "usual_share")


@dataclass(frozen=True, slots=True, eq=False)
class ItemStatistics:
    """One entry per item; numbers (items, ITEM_FEATURES) float32, codes (items,), -1 unknown."""

    numbers: np.ndarray
    categories: np.ndarray
    brands: np.ndarray

    @classmethod
    def of(cls, interactions: Interactions) -> Self:
        """Measure the items on what was known when the interactions end."""
        count, items = len(interactions.item_ids), interactions.items
        ages = np.zeros(len(interactions))
        if interactions.times is not None:
            ages = (interactions.times.max() - interactions.times) / MICROS_PER_DAY
        total = interactions.item_weights()
        lately = interactions.item_weights(0.5 ** (ages / LATELY_DAYS))
        first = np.zeros(count)
        np.maximum.at(first, items, ages)
        facts = interactions.facts
        prices = np.full(count, np.nan) if facts is None else facts.prices
        numbers = (
            np.log(total / total.sum() + 1e-6),
            np.log(lately / lately.sum() + 1e-6),
            rise(items, ages, count),
            repurchases(purchase_days(interactions), PRIOR).share,
            np.log1p(first),
            np.log(np.where(prices > 0, prices, np.nan)),
        )
        unknown = np.full(count, "")
        return cls(
            np.column_stack(numbers).astype(np.float32),
            _codes(unknown if facts is None else facts.categories),
            _codes(unknown if facts is None else facts.brands),
        )

    @classmethod
    def from_arrays(cls, arrays: Any) -> Self:
        """Rebuild from the parts by name."""
        return cls(arrays["numbers"], arrays["categories"], arrays["brands"])


def features_of(
    items: ItemStatistics, catalogue: Catalogue, history: History, at: np.ndarray
) -> np.ndarray:
    """Return what is known of a history and the items `at` (m,), (m, features) float32."""
    own = _Touches(catalogue, history)
    pairs = (
        *own.by_item(at),
        own.share_of(items.categories, at),
        own.share_of(items.brands, at),
        *_prices(items.numbers[:, ITEM_FEATURES.index("log_price")], own, at),
    )
    whole = np.tile(own.summary(items), (len(at), 1))  # (m, HISTORY_FEATURES)
    columns = (items.numbers[at], np.column_stack(pairs), whole)
    return np.concatenate(columns, axis=1).astype(np.float32)


class _Touches:
    """The acts of a history on known items; all (n,)."""

    def __init__(self, catalogue: Catalogue, history: History) -> None:
        places = [n for n, item in enumerate(history.item_ids) if catalogue.knows(item)]
        self.at = catalogue.positions([history.item_ids[n] for n in places])
        self.weights = np.array([history.weights[n] for n in places])
        ages, kinds = history.ages_days, history.kinds
        self.ages = np.array([np.nan if ages is None else ages[n] for n in places])
        bought = [kinds is None or kinds[n] == PURCHASE_GROUP for n in places]
        self.bought = np.array(bought, dtype=bool)
        self.size = len(catalogue)

    def by_item(self, at: np.ndarray) -> tuple[np.ndarray, ...]:
        """Return touches, days since, purchases, days since, (m,) each; NaN is never."""
        found: list[np.ndarray] = []
        for rows in (np.ones(len(self.at), dtype=bool), self.bought):
            counts = np.bincount(self.at[rows], minlength=self.size)[at]
            latest = np.full(self.size, np.inf)
            np.fmin.at(latest, self.at[rows], self.ages[rows])
            since = np.where(np.isfinite(latest[at]), np.log1p(latest[at]), np.nan)
            found += [counts, since]
        return tuple(found)

    def share_of(self, codes: np.ndarray, at: np.ndarray) -> np.ndarray:
        """Return the share of the history's weight that has the code of each item, (m,)."""
        of = codes[self.at]
        known = of >= 0
        total = self.weights[known].sum()
        if not total:
            return np.full(len(at), np.nan)
        by_code = np.bincount(of[known], weights=self.weights[known], minlength=codes.max() + 1)
        return np.where(codes[at] >= 0, by_code[codes[at]] / total, np.nan)

    def summary(self, items: ItemStatistics) -> np.ndarray:
        """Return HISTORY_FEATURES of the history."""
        latest = np.nan if np.isnan(self.ages).all() else np.log1p(np.nanmin(self.ages))
        return np.array(
            [
                np.log1p(len(self.at)),
                np.log1p(len(np.unique(self.at))),
                latest,
                self.bought.mean(),
                items.numbers[self.at, ITEM_FEATURES.index("share")].mean(),
            ]
        )


def _prices(log_price: np.ndarray, own: _Touches, at: np.ndarray) -> tuple[np.ndarray, ...]:
    """Return how far each price is above what is usual in the history, and how far off, logs."""
    paid = log_price[own.at]
    known = np.isfinite(paid)
    if not known.any():
        return np.full(len(at), np.nan), np.full(len(at), np.nan)
    above = log_price[at] - np.average(paid[known], weights=own.weights[known])
    return above, np.abs(above)


def _codes(texts: np.ndarray) -> np.ndarray:
    """Return one code per different text, (items,) int32; "" is -1."""
    known, codes = np.unique(texts, return_inverse=True)
    return (codes - int(len(known) > 0 and known[0] == "")).astype(np.int32)
