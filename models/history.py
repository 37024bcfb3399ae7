"""A history is what one visitor did, in order: all that a recommender needs to know of them."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

import numpy as np

from domain.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class History:
    """Item ids with positive weights, the most recent last; an item may occur more than once.

    The weight says how much one act counts (kind of event times recency), decided by the caller.
    `ages_days` says how long before the asking each act was, `kinds` the event group of each
    (purchase, intent, interest). Either is None where unknown; most models need neither.
    """

    item_ids: tuple[str, ...] = ()
    weights: tuple[float, ...] = ()
    ages_days: tuple[float, ...] | None = None
    kinds: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        for name in ("weights", "ages_days", "kinds"):
            given = getattr(self, name)
            if given is not None and len(given) != len(self.item_ids):
                raise InvalidInput(
                    f"history: {len(given)} {name} for {len(self.item_ids)} item ids", field=name
                )
        if len(self.weights) and not _all_positive(self.weights):
            raise InvalidInput(
                "history: each weight must be a finite number above 0; leave other acts out",
                field="weights",
            )
        if self.ages_days and not _all_ages(self.ages_days):
            raise InvalidInput(
                "history: each age must be a finite number of days, 0 or more; "
                "leave out acts after the asking",
                field="ages_days",
            )

    @classmethod
    def of(
        cls,
        item_ids: Iterable[str],
        weights: Iterable[float] | None = None,
        ages_days: Iterable[float] | None = None,
        kinds: Iterable[str] | None = None,
    ) -> Self:
        """Build a history from any iterables; without weights each act counts 1."""
        ids = tuple(str(item_id) for item_id in item_ids)
        return cls(
            ids,
            (1.0,) * len(ids) if weights is None else tuple(float(w) for w in weights),
            None if ages_days is None else tuple(float(age) for age in ages_days),
            None if kinds is None else tuple(str(kind) for kind in kinds),
        )

    def __len__(self) -> int:
        return len(self.item_ids)


def _all_positive(weights: tuple[float, ...]) -> bool:
    values = np.asarray(weights, dtype=np.float64)
    return bool(np.all(np.isfinite(values) & (values > 0)))


def _all_ages(ages_days: tuple[float, ...]) -> bool:
    values = np.asarray(ages_days, dtype=np.float64)
    return bool(np.all(np.isfinite(values) & (values >= 0)))
