"""What the lake knows of each item: the catalogue, and what lines said of items it lacks."""

import json
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

from domain.behaviour import DAY_MICROS
from feature_repo.lake import items_file
from models.facts import ItemFacts, words_of

_LINES = f"""
    lines AS (
        SELECT line.item_id, line.category, line.brand, line.unit_price, k.grp, occurred_at,
               ($T - occurred_at) / {float(DAY_MICROS)!r} AS age_days
        FROM (SELECT kind, occurred_at, unnest(lines) AS line FROM events WHERE occurred_at < $T) e
        JOIN kinds k ON k.kind = e.kind AND k.score > 0)"""
# Items that were sold or seen but never described are listed by their id, with what lines said.
_KNOWN = """
    known AS (
        SELECT item_id, title, category, brand, price, in_stock, attributes
        FROM read_parquet('$ITEMS')
        UNION ALL
        SELECT item_id, item_id, arg_max(category, occurred_at), arg_max(brand, occurred_at),
               arg_max(unit_price, occurred_at), true, '{}'
        FROM lines WHERE item_id NOT IN (SELECT item_id FROM read_parquet('$ITEMS'))
        GROUP BY item_id)"""


def known_items(home: Path, before: int) -> str:
    """Return the SQL of two tables, for after WITH: `lines` and `known`, one row per item.

    `before` is in microseconds; lines are the acts until then, each with its age in days.
    """
    sql = f"{_LINES},{_KNOWN}"
    return sql.replace("$T", str(before)).replace("$ITEMS", str(items_file(home)))


def load_facts(
    db: duckdb.DuckDBPyConnection, home: Path, before: int, item_ids: np.ndarray
) -> ItemFacts:
    """Return what is known of each of the items, in their order, by what happened `before`.

    The catalogue has no versions: it is read as it stands now.
    """
    asked = pd.DataFrame({"item_id": item_ids.astype(object), "place": range(len(item_ids))})
    db.register("asked_items", asked)
    found = db.execute(
        f"""WITH {known_items(home, before)}
        SELECT k.title, k.category, k.brand, k.price, k.attributes
        FROM asked_items a LEFT JOIN known k USING (item_id) ORDER BY place"""
    ).fetchall()
    db.unregister("asked_items")
    titles, categories, brands, prices, attributes = zip(*found, strict=True) if found else [()] * 5
    words = [words_of(json.loads(text)) if text else "" for text in attributes]
    return ItemFacts.of(titles, categories, brands, prices, words)
