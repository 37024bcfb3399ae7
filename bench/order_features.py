"""Features of a customer from purchases alone, by the names and meanings of domain.features."""

import numpy as np
import pandas as pd
from order_files import Orders

WINDOWS = {"spend": (30, 90, 365), "purchase_days": (90, 365)}
LIVES = (7, 30)  # days


def features_at(orders: Orders, day: float) -> pd.DataFrame:
    """Return one row per customer known before `day`, by customer; nothing from `day` on counts."""
    bought = orders.purchases
    kept = bought.day < day
    rows = pd.DataFrame(
        {
            "customer": bought.customer[kept],
            "age": day - bought.day[kept],
            "spend": bought.spend[kept],
            "orders": orders.orders[kept],
        }
    )
    by = rows.groupby("customer", sort=True)
    frame = pd.DataFrame(
        {
            "recency_days": by["age"].min(),
            "customer_age_days": by["age"].max(),
            "purchase_day_count": by.size().astype(float),
            "order_count": by["orders"].sum(),
            "spend_total": by["spend"].sum(),
            "spend_per_purchase_day": by["spend"].mean(),
        }
    )
    gaps = -by["age"].diff()
    of = gaps.groupby(rows["customer"])
    frame["purchase_gap_mean_days"] = of.mean()
    frame["purchase_gap_std_days"] = of.std(ddof=0).where(frame["purchase_day_count"] > 2)
    return frame.assign(**_recent(rows, frame.index))


def _recent(rows: pd.DataFrame, customers: pd.Index) -> dict[str, np.ndarray]:
    found = {}
    for window in WINDOWS["spend"]:
        by = rows[rows["age"] <= window].groupby("customer")
        found[f"spend_{window}d"] = by["spend"].sum()
        if window in WINDOWS["purchase_days"]:
            found[f"purchase_days_{window}d"] = by.size().astype(float)
    for life in LIVES:
        faded = 0.5 ** (rows["age"] / life)
        found[f"spend_decayed_{life}d"] = (rows["spend"] * faded).groupby(rows["customer"]).sum()
        found[f"purchase_count_{life}d"] = (rows["orders"] * faded).groupby(rows["customer"]).sum()
    return {n: s.reindex(customers).fillna(0.0).to_numpy() for n, s in found.items()}
