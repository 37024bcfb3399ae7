"""Peers of the lifetime value table: the package lifetimes, where it is installed."""

import numpy as np

from training.purchases import Purchases


def peers(bought: Purchases, gives: str, day: float, days: int) -> dict[str, np.ndarray]:
    """Return the scores of the customers known before `day`, by customer, for each peer there is.

    As its manual does: BG/NBD on repeat purchase days, Gamma-Gamma on the mean of the repeats of
    those who have any; its expected count, and never P(alive), is the churn score.
    """
    try:
        from lifetimes import BetaGeoFitter, GammaGammaFitter
    except ImportError:
        return {}
    past = bought.between(-np.inf, day)
    _, first = np.unique(past.customer, return_index=True)
    _, history = past.histories(day)
    x, t_x, T = history.past
    process = BetaGeoFitter(penalizer_coef=0.0).fit(x, t_x, T)
    expected = process.conditional_expected_number_of_purchases_up_to_time(days, x, t_x, T)
    expected = np.nan_to_num(np.asarray(expected, dtype=np.float64))
    if gives == "silence":
        return {"lifetimes BG/NBD, exp(-expected count)": np.exp(-expected)}
    total = history.spend * history.days - past.spend[first]
    again = x > 0
    mean = np.where(again, total / np.maximum(x, 1), 0.0)
    money = GammaGammaFitter(penalizer_coef=0.0).fit(x[again], mean[again])
    per_day = np.asarray(money.conditional_expected_average_profit(x, mean), dtype=np.float64)
    per_day = np.where(again, per_day, mean[again].mean())
    return {"lifetimes BG/NBD + Gamma-Gamma": expected * per_day}
