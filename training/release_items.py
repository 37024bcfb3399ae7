"""The items of a release: the catalogue with how popular each item is, and how fast it rises."""

from datetime import datetime
from pathlib import Path

import duckdb

from domain.behaviour import DAY_MICROS
from domain.catalogue import PURCHASE_GROUP
from domain.events import to_micros
from feature_repo.lake import items_file

HALF_LIFE_DAYS = 30.0  # of popularity
RECENT_DAYS, PAST_DAYS = 14, 84  # trend: the rate of the recent days over that of those before
_PRIOR = 0.5 / RECENT_DAYS  # acts a day added to both rates, so that one act is no trend

# Items that were sold or seen but never described are listed by their id, with what lines said.
_SQL = f"""
    WITH lines AS (
        SELECT line.item_id, line.category, line.brand, line.unit_price, k.grp, occurred_at,
               ($T - occurred_at) / {float(DAY_MICROS)!r} AS age_days
        FROM (SELECT kind, occurred_at, unnest(lines) AS line FROM events WHERE occurred_at < $T) e
        JOIN kinds k ON k.kind = e.kind AND k.score > 0),
    known AS (
        SELECT item_id, title, category, brand, price, in_stock, attributes
        FROM read_parquet('$ITEMS')
        UNION ALL
        SELECT item_id, item_id, arg_max(category, occurred_at), arg_max(brand, occurred_at),
               arg_max(unit_price, occurred_at), true, '{{}}'
        FROM lines WHERE item_id NOT IN (SELECT item_id FROM read_parquet('$ITEMS'))
        GROUP BY item_id),
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
    sql = _SQL.replace("$T", str(to_micros(as_of))).replace("$ITEMS", str(items_file(home)))
    db.execute(f"COPY ({sql}) TO '{file}' (FORMAT parquet, COMPRESSION zstd)")
