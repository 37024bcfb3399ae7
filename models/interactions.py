"""Interactions are who touched what, how much and when: the training set of every recommender."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from domain.errors import InvalidInput
from models.facts import ItemFacts
from models.history import History

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

MICROS_PER_DAY = 86_400_000_000
_TYPES: dict[str, type[np.generic]] = {
    "users": np.int32,
    "items": np.int32,
    "weights": np.float32,
    "times": np.int64,
    "bought": np.bool_,
}


@dataclass(frozen=True, slots=True, eq=False)
class Interactions:
    """One row per act, in any order; the codes index `user_ids` and `item_ids`.

    users (n,) int32, items (n,) int32, weights (n,) float32 above 0, times (n,) int64 microseconds
    since 1970 UTC or None, item_ids (items,) and user_ids (users,) text. Ids may have no rows.
    bought (n,) bool says which acts are purchases, facts what the catalogue says of each item code;
    either is None where unknown, and only some models ask.
    """

    users: np.ndarray
    items: np.ndarray
    weights: np.ndarray
    item_ids: np.ndarray
    user_ids: np.ndarray
    times: np.ndarray | None = None
    bought: np.ndarray | None = None
    facts: ItemFacts | None = None

    def __post_init__(self) -> None:
        for name, dtype in _TYPES.items():
            column = getattr(self, name)
            if column is not None:
                object.__setattr__(self, name, np.ascontiguousarray(column, dtype=dtype))
        for name in ("item_ids", "user_ids"):
            object.__setattr__(self, name, np.asarray(getattr(self, name), dtype=np.str_))
        self._check()

    @classmethod
    def from_ids(
        cls,
        user_ids: Sequence[str],
        item_ids: Sequence[str],
        weights: Sequence[float] | None = None,
        times: Sequence[int] | None = None,
        bought: Sequence[bool] | None = None,
    ) -> Self:
        """Code plain columns of ids; ids get their codes in sorted order."""
        known_users, users = np.unique(np.asarray(user_ids, dtype=np.str_), return_inverse=True)
        known_items, items = np.unique(np.asarray(item_ids, dtype=np.str_), return_inverse=True)
        given = np.ones(len(users)) if weights is None else np.asarray(weights)
        when = None if times is None else np.asarray(times)
        purchases = None if bought is None else np.asarray(bought)
        return cls(users, items, given, known_items, known_users, when, purchases)

    def __len__(self) -> int:
        return len(self.users)

    def matrix(self) -> "csr_matrix":
        """Return the summed weights as a sparse (users, items) float32 matrix."""
        from scipy.sparse import csr_matrix

        shape = (len(self.user_ids), len(self.item_ids))
        return csr_matrix((self.weights, (self.users, self.items)), shape=shape, dtype=np.float32)

    def item_weights(self, factor: np.ndarray | float = 1.0) -> np.ndarray:
        """Return the total weight of each item, (items,) float64; `factor` scales each row."""
        scaled = self.weights.astype(np.float64) * factor
        return np.bincount(self.items, weights=scaled, minlength=len(self.item_ids))

    def histories(self, as_of: int | None = None) -> Iterator[tuple[str, History]]:
        """Yield (user id, history) for each user with rows; oldest act first, given times.

        With `as_of` (microseconds since 1970 UTC, not before the latest act) and times, a history
        knows its ages; with `bought` it knows which acts are purchases (others: interest).
        """
        when = np.zeros(len(self), dtype=np.int64) if self.times is None else self.times
        order = np.lexsort((when, self.users))  # stable: rows of equal time keep their order
        users = self.users[order]
        starts = np.flatnonzero(np.diff(users, prepend=-1))
        for rows in np.split(order, starts[1:]) if len(order) else ():
            yield str(self.user_ids[self.users[rows[0]]]), self._history(rows, as_of)

    def _history(self, rows: np.ndarray, as_of: int | None) -> History:
        ages = None
        if as_of is not None and self.times is not None:
            ages = (as_of - self.times[rows]) / MICROS_PER_DAY
        kinds = None if self.bought is None else np.where(self.bought[rows], "purchase", "interest")
        return History.of(self.item_ids[self.items[rows]], self.weights[rows], ages, kinds)

    def _check(self) -> None:
        columns = (self.users, self.items, self.weights, self.times, self.bought)
        lengths = {len(column) for column in columns if column is not None}
        if len(lengths) > 1:
            raise InvalidInput(
                f"interactions: columns differ in length ({sorted(lengths)}); give one row each"
            )
        _check_codes("users", self.users, len(self.user_ids))
        _check_codes("items", self.items, len(self.item_ids))
        if not np.all(np.isfinite(self.weights) & (self.weights > 0)):
            raise InvalidInput(
                "interactions: each weight must be a finite number above 0; leave other rows out",
                field="weights",
            )
        if len(np.unique(self.item_ids)) != len(self.item_ids):
            raise InvalidInput(
                "interactions: item_ids holds an id twice; list each once", field="item_ids"
            )
        if self.facts is not None and len(self.facts) != len(self.item_ids):
            raise InvalidInput(
                f"interactions: facts of {len(self.facts)} items for {len(self.item_ids)} item_ids;"
                " give one entry per item code",
                field="facts",
            )


def _check_codes(name: str, codes: np.ndarray, known: int) -> None:
    if len(codes) and (codes.min() < 0 or codes.max() >= known):
        raise InvalidInput(
            f"interactions: {name} codes go from {codes.min()} to {codes.max()} for {known} ids",
            field=name,
        )
