"""Rows gives the text of `raw` its meaning: table `rows`, one per row read, refused or ready.

Columns: file_no, row_no, moment (microseconds UTC), kind, customer, anonymous, item, order_id,
quantity, unit_price, currency, title, category, brand, item_price, in_stock, t0.. (traits), p0..
(properties), and refused, the number of the check that failed or NULL.
"""

import duckdb

from domain.catalogue import RETURN
from feature_repo.importing.cells import first_look, stock_warnings, whole_number_ids
from feature_repo.importing.checks import SEVERAL_CUSTOMERS, Check, checks_of
from feature_repo.importing.report import EXAMPLES, Example, Refused
from feature_repo.importing.rules import Mapping
from feature_repo.importing.sql import literal
from feature_repo.importing.staging import Staged


def make_rows(db: duckdb.DuckDBPyConnection, mapping: Mapping, staged: Staged) -> list[str]:
    """Build the table `rows` from `raw`; return warnings about what was read with good will."""
    whole, warnings = whole_number_ids(db, mapping, staged)
    checks = checks_of(mapping, staged)
    cases = " ".join(f"WHEN {check.fails} THEN {n}" for n, check in enumerate(checks))
    db.execute(
        f"""
        CREATE TABLE rows AS
        SELECT file_no, row_no, moment, kind, customer, anonymous, item, order_id, quantity,
            unit_price, currency, title, category, brand,
            coalesce(item_price, unit_price) AS item_price, in_stock {_named(mapping)},
            CASE {cases} END AS refused
        FROM (SELECT *, {_second_look(mapping)}
              FROM (SELECT *, {first_look(mapping, staged, whole)} FROM raw))
        """
    )
    _refuse_shared_orders(db, len(checks))
    return [*warnings, *stock_warnings(db, mapping, staged)]


def refusals(db: duckdb.DuckDBPyConnection, mapping: Mapping, staged: Staged) -> dict[str, Refused]:
    """Return why rows were refused, with counts and the first examples in file order."""
    order = mapping.columns.order[0] if mapping.columns.order else ""
    checks = [*checks_of(mapping, staged), Check(SEVERAL_CUSTOMERS, "", order)]
    found: dict[str, Refused] = {}
    counts = db.execute(
        "SELECT refused, count(*) FROM rows WHERE refused IS NOT NULL GROUP BY refused ORDER BY 1"
    ).fetchall()
    for n, count in counts:
        check = checks[n]
        rows = Refused(count, _examples(db, n, check, staged))
        found[check.reason] = found.get(check.reason, Refused(0, ())).plus(rows)
    return found


def _examples(
    db: duckdb.DuckDBPyConnection, n: int, check: Check, staged: Staged
) -> tuple[Example, ...]:
    rows = db.execute(
        f"SELECT file_no, row_no, {staged.sql(check.column)} FROM raw SEMI JOIN "
        f"(SELECT file_no, row_no FROM rows WHERE refused = {n} ORDER BY ALL LIMIT {EXAMPLES}) "
        "USING (file_no, row_no) ORDER BY file_no, row_no"
    ).fetchall()
    return tuple(
        Example(str(staged.sources[file_no].path), row, check.column, value or "")
        for file_no, row, value in rows
    )


def _second_look(mapping: Mapping) -> str:
    """Return the SQL of what several columns say together: returns, kind, quantity, unit price."""
    price = "price_given"
    if mapping.columns.amount is not None:
        price = "CASE WHEN is_return THEN abs(price_given) ELSE price_given END / quantity"
    return f"""
        returned OR ({mapping.returns.negative_quantity} AND coalesce(quantity_given < 0, false))
            AS is_return,
        CASE WHEN is_return THEN {literal(RETURN)} ELSE given_kind END AS kind,
        coalesce(abs(nullif(quantity_given, 0)), 1.0) AS quantity,
        {price} AS unit_price
    """


def _named(mapping: Mapping) -> str:
    names = [f"t{n}" for n in range(len(mapping.traits))]
    names += [f"p{n}" for n in range(len(mapping.properties))]
    return "".join(f", {name}" for name in names)


def _refuse_shared_orders(db: duckdb.DuckDBPyConnection, check: int) -> None:
    """Refuse the rows of an order id that several customers share within one file."""
    db.execute(
        f"""
        UPDATE rows SET refused = {check} WHERE refused IS NULL AND (file_no, kind, order_id) IN (
            SELECT (file_no, kind, order_id) FROM rows
            WHERE refused IS NULL AND order_id IS NOT NULL
            GROUP BY file_no, kind, order_id HAVING min(customer) <> max(customer))
        """
    )
