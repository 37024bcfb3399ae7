"""What the purchase models read off a frame of features: repeats, first to last, age, spend."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from models.buy_till_you_die import Histories
from models.encoder import numbers, require_columns


@dataclass(frozen=True, slots=True)
class HistoryColumns:
    """Where a frame has what. Purchases are counted by day: two orders of one day are one."""

    days: str = "purchase_day_count"  # days with a purchase so far
    recency: str = "recency_days"  # days from the last purchase to the cut-off
    age: str = "customer_age_days"  # days from the first purchase to the cut-off
    spend: str = "spend_per_purchase_day"  # in the currency

    def names(self) -> tuple[str, str, str, str]:
        """Return the four columns."""
        return (self.days, self.recency, self.age, self.spend)


@dataclass(frozen=True, slots=True, eq=False)
class PurchaseHistory:
    """The histories of the rows of a frame; who never bought is marked, and has x = t_x = 0."""

    past: Histories
    days: np.ndarray  # (n,) purchase days of known spend
    spend: np.ndarray  # (n,) mean spend of a purchase day
    bought: np.ndarray  # (n,) bool: a customer with at least one purchase

    @classmethod
    def of(cls, X: pd.DataFrame, columns: HistoryColumns) -> "PurchaseHistory":
        """Read the four columns of X (n, columns)."""
        require_columns(X, columns.names())
        days, recency, age, spend = (numbers(X[name]) for name in columns.names())
        bought = np.isfinite(age) & (days > 0)
        days = np.where(bought, days, 0.0)
        T = np.where(bought, np.maximum(age, 0.0), 0.0)
        since = np.clip(np.where(np.isfinite(recency), recency, T), 0.0, T)
        x = np.maximum(days - 1, 0.0)
        t_x = np.where(x > 0, T - since, 0.0)
        known = np.where(np.isfinite(spend), days, 0.0)
        return cls(Histories(x, t_x, T), known, np.maximum(np.nan_to_num(spend), 0.0), bought)

    def customers(self) -> "PurchaseHistory":
        """Return only those who bought."""
        rows = np.flatnonzero(self.bought)
        return PurchaseHistory(
            self.past.take(rows), self.days[rows], self.spend[rows], self.bought[rows]
        )
