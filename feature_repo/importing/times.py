"""From the text of a time to microseconds UTC, and a clear word when a column holds two formats."""

import duckdb

from domain.errors import InvalidMapping
from feature_repo.importing.rules import Mapping
from feature_repo.importing.sql import literal

MAX_UNFIT_SHARE = 0.05  # above it the format is taken to be wrong, not the rows

_ISO = (
    r"\d{4}-\d{1,2}-\d{1,2}"
    r"([T ]\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}(:?\d{2})?)?)?"
)
_FIRST, _END = "epoch_us(TIMESTAMP '1990-01-01')", "epoch_us(TIMESTAMP '2100-01-01')"
_DAYS = ("%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%d-%m-%Y", "%Y/%m/%d", "%d/%m/%y", "%m/%d/%y")
_CANDIDATES = (
    "iso",
    *(
        day + clock
        for day in _DAYS
        for clock in (" %H:%M", " %H:%M:%S", "", " %I:%M %p")
    ),
    "%Y%m%d",
    "%Y%m%d%H%M%S",
    "%d %b %Y",
    "%b %d, %Y",
    "unix",
    "unix_ms",
)  # fmt: skip


def time_sql(time_format: str, column: str) -> str:
    """Return SQL for microseconds UTC, NULL where the text does not fit or is not in 1990-2099.

    Times without an offset are read in the zone of the connection.
    """
    if time_format == "iso":
        fits = f"regexp_full_match({column}, {literal(_ISO)})"
        micros = f"CASE WHEN {fits} THEN epoch_us(try_cast({column} AS TIMESTAMPTZ)) END"
    elif time_format in ("unix", "unix_ms"):
        scale = 1_000_000 if time_format == "unix" else 1_000
        micros = f"try_cast(try_cast({column} AS DECIMAL(28, 6)) * {scale} AS BIGINT)"
    else:
        micros = f"epoch_us(try_strptime({column}, {literal(time_format)})::TIMESTAMPTZ)"
    return f"CASE WHEN {micros} >= {_FIRST} AND {micros} < {_END} THEN {micros} END"


def check_times(
    db: duckdb.DuckDBPyConnection, mapping: Mapping, path: str, file_no: int, column: str
) -> None:
    """Raise InvalidMapping if more than 5 % of the times of one file do not fit the format."""
    row = db.execute(
        f"""
        SELECT count({column}), count(*) FILTER (WHERE {column} IS NOT NULL AND moment IS NULL),
            arg_min({column}, row_no) FILTER (WHERE moment IS NOT NULL),
            min(row_no) FILTER (WHERE moment IS NOT NULL),
            arg_min({column}, row_no) FILTER (WHERE moment IS NULL),
            min(row_no) FILTER (WHERE moment IS NULL AND {column} IS NOT NULL)
        FROM raw WHERE file_no = {file_no}
        """
    ).fetchone()
    assert row is not None  # an aggregate always has one row
    given, unfit, good, good_row, bad, bad_row = row
    if unfit <= MAX_UNFIT_SHARE * given:
        return
    rule = mapping.time
    fitting = f"row {good_row} {good!r} fits, " if good is not None else ""
    raise InvalidMapping(
        f"{path}: {unfit:,} of {given:,} times in column {rule.column!r} do not fit the format "
        f"{rule.format!r}: {fitting}row {bad_row} {bad!r} does not"
        f"{_looks_like(db, file_no, column)}. "
        + (
            "Bring the column to one format, or split the file by format and import each part"
            if good is not None
            else f"Set 'time.format' in {mapping.source} to what the file has"
        )
    )


def _looks_like(db: duckdb.DuckDBPyConnection, file_no: int, column: str) -> str:
    """Return ", it looks like 'x'" with the formats that fit most of what did not fit."""
    counts = ", ".join(f"count({time_sql(f, 'value')})" for f in _CANDIDATES)
    fits = db.execute(
        f"SELECT {counts} FROM (SELECT {column} AS value FROM raw WHERE file_no = {file_no} "
        f"AND moment IS NULL AND {column} IS NOT NULL LIMIT 10000)"
    ).fetchone()
    assert fits is not None  # an aggregate always has one row
    best = [f for f, n in zip(_CANDIDATES, fits, strict=True) if n == max(fits) and n > 0]
    return f"; it looks like {' or '.join(repr(b) for b in best)}" if best else ""
