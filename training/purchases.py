"""The purchases of a shop by customer and day: what outlooks and seasons are learned from."""

from dataclasses import dataclass

import duckdb
import numpy as np

from domain.behaviour import DAY_MICROS
from domain.catalogue import PURCHASE_GROUP
from feature_repo.state_tables import profile_key
from models.buy_till_you_die import Histories
from models.purchase_history import PurchaseHistory

_PURCHASES = f"""
    SELECT profile_id, day, sum(spend) AS spend
    FROM (SELECT {profile_key("$end")} AS profile_id, e.occurred_at // {DAY_MICROS} AS day,
                 coalesce(e.value, 0) AS spend
          FROM events e LEFT JOIN identities i ON i.anonymous_id = e.anonymous_id
          JOIN kinds k ON k.kind = e.kind AND k.grp = '{PURCHASE_GROUP}'
          WHERE coalesce(e.customer_id, e.anonymous_id) IS NOT NULL AND e.occurred_at < $end)
    WHERE profile_id IS NOT NULL
    GROUP BY ALL
    ORDER BY profile_id, day"""


@dataclass(frozen=True, slots=True, eq=False)
class Purchases:
    """One row per customer and UTC day with a purchase, by customer, then day; arrays (n,)."""

    customer: np.ndarray  # text or number
    day: np.ndarray  # days since 1970
    spend: np.ndarray

    def between(self, since: float, until: float) -> "Purchases":
        """Return the purchases of [since, until)."""
        kept = (self.day >= since) & (self.day < until)
        return Purchases(self.customer[kept], self.day[kept], self.spend[kept])

    def histories(self, until: float) -> tuple[np.ndarray, PurchaseHistory]:
        """Return the customers (m,) and their histories as seen at `until`, all being older."""
        customers, first, counts = np.unique(self.customer, return_index=True, return_counts=True)
        last = first + counts - 1
        days = counts.astype(np.float64)
        T = until - self.day[first].astype(np.float64)
        t_x = self.day[last].astype(np.float64) - self.day[first]
        spend = np.add.reduceat(self.spend, first) / days if len(first) else np.empty(0)
        bought = np.ones(len(days), dtype=bool)
        past = Histories(days - 1, t_x, T)
        return customers, PurchaseHistory(past, days, np.maximum(spend, 0.0), bought)

    def spent(self, customers: np.ndarray) -> np.ndarray:
        """Return what each of these customers spent, (m,); customers ascending."""
        at = np.searchsorted(customers, self.customer)
        known = at < len(customers)
        known[known] = customers[at[known]] == self.customer[known]
        return np.bincount(at[known], self.spend[known], minlength=len(customers))

    def silent(self, customers: np.ndarray) -> np.ndarray:
        """Return 1 for each of these customers without a purchase, else 0, (m,)."""
        return 1.0 - np.isin(customers, self.customer)


def load_purchases(db: duckdb.DuckDBPyConnection, end: int) -> Purchases:
    """Return the purchases before `end` (microseconds), by the identities known then."""
    found = db.execute(_PURCHASES.replace("$end", str(end))).fetchnumpy()
    return Purchases(
        np.asarray(found["profile_id"], dtype=np.str_),
        np.asarray(found["day"], dtype=np.float64),
        np.asarray(found["spend"], dtype=np.float64),
    )
