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
    """

    item_ids: tuple[str, ...] = ()
    weights: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if len(self.item_ids) != len(self.weights):
            raise InvalidInput(
                f"history: {len(self.weights)} weights for {len(self.item_ids)} item ids",
                field="weights",
            )
        if len(self.weights) and not _all_positive(self.weights):
            raise InvalidInput(
                "history: each weight must be a finite number above 0; leave other acts out",
                field="weights",
            )

    @classmethod
    def of(cls, item_ids: Iterable[str], weights: Iterable[float] | None = None) -> Self:
        """Build a history from any iterables; without weights each act counts 1."""
        ids = tuple(str(item_id) for item_id in item_ids)
        return cls(ids, (1.0,) * len(ids) if weights is None else tuple(float(w) for w in weights))

    def __len__(self) -> int:
        return len(self.item_ids)


def _all_positive(weights: tuple[float, ...]) -> bool:
    values = np.asarray(weights, dtype=np.float64)
    return bool(np.all(np.isfinite(values) & (values > 0)))
