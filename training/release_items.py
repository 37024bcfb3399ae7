"""The items of a release: the catalogue with how popular each item is, and how fast it rises."""

from datetime import datetime
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

from domain.catalogue import PURCHASE_GROUP
from domain.events import to_micros
from models.trending import rise
from training.item_facts import known_items

HALF_LIFE_DAYS = 30.0  # of popularity

_ITEMS = f"""
    measured AS (
        SELECT item_id, sum(pow(0.5, age_days / {HALF_LIFE_DAYS}))
                   FILTER (WHERE grp = '{PURCHASE_GROUP}') AS popularity
        FROM lines GROUP BY item_id)
    SELECT known.*, coalesce(popularity, 0.0)::DOUBLE AS popularity,
           coalesce(rise, 0.0)::DOUBLE AS trend
    FROM known LEFT JOIN measured USING (item_id) LEFT JOIN rises USING (item_id)
    ORDER BY item_id"""


def write_items(db: duckdb.DuckDBPyConnection, home: Path, as_of: datetime, file: Path) -> None:
    """Write one row per item, with popularity (purchases, fading) and trend (its rise, log2)."""
    tables = f"WITH {known_items(home, to_micros(as_of))}"
    acts = db.execute(f"{tables} SELECT item_id, age_days FROM lines").fetchnumpy()
    item_ids, items = np.unique(np.asarray(acts["item_id"], dtype=np.str_), return_inverse=True)
    rises = rise(items, np.asarray(acts["age_days"]), len(item_ids))
    db.register("rises", pd.DataFrame({"item_id": item_ids.astype(object), "rise": rises}))
    sql = f"{tables},{_ITEMS}"
    db.execute(f"COPY ({sql}) TO '{file}' (FORMAT parquet, COMPRESSION zstd)")
    db.unregister("rises")
