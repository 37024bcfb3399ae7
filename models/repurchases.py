"""How often an item is bought again, and after how long: counted per item, shrunk towards all."""

from typing import NamedTuple

import numpy as np

from models.interactions import MICROS_PER_DAY, Interactions

_USUAL_GAP_DAYS = 30.0  # where no purchase was ever repeated
_LEAST_SPREAD, _USUAL_SPREAD = 0.25, 1.0  # of the log gap


class PurchaseDays(NamedTuple):
    """One row per customer, item and day with a purchase, in that order; all (n,)."""

    users: np.ndarray
    items: np.ndarray
    days: np.ndarray  # since 1970, UTC; without times the number of the act
    known_items: int
    timed: bool


class Repurchases(NamedTuple):
    """What is known of each item's repeats."""

    share: np.ndarray  # (items,) of its purchases that were followed by another, 0 to 1
    log_gap: np.ndarray  # (items,) mean natural logarithm of the days between
    spread: np.ndarray  # () standard deviation of that logarithm, of all items


def purchase_days(interactions: Interactions) -> PurchaseDays:
    """Return the purchases; where nothing is known to be one, every act counts as one."""
    rows = np.arange(len(interactions))
    if interactions.bought is not None and interactions.bought.any():
        rows = np.flatnonzero(interactions.bought)
    users, items = interactions.users[rows], interactions.items[rows]
    days = np.arange(len(rows))
    if interactions.times is not None:
        days = interactions.times[rows] // MICROS_PER_DAY
    users, items, days = np.unique(np.column_stack([users, items, days]), axis=0).T
    timed = interactions.times is not None
    return PurchaseDays(users, items, days, len(interactions.item_ids), timed)


def repurchases(bought: PurchaseDays, prior: float) -> Repurchases:
    """Return each item's repeats, shrunk as if `prior` purchases had been as those of all items.

    The latest purchases have had little time to be repeated: the share is low by that, for all.
    """
    same = (np.diff(bought.users) == 0) & (np.diff(bought.items) == 0)
    items, gaps = bought.items[1:][same], np.diff(bought.days)[same]  # of each repeat
    purchases = np.bincount(bought.items, minlength=bought.known_items)
    repeats = np.bincount(items, minlength=bought.known_items)
    overall = repeats.sum() / max(purchases.sum(), 1)
    share = (repeats + prior * overall) / (purchases + prior)
    usual, spread = np.log(_USUAL_GAP_DAYS), _USUAL_SPREAD
    if not bought.timed or not len(gaps):
        return Repurchases(share, np.full(bought.known_items, usual), np.array(spread))
    logs = np.log(gaps)
    sums = np.bincount(items, weights=logs, minlength=bought.known_items)
    log_gap = (sums + prior * logs.mean()) / (repeats + prior)
    if len(logs) > 1:
        spread = max(float(np.sqrt(np.mean((logs - log_gap[items]) ** 2))), _LEAST_SPREAD)
    return Repurchases(share, log_gap, np.array(spread))
