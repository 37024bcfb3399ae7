"""The season's level: how far the forecast was off a year ago, with as much history as then.

    level = level a year ago, of a forecast made from the H days before it
          + what a forecast from the last H days says beyond one from all days, same customers

H is all the history that there was a year ago. The comparison is of like with like: a young history
makes every forecast low or high by itself, so the error of a year ago is only brought over to a
forecast that is as young. Nothing after `day` is read.
"""

from dataclasses import dataclass

import numpy as np

from domain.errors import NotEnoughData
from models.outlook import Outlook, level_for, level_of, levelled
from models.purchase_forecast import PurchaseForecast
from models.purchase_history import PurchaseHistory
from training.purchases import Purchases

YEAR = 365
LEAST_HISTORY = 60  # days before the day a year ago; below, the year before says nothing


@dataclass(frozen=True, slots=True, eq=False)
class _Seen:
    """A forecast with those whom it was learned from."""

    customers: np.ndarray
    history: PurchaseHistory
    forecast: PurchaseForecast

    @classmethod
    def of(cls, purchases: Purchases, until: float, seed: int) -> "_Seen":
        customers, history = purchases.histories(until)
        forecast = PurchaseForecast.fit(history, may_stop_at_first=True, seed=seed)
        return cls(customers, history, forecast)

    def expected(self, gives: str, days: float) -> np.ndarray:
        ask = self.forecast.silence if gives == "silence" else self.forecast.amount
        return ask(self.history, days)


def forecast_at(purchases: Purchases, day: float, *, seed: int = 0) -> PurchaseForecast:
    """Return the forecast as it could be made on the morning of `day`."""
    return _Seen.of(purchases.between(-np.inf, day), day, seed).forecast


def outlook(purchases: Purchases, gives: str, day: float, days: float, *, seed: int = 0) -> Outlook:
    """Return what is foretold from `day` on for `days`, with the level of the season."""
    past = purchases.between(-np.inf, day)
    now = _Seen.of(past, day, seed)
    year_ago = day - YEAR
    young = year_ago - float(past.day.min())
    if young < LEAST_HISTORY or days > YEAR:
        return Outlook(now.forecast, None, f"no season: {max(young, 0):.0f} days before a year ago")
    try:
        then = _Seen.of(past.between(-np.inf, year_ago), year_ago, seed)
        recent = _Seen.of(past.between(day - young, day), day, seed)
    except NotEnoughData as few:
        return Outlook(now.forecast, None, f"no season: a year ago {few}")
    came = past.between(year_ago, year_ago + days)
    outcome = came.silent(then.customers) if gives == "silence" else came.spent(then.customers)
    error = level_of(gives, then.expected(gives, days), outcome)
    wanted = levelled(gives, recent.expected(gives, days), error)
    same = np.isin(now.customers, recent.customers)
    level = level_for(gives, now.expected(gives, days)[same], float(wanted.mean()))
    found = f"a year ago, from {young:.0f} days of history, the forecast was off by {error:+.2f}"
    return Outlook(now.forecast, level, f"level {level:+.2f}: {found}")
