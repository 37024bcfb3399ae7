"""The same rule as SQL: what `segments.matches` says of one profile, said of a whole table."""

import re
from collections.abc import Mapping

from domain.attributes import DECIMAL_PATTERN, LARGEST_WHOLE
from domain.errors import InvalidRule
from domain.segment_rule import OPERATORS, Condition, Group, Rule

_NAME = re.compile(r"[a-z0-9_]{1,100}")
_FLOATS = ("DOUBLE", "FLOAT", "REAL", "FLOAT4", "FLOAT8")
_WHOLE = re.compile(r"U?(TINY|SMALL|BIG|HUGE)INT|U?INTEGER|INT[1248]?|DECIMAL.*|NUMERIC.*")
_TEXT = re.compile(r"VARCHAR|TEXT|STRING|CHAR|ENUM.*")

_TESTS = {
    "=": "{} = ?",
    "<": "{} < ?",
    "<=": "{} <= ?",
    ">": "{} > ?",
    ">=": "{} >= ?",
    "contains": "contains({}, ?)",
    "beginsWith": "starts_with({}, ?)",
    "endsWith": "ends_with({}, ?)",
    "between": "{} BETWEEN ? AND ?",
}


def to_sql(rule: Rule, columns: Mapping[str, str]) -> tuple[str, list[object]]:
    """Return a DuckDB condition and its parameters, over a table with one column per attribute.

    `columns` maps each column of that table to its DuckDB type (as DESCRIBE gives it); an
    attribute without a column counts as missing for everybody.
    """
    params: list[object] = []
    return _sql(rule, columns, params), params


def _sql(rule: Rule, columns: Mapping[str, str], params: list[object]) -> str:
    if isinstance(rule, Condition):
        return _condition(rule, columns, params)
    joined = _joined(rule, columns, params)
    return f"(NOT {joined})" if rule.negated else joined


def _joined(group: Group, columns: Mapping[str, str], params: list[object]) -> str:
    if not group.rules:
        return "true" if group.combinator == "and" else "false"
    word = " AND " if group.combinator == "and" else " OR "
    return "(" + word.join(_sql(part, columns, params) for part in group.rules) + ")"


def _condition(condition: Condition, columns: Mapping[str, str], params: list[object]) -> str:
    operator = OPERATORS[condition.operator]
    column, kind = _column(condition.field, columns)
    if operator.base == "null":
        missing = _missing(column, kind)
        return f"(NOT {missing})" if operator.negated else missing
    reading = _reading(column, kind, condition.type)
    if reading is None:
        return "false"
    params += condition.values
    test = _test(operator.base, len(condition.values)).format(reading)
    return f"coalesce({'NOT ' if operator.negated else ''}({test}), false)"


def _test(base: str, count: int) -> str:
    return "{} IN (" + ", ".join("?" * count) + ")" if base == "in" else _TESTS[base]


def _column(field: str, columns: Mapping[str, str]) -> tuple[str, str]:
    """Return the quoted column and its kind: float, whole, text, boolean, other or absent."""
    if not _NAME.fullmatch(field):
        problem = f"field: attribute {field[:80]!r} must have 1 to 100 of a-z, 0-9 and _"
        raise InvalidRule([problem], field="field")
    given = columns.get(field, "").upper()
    if not given:
        return "NULL", "absent"
    if given in _FLOATS:
        return f'"{field}"', "float"
    if _WHOLE.fullmatch(given):
        return f'"{field}"', "whole"
    if _TEXT.fullmatch(given):
        return f'CAST("{field}" AS VARCHAR)', "text"
    return f'"{field}"', "boolean" if given in ("BOOLEAN", "BOOL") else "other"


def _missing(column: str, kind: str) -> str:
    if kind == "absent":
        return "true"
    if kind == "float":
        return f"(NOT coalesce(isfinite({column}), false))"
    return f"({column} IS NULL)"


def _reading(column: str, kind: str, as_type: str) -> str | None:
    """Return the SQL of `attributes.read`, or None where nothing of that kind can be read so."""
    if as_type == "number":
        return _number(column, kind)
    return _text(column, kind) if as_type == "text" else _boolean(column, kind)


def _number(column: str, kind: str) -> str | None:
    if kind == "text":
        return (
            f"CASE WHEN regexp_full_match({column}, '{DECIMAL_PATTERN}') "
            f"THEN TRY_CAST({column} AS DOUBLE) END"
        )
    if kind == "float":
        return f"CASE WHEN isfinite({column}) THEN CAST({column} AS DOUBLE) END"
    return f"TRY_CAST({column} AS DOUBLE)" if kind == "whole" else None


def _text(column: str, kind: str) -> str | None:
    if kind == "text":
        return column
    if kind == "boolean":
        return f"CASE WHEN {column} THEN 'true' WHEN NOT {column} THEN 'false' END"
    number = _number(column, kind)
    if number is None:
        return None
    return (
        f"CASE WHEN {column} BETWEEN -{LARGEST_WHOLE} AND {LARGEST_WHOLE} "
        f"AND ({number}) = trunc({number}) THEN CAST(TRY_CAST({number} AS BIGINT) AS VARCHAR) END"
    )


def _boolean(column: str, kind: str) -> str | None:
    if kind == "text":
        return f"CASE {column} WHEN 'true' THEN true WHEN 'false' THEN false END"
    return column if kind == "boolean" else None
