"""How long must a customer be silent to count as gone? As long as the shop's own gaps suggest."""

from dataclasses import dataclass

import duckdb
import numpy as np

from domain.behaviour import DAY_MICROS
from domain.catalogue import PURCHASE_GROUP
from domain.errors import InvalidSetting, NotEnoughData
from feature_repo.state_tables import profile_key
from training.data_window import DataWindow

SHARE = 0.9  # of the gaps between two purchase days, this share is no longer than the horizon
SHORTEST, LONGEST = 14, 182
MIN_GAPS = 30

_GAPS = f"""
    SELECT day - lag(day) OVER (PARTITION BY profile_id ORDER BY day) AS gap
    FROM (SELECT DISTINCT {profile_key("$end")} AS profile_id,
                 e.occurred_at // {DAY_MICROS} AS day
          FROM events e LEFT JOIN identities i ON i.anonymous_id = e.anonymous_id
          JOIN kinds k ON k.kind = e.kind AND k.grp = '{PURCHASE_GROUP}'
          WHERE coalesce(e.customer_id, e.anonymous_id) IS NOT NULL)
    WHERE profile_id IS NOT NULL
    QUALIFY gap IS NOT NULL"""


@dataclass(frozen=True, slots=True)
class Horizon:
    """A number of days, and the sentence that says where it comes from."""

    days: int
    reason: str


def churn_horizon(
    db: duckdb.DuckDBPyConnection, window: DataWindow, churn_horizon_days: int
) -> Horizon:
    """Return the silence that counts as churn: as set, or computed when the setting is 0."""
    if churn_horizon_days < 0:
        raise InvalidSetting(
            f"churn_horizon_days {churn_horizon_days} must be 1 or more, or 0 to compute it",
            field="churn_horizon_days",
        )
    if churn_horizon_days:
        return Horizon(
            churn_horizon_days, f"{churn_horizon_days} days, as set by churn_horizon_days"
        )
    found = db.execute(_GAPS.replace("$end", "9223372036854775807")).fetchnumpy()
    return from_gaps(np.asarray(found["gap"], dtype=np.float64), window.days)


def from_gaps(gaps: np.ndarray, history_days: float) -> Horizon:
    """Return weeks that cover 90 % of the gaps: 14 to 182 days, at most a quarter of the past."""
    if len(gaps) < MIN_GAPS:
        raise NotEnoughData(
            f"churn: {len(gaps)} gaps between two purchase days of one customer are there, "
            f"{MIN_GAPS} are needed to see how often the shop's customers return; "
            "import more history, or set churn_horizon_days"
        )
    usual = float(np.quantile(gaps, SHARE))
    weeks = int(np.ceil(usual / 7)) * 7
    longest = max(SHORTEST, min(LONGEST, int(history_days / 4 // 7) * 7))
    days = min(max(weeks, SHORTEST), longest)
    reason = (
        f"{days} days: {SHARE:.0%} of {len(gaps)} gaps between purchase days "
        f"are at most {usual:.0f} days"
    )
    if days != weeks:
        why = "a quarter of the history, or half a year" if days < weeks else "the shortest allowed"
        reason += f", which gives {weeks}; held to {days} ({why})"
    return Horizon(days, reason)
