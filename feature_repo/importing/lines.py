"""Lines are the rows that count, each once, however many files repeat it; table `lines`.

A line knows its event by `message_id`, the same for the same content in any file:
- with an order id: name, kind and order id. If several files hold an item of the order, the first
  file that does is believed; that joins an order cut in two and never counts a line twice.
- without: name, a hash of the values, and which of the file's identical rows it is. So a row that
  stands twice in one file is two events, and the same two rows in another file are these again.
"""

import duckdb

from domain.events import MAX_ID_LENGTH
from feature_repo.importing.rules import Mapping
from feature_repo.importing.sql import literal
from feature_repo.importing.staging import Staged

_VALUES = ("kind", "moment", "customer", "anonymous", "item", "quantity", "unit_price", "currency")


def make_lines(
    db: duckdb.DuckDBPyConnection, mapping: Mapping, staged: Staged
) -> tuple[int, list[str]]:
    """Build `lines` from `rows`; return how many rows were repeated, and warnings about orders."""
    several = len(staged.sources) > 1
    first = "min(file_no) OVER (PARTITION BY message_id, by_item)" if several else "file_no"
    db.execute(
        f"""
        CREATE TABLE repeated AS
        WITH keyed AS (
            SELECT *, {_key(mapping)} AS key FROM rows WHERE refused IS NULL
        ), identified AS (
            SELECT *, CASE WHEN order_id IS NOT NULL THEN key
                ELSE key || ':' || row_number() OVER (
                    PARTITION BY file_no, CASE WHEN order_id IS NULL THEN key END ORDER BY row_no
                ) END AS message_id,
                CASE WHEN order_id IS NOT NULL THEN item END AS by_item
            FROM keyed
        )
        SELECT * EXCLUDE (key, by_item, refused), {first} AS first_file FROM identified
        """
    )
    warnings = _changed_orders(db, staged) if several else []
    db.execute("CREATE VIEW lines AS SELECT * FROM repeated WHERE file_no = first_file")
    again = db.execute("SELECT count(*) FROM repeated WHERE file_no <> first_file").fetchone()
    return (again[0] if again else 0), warnings


def _key(mapping: Mapping) -> str:
    """Return SQL for what identifies an event: its order, else the content of the row."""
    name = literal(f"{mapping.name}:")
    order = f"{name} || kind || ':' || order_id"
    parts = [*_VALUES, *(f"p{n}" for n in range(len(mapping.properties)))]
    content = " || chr(31) || ".join(f"coalesce({part}::VARCHAR, chr(30))" for part in parts)
    return (
        f"CASE WHEN order_id IS NULL THEN {name} || md5({content}) "
        f"WHEN length({order}) <= {MAX_ID_LENGTH} THEN {order} "
        f"ELSE {name} || md5({order}) END"
    )


def _changed_orders(db: duckdb.DuckDBPyConnection, staged: Staged) -> list[str]:
    """Say which orders are not the same in all files that hold them."""
    found = db.execute(
        """
        WITH contents AS (
            SELECT message_id, order_id, file_no,
                (count(*), max(customer),
                 sum(hash(item, quantity, unit_price, moment)::HUGEINT)) AS content
            FROM repeated WHERE order_id IS NOT NULL GROUP BY ALL
        )
        SELECT order_id, min(file_no), arg_max(file_no, content <> first), count(*) OVER ()
        FROM (SELECT *, first(content) OVER (PARTITION BY message_id ORDER BY file_no) AS first
              FROM contents)
        GROUP BY message_id, order_id HAVING bool_or(content <> first) ORDER BY order_id LIMIT 3
        """
    ).fetchall()
    if not found:
        return []
    names = [str(s.path) for s in staged.sources]
    examples = "; ".join(f"{order} in {names[a]} and {names[b]}" for order, a, b, _ in found)
    return [
        f"{found[0][3]:,} orders are not the same in all files ({examples}): each item was taken "
        "from the first file that has it in that order"
    ]
