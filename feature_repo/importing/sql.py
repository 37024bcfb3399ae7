"""Small pieces of SQL text: names and values put into quotes safely."""


def literal(text: str) -> str:
    """Return `text` as an SQL string."""
    return "'" + text.replace("'", "''") + "'"


def identifier(name: str) -> str:
    """Return `name` as an SQL column or table name."""
    return '"' + name.replace('"', '""') + '"'


def matches_any(column: str, patterns: tuple[str, ...]) -> str:
    """Return the test that the whole text of `column` matches one of the regular expressions."""
    tests = (f"regexp_full_match({column}, {literal(p)})" for p in patterns)
    return f"coalesce({' OR '.join(tests)}, false)"


def number(column: str, decimal: str) -> str:
    """Return SQL for the finite number in a text column, NULL where there is none."""
    if decimal == ",":
        column = f"replace(replace({column}, '.', ''), ',', '.')"
    value = f"try_cast({column} AS DOUBLE)"
    return f"CASE WHEN isfinite({value}) THEN {value} END"
