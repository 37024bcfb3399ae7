"""The items of a release: the catalogue with how popular each item is, and how fast it rises."""

from datetime import datetime
from pathlib import Path

import duckdb

from domain.catalogue import PURCHASE_GROUP
from domain.events import to_micros
from training.item_facts import known_items

HALF_LIFE_DAYS = 30.0  # of popularity
RECENT_DAYS, PAST_DAYS = 14, 84  # trend: the rate of the recent days over that of those before
_PRIOR = 0.5 / RECENT_DAYS  # acts a day added to both rates, so that one act is no trend

_SQL = f"""
    measured AS (
        SELECT item_id,
               sum(pow(0.5, age_days / {HALF_LIFE_DAYS}))
                   FILTER (WHERE grp = '{PURCHASE_GROUP}') AS popularity,
               count(*) FILTER (WHERE age_days < {RECENT_DAYS}) / {RECENT_DAYS} AS recent,
               count(*) FILTER (WHERE age_days BETWEEN {RECENT_DAYS} AND {RECENT_DAYS + PAST_DAYS})
                   / {PAST_DAYS} AS past
        FROM lines GROUP BY item_id)
    SELECT known.*, coalesce(popularity, 0.0)::DOUBLE AS popularity,
           coalesce(log2((recent + {_PRIOR!r}) / (past + {_PRIOR!r})), 0.0)::DOUBLE AS trend
    FROM known LEFT JOIN measured USING (item_id) ORDER BY item_id"""


def write_items(db: duckdb.DuckDBPyConnection, home: Path, as_of: datetime, file: Path) -> None:
    """Write one row per item, with popularity (purchases, fading) and trend (log2 ratio)."""
    sql = f"WITH {known_items(home, to_micros(as_of))},{_SQL}"
    db.execute(f"COPY ({sql}) TO '{file}' (FORMAT parquet, COMPRESSION zstd)")
