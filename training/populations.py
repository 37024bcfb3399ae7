"""A population says whom a score is about, and from whom it may be learned."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

Rows = Callable[
    [pd.DataFrame, int], np.ndarray
]  # features, horizon in days -> which rows (n,) bool


@dataclass(frozen=True, slots=True)
class Population:
    """`asked`: everybody the question makes sense for; `learned`: those the model learns from.

    A score of somebody asked but not learned from is of low reliability, for the reason `beyond`.
    """

    meaning: str
    asked: Rows
    learned: Rows
    beyond: str


def prospects(active_days: int) -> Population:
    """Return those who have not bought and did something in the last `active_days` days."""
    return Population(
        meaning=f"no order so far, active in the last {active_days} days",
        asked=lambda x, _: _no_order(x),
        learned=lambda x, _: _no_order(x) & _at_most(x, "days_since_last_event", active_days),
        beyond=f"not active in the last {active_days} days, and the model learned from active ones",
    )


def active_customers() -> Population:
    """Return the customers whose last purchase is no older than the horizon."""
    return Population(
        meaning="customers with an order within the last horizon",
        asked=lambda x, _: _has_bought(x),
        learned=lambda x, horizon: _has_bought(x) & _at_most(x, "recency_days", horizon),
        beyond="silent for longer than the horizon already",
    )


def customers() -> Population:
    """Return those who have bought at least once."""
    return Population(
        meaning="customers with at least one purchase day",
        asked=lambda x, _: _has_bought(x),
        learned=lambda x, _: _has_bought(x),
        beyond="",
    )


def _no_order(x: pd.DataFrame) -> np.ndarray:
    return ((x["purchase_count"].fillna(0) == 0) & (x["event_count"].fillna(0) > 0)).to_numpy()


def _has_bought(x: pd.DataFrame) -> np.ndarray:
    return (x["purchase_day_count"].fillna(0) > 0).to_numpy()


def _at_most(x: pd.DataFrame, name: str, limit: float) -> np.ndarray:
    return (x[name] <= limit).to_numpy()  # a missing value is not below any limit
