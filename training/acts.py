"""Acts: who touched which item when, and how; the raw matter of every recommender."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import duckdb
import numpy as np

from domain.behaviour import DAY_MICROS, MAX_TOUCHES
from domain.catalogue import PURCHASE_GROUP
from feature_repo.state_tables import profile_key
from models.facts import ItemFacts
from models.history import History
from models.interactions import Interactions

_ACTS = f"""
    SELECT {profile_key("9223372036854775807")} AS profile_id, line.item_id AS item_id,
           k.grp AS grp, e.occurred_at AS at
    FROM (SELECT customer_id, anonymous_id, kind, occurred_at, message_id, unnest(lines) AS line
          FROM events WHERE customer_id IS NOT NULL OR anonymous_id IS NOT NULL) e
    JOIN kinds k ON k.kind = e.kind AND k.score > 0  -- what takes back (score 0 or less) is no act
    LEFT JOIN identities i ON i.anonymous_id = e.anonymous_id
    WHERE list_contains($groups, k.grp)
    ORDER BY e.occurred_at, e.message_id, item_id"""


@dataclass(frozen=True, slots=True, eq=False)
class Acts:
    """One row per act, oldest first; codes index the sorted ids. All arrays (n,).

    `facts` is what the catalogue says of each item id, None if nobody asked.
    """

    users: np.ndarray
    items: np.ndarray
    weights: np.ndarray  # by kind, without decay
    times: np.ndarray  # microseconds since 1970, UTC
    groups: np.ndarray  # text, the event group
    user_ids: np.ndarray
    item_ids: np.ndarray
    facts: ItemFacts | None = None

    def __len__(self) -> int:
        return len(self.users)

    @property
    def bought(self) -> np.ndarray:
        """Which acts are purchases, (n,) bool."""
        return np.asarray(self.groups == PURCHASE_GROUP)

    def between(self, start: int, end: int) -> "Acts":
        """Return the acts in [start, end), in microseconds; ids keep their codes."""
        return self.where((self.times >= start) & (self.times < end))

    def where(self, rows: np.ndarray) -> "Acts":
        """Return some acts; ids keep their codes."""
        return replace(
            self,
            users=self.users[rows],
            items=self.items[rows],
            weights=self.weights[rows],
            times=self.times[rows],
            groups=self.groups[rows],
        )

    def decayed(self, now: int, half_life_days: float) -> np.ndarray:
        """Return the weights as they count at `now`, halved every `half_life_days`."""
        age_days = (now - self.times) / DAY_MICROS
        return np.maximum(self.weights * 0.5 ** (age_days / half_life_days), 1e-6)

    def interactions(self, now: int, half_life_days: float) -> Interactions:
        """Return what a recommender learns from at `now`; only items with an act take part."""
        kept, codes = np.unique(self.items, return_inverse=True)
        weights = self.decayed(now, half_life_days)
        return Interactions(
            self.users,
            codes,
            weights,
            self.item_ids[kept],
            self.user_ids,
            self.times,
            bought=self.bought,
            facts=None if self.facts is None else self.facts.take(kept),
        )

    def histories(self, users: np.ndarray, now: int, half_life_days: float) -> list[History]:
        """Return the history of each user code, oldest act first; as much as serving keeps."""
        own = self.where(np.isin(self.users, users))
        weights = own.decayed(now, half_life_days)
        ages = np.maximum(now - own.times, 0) / DAY_MICROS
        order = np.argsort(own.users, kind="stable")  # acts of one user keep their order of time
        bounds = np.searchsorted(own.users[order], [users, users + 1])
        return [
            History.of(self.item_ids[own.items[rows]], weights[rows], ages[rows], own.groups[rows])
            for a, b in bounds.T
            for rows in [order[max(a, b - MAX_TOUCHES) : b]]
        ]


def load_acts(db: duckdb.DuckDBPyConnection, weights: Mapping[str, float]) -> Acts:
    """Read the acts of the event groups named in `weights` from the lake, without facts."""
    found = db.execute(_ACTS.replace("$groups", str(list(weights)))).fetchnumpy()
    user_ids, users = np.unique(np.asarray(found["profile_id"], dtype=np.str_), return_inverse=True)
    item_ids, items = np.unique(np.asarray(found["item_id"], dtype=np.str_), return_inverse=True)
    groups = np.asarray(found["grp"], dtype=np.str_)
    counts = np.zeros(len(groups), dtype=np.float32)
    for group, weight in weights.items():
        counts[groups == group] = weight
    times = np.asarray(found["at"], dtype=np.int64)
    return Acts(users, items, counts, times, groups, user_ids, item_ids)
