"""Label windows: who was there at a cut-off, and what each of them did in the time after it."""

from collections.abc import Iterable
from datetime import datetime, timedelta

import duckdb
import pandas as pd

from domain.catalogue import PURCHASE_GROUP
from domain.events import to_micros
from feature_repo.state_tables import canonical, profile_key

_PEOPLE = f"""
    SELECT c.cutoff, c.until, {profile_key("c.cutoff")} AS profile_id
    FROM events e LEFT JOIN identities i ON i.anonymous_id = e.anonymous_id
    JOIN cutoffs c ON e.occurred_at < c.cutoff
    WHERE coalesce(e.customer_id, e.anonymous_id) IS NOT NULL
    GROUP BY ALL"""

# A purchase belongs to the profile as known at the end of the window; a device that was anonymous
# at the cut-off and was linked since is followed to its customer, and so are stitched customers.
_OUTCOMES = f"""
    WITH people AS ({_PEOPLE}),
    bought AS (
        SELECT c.cutoff, {profile_key("c.until")} AS buyer, count(*) AS orders,
               sum(coalesce(e.value, 0)) AS spend
        FROM events e LEFT JOIN identities i ON i.anonymous_id = e.anonymous_id
        JOIN kinds k ON k.kind = e.kind AND k.grp = '{PURCHASE_GROUP}'
        JOIN cutoffs c ON e.occurred_at >= c.cutoff AND e.occurred_at < c.until
        WHERE coalesce(e.customer_id, e.anonymous_id) IS NOT NULL
        GROUP BY ALL),
    followed AS (
        SELECT p.*, {canonical("coalesce(i.customer_id, p.profile_id)", "p.until")} AS later_id
        FROM people p
        LEFT JOIN identities i ON i.anonymous_id = p.profile_id AND i.linked_at < p.until)
    SELECT p.profile_id, make_timestamptz(p.cutoff) AS event_timestamp,
           coalesce(b.orders, 0)::BIGINT AS orders, coalesce(b.spend, 0)::DOUBLE AS spend
    FROM followed p
    LEFT JOIN bought b ON b.cutoff = p.cutoff AND b.buyer = p.later_id
    ORDER BY p.cutoff, p.profile_id"""


def label_windows(
    db: duckdb.DuckDBPyConnection, cutoffs: Iterable[datetime], horizon_days: int
) -> pd.DataFrame:
    """Return one row per cut-off T and profile known before T, in that order.

    Columns: profile_id, event_timestamp (T), and of the events in [T, T + horizon): orders, spend.
    """
    _make_cutoffs(db, cutoffs, horizon_days)
    found = db.execute(_OUTCOMES).df()
    return found.assign(event_timestamp=found["event_timestamp"].dt.tz_convert("UTC"))


def people(db: duckdb.DuckDBPyConnection, as_of: datetime) -> pd.DataFrame:
    """Return one row per profile known before `as_of`: profile_id, event_timestamp (`as_of`)."""
    _make_cutoffs(db, [as_of], 0)
    ids = db.execute(f"SELECT profile_id FROM ({_PEOPLE}) ORDER BY profile_id").df()
    return ids.assign(event_timestamp=pd.Timestamp(as_of))


def _make_cutoffs(
    db: duckdb.DuckDBPyConnection, cutoffs: Iterable[datetime], horizon_days: int
) -> None:
    length = timedelta(days=horizon_days)
    rows = [(to_micros(at), to_micros(at + length)) for at in sorted(set(cutoffs))]
    db.execute("CREATE OR REPLACE TEMP TABLE cutoffs (cutoff BIGINT, until BIGINT)")
    db.executemany("INSERT INTO cutoffs VALUES (?, ?)", rows)
