"""Cells gives the text of one column its meaning: an id, a number, a kind, in stock or not."""

import duckdb

from feature_repo.importing.rules import Mapping
from feature_repo.importing.sql import literal, matches_any, number
from feature_repo.importing.staging import Staged

_TRUE = "'true', 't', 'yes', 'y', 'in stock', 'in_stock', 'available'"
_FALSE = "'false', 'f', 'no', 'n', 'out of stock', 'out_of_stock', 'unavailable'"


def first_look(mapping: Mapping, staged: Staged, whole: dict[str, list[int]]) -> str:
    """Return the SQL of what each column says by itself."""
    columns, item = mapping.columns, mapping.item
    decimal = mapping.file.decimal
    price = staged.sql(columns.unit_price or columns.amount)
    case = {"keep": "{}", "upper": "upper({})", "lower": "lower({})"}[item.id_case]
    parts = {
        "time_text": staged.sql(mapping.time.column),
        "kind_text": staged.sql(mapping.kind.column),
        "given_kind": _given_kind(mapping, staged),
        "returned": _returned(mapping, staged),
        "customer": _id(columns.customer, staged, whole),
        "anonymous": _id(columns.anonymous, staged, whole),
        "item": case.format(_id(columns.item, staged, whole)),
        "order_id": " || ':' || ".join(_id(c, staged, whole) for c in columns.order)
        or "NULL::VARCHAR",
        "quantity_text": staged.sql(columns.quantity),
        "quantity_given": number(staged.sql(columns.quantity), decimal),
        "price_text": price,
        "price_given": number(price, decimal),
        "currency": _currency(mapping, staged),
        "title": staged.sql(item.title),
        "category": staged.sql(item.category),
        "brand": staged.sql(item.brand),
        "item_price": number(staged.sql(item.price), decimal),
        "in_stock": _in_stock(staged.sql(item.in_stock)),
        **{f"t{n}": staged.sql(column) for n, column in enumerate(mapping.traits.values())},
        **{f"p{n}": staged.sql(column) for n, column in enumerate(mapping.properties.values())},
    }
    return ", ".join(f"{sql} AS {name}" for name, sql in parts.items())


def whole_number_ids(
    db: duckdb.DuckDBPyConnection, mapping: Mapping, staged: Staged
) -> tuple[dict[str, list[int]], list[str]]:
    """Find the id columns that hold whole numbers with '.0' behind, as an empty cell makes them."""
    columns = mapping.columns
    whole: dict[str, list[int]] = {}
    warnings = []
    for column in (columns.customer, columns.anonymous, columns.item, *columns.order):
        if column is None:
            continue
        text = staged.sql(column)
        is_whole = f"{text} LIKE '%.0' AND regexp_full_match({text}, '[0-9]+\\.0')"
        files = db.execute(
            f"SELECT file_no FROM raw WHERE {text} IS NOT NULL GROUP BY file_no "
            f"HAVING bool_and({is_whole}) ORDER BY 1"
        ).fetchall()
        whole[text] = [file_no for (file_no,) in files]
        warnings += [
            f"{staged.sources[n].path}: {column!r} is written with '.0' behind; read without"
            for n in whole[text]
        ]
    return whole, warnings


def stock_warnings(db: duckdb.DuckDBPyConnection, mapping: Mapping, staged: Staged) -> list[str]:
    """Warn of stock values that say neither yes nor no."""
    if mapping.item.in_stock is None:
        return []
    text = staged.sql(mapping.item.in_stock)
    found = db.execute(
        f"SELECT count(*), any_value({text}) FROM raw JOIN rows USING (file_no, row_no) "
        f"WHERE {text} IS NOT NULL AND in_stock IS NULL"
    ).fetchone()
    if found is None or not found[0]:
        return []
    return [
        f"{found[0]:,} values of {mapping.item.in_stock!r} such as {found[1]!r} were not "
        "understood and left out; write true or false, or a number of pieces"
    ]


def _id(column: str | None, staged: Staged, whole: dict[str, list[int]]) -> str:
    """Return SQL for an id; one that a file wrote as 13085.0 throughout is read as 13085."""
    text = staged.sql(column)
    files = whole.get(text)
    if not files:
        return text
    return f"CASE WHEN file_no IN ({', '.join(map(str, files))}) THEN {text}[:-3] ELSE {text} END"


def _given_kind(mapping: Mapping, staged: Staged) -> str:
    if mapping.kind.always is not None:
        return literal(mapping.kind.always)
    pairs = mapping.kind.values.items()
    cases = " ".join(f"WHEN {literal(value)} THEN {literal(kind)}" for value, kind in pairs)
    return f"CASE {staged.sql(mapping.kind.column)} {cases} END"


def _returned(mapping: Mapping, staged: Staged) -> str:
    rule = mapping.returns
    return matches_any(staged.sql(rule.column), rule.matches) if rule.matches else "false"


def _currency(mapping: Mapping, staged: Staged) -> str:
    constant = mapping.money.currency
    return literal(constant) if constant is not None else staged.sql(mapping.columns.currency)


def _in_stock(text: str) -> str:
    low = f"lower({text})"
    count = f"try_cast({text} AS DOUBLE)"
    return (
        f"CASE WHEN {low} IN ({_TRUE}) OR {count} > 0 THEN true "
        f"WHEN {low} IN ({_FALSE}) OR {count} <= 0 THEN false END"
    )
