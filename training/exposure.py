"""Which cut-offs teach: all that have been watched since, if only for a part of the horizon."""

from collections.abc import Mapping

import pandas as pd

from models.forecast_boost import CUTOFF, FORECAST
from models.purchase_forecast import PurchaseForecast
from models.purchase_history import HistoryColumns, PurchaseHistory

STEP_DAYS = 30
MOST = 16
LEAST_HISTORY = 60  # days before the oldest cut-off


def exposures(first_day: float, until: float, horizon_days: int) -> dict[float, int]:
    """Return cut-off day -> days watched since, newest first; nothing at or after `until` counts.

    The steps are a month, or a third of the horizon where that is shorter.
    """
    step = max(1, min(STEP_DAYS, horizon_days // 3))
    days = [until - step * (number + 1) for number in range(MOST)]
    return {
        day: int(min(horizon_days, until - day)) for day in days if day >= first_day + LEAST_HISTORY
    }


def with_forecast(
    X: pd.DataFrame, gives: str, forecast: PurchaseForecast, cutoff_day: float, watched_days: int
) -> pd.DataFrame:
    """Return the rows of one cut-off with what was foretold for the days they were watched."""
    history = PurchaseHistory.of(X, HistoryColumns())
    ask = forecast.silence if gives == "silence" else forecast.amount
    known = X.copy()
    known[FORECAST] = ask(history, watched_days)
    known[CUTOFF] = float(cutoff_day)
    return known


def gather(parts: Mapping[float, pd.DataFrame]) -> pd.DataFrame:
    """Return the rows of all cut-offs below each other."""
    return pd.concat(list(parts.values()), ignore_index=True)
