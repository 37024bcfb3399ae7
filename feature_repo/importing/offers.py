"""What the lines say about the items: the usual title, the latest price, category, brand, stock."""

from collections.abc import Iterator

import duckdb

from domain.events import from_micros
from domain.items import Item


def make_items(db: duckdb.DuckDBPyConnection) -> int:
    """Build table `items` from `lines`; return how many.

    Title: the most frequent, of equals the latest, and the id where no row has one. Price: the
    latest above 0, of equals in time the highest.
    """
    db.execute(
        """
        CREATE TABLE items AS
        WITH titles AS (
            SELECT item, title FROM (
                SELECT item, title, count(*) AS often, max(moment) AS last FROM lines
                WHERE title IS NOT NULL GROUP BY item, title)
            QUALIFY row_number() OVER (PARTITION BY item ORDER BY often DESC, last DESC, title) = 1
        )
        SELECT item, coalesce(any_value(titles.title), item) AS title, max(moment) AS moment,
            arg_max(category, (moment, category)) AS category,
            arg_max(brand, (moment, brand)) AS brand,
            arg_max(item_price, (moment, item_price)) FILTER (WHERE item_price > 0) AS price,
            coalesce(arg_max(in_stock, (moment, in_stock)), true) AS in_stock
        FROM lines LEFT JOIN titles USING (item) WHERE item IS NOT NULL GROUP BY item
        """
    )
    made = db.execute("SELECT count(*) FROM items").fetchone()
    return made[0] if made else 0


def stream_items(db: duckdb.DuckDBPyConnection) -> Iterator[Item]:
    """Yield the items in id order; the latest time one was seen decides which version counts."""
    found = db.cursor().execute(
        "SELECT item, title, moment, category, brand, price, in_stock FROM items ORDER BY item"
    )
    while rows := found.fetchmany(10_000):
        for item_id, title, at, category, brand, price, in_stock in rows:
            yield Item(item_id, title, from_micros(at), category, brand, price, in_stock)
