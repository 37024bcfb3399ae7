"""Staging copies what the mapping names from every file into one table of text, row by row.

Table `raw`: file_no, row_no, moment (microseconds UTC or NULL), and c0, c1, ... the named columns
as trimmed text. `row_no` counts as a spreadsheet does: the header of a CSV is row 1.
"""

from collections.abc import Callable
from dataclasses import dataclass

import duckdb

from domain.errors import InvalidInput
from feature_repo.importing.report import EXAMPLES, Example, Refused
from feature_repo.importing.rules import Mapping
from feature_repo.importing.sources import Source
from feature_repo.importing.sql import literal
from feature_repo.importing.times import check_times, time_sql

BROKEN_LINE = "broken line: not as many cells as the header"
OPEN_QUOTE = "broken line: a quote is not closed; lines up to the next quote are lost with it"


@dataclass(frozen=True, slots=True)
class Staged:
    """What was staged: the files, the SQL name of each column, and the lines that were broken."""

    sources: list[Source]
    names: dict[str, str]  # column of the file -> column of `raw`
    broken: dict[str, Refused]  # reason -> lines that are no rows
    rows_read: int

    def sql(self, column: str | None) -> str:
        """Return the SQL of a column's text; NULL for a column that is not mapped."""
        return "NULL::VARCHAR" if column is None else self.names[column]


def stage(
    db: duckdb.DuckDBPyConnection,
    sources: list[Source],
    mapping: Mapping,
    progress: Callable[[str, float], None],
) -> Staged:
    """Read all files into `raw`; refuse the import if a file's times do not fit the mapping."""
    names = {column: f"c{n}" for n, column in enumerate(mapping.columns_used())}
    texts = "".join(f", {name} VARCHAR" for name in names.values())
    db.execute(f"CREATE TABLE raw (file_no INTEGER, row_no BIGINT, moment BIGINT{texts})")
    broken: dict[str, Refused] = {}
    for number, source in enumerate(sources):
        progress(f"reading {source.path.name}", 0.3 * number / len(sources))
        for reason, lines in _read(db, number, source, mapping, names).items():
            broken[reason] = broken.get(reason, Refused(0, ())).plus(lines)
        check_times(db, mapping, str(source.path), number, names[mapping.time.column])
    counted = db.execute("SELECT count(*) FROM raw").fetchone()
    rows_read = (counted[0] if counted else 0) + sum(lines.count for lines in broken.values())
    if not rows_read:
        listed = ", ".join(str(s.path) for s in sources)
        raise InvalidInput(f"{listed}: a header but no rows; export again with rows in it")
    return Staged(sources, names, broken, rows_read)


def _read(
    db: duckdb.DuckDBPyConnection,
    number: int,
    source: Source,
    mapping: Mapping,
    names: dict[str, str],
) -> dict[str, Refused]:
    texts = ", ".join(f"{_text(c, source, mapping)} AS {name}" for c, name in names.items())
    header = int(mapping.file.header)
    row = f"row_number() OVER () + {header}" if source.is_csv else "file_row_number + 1"
    is_time = source.types[mapping.time.column].startswith(("TIMESTAMP", "DATE"))
    at = time_sql("iso" if is_time else mapping.time.format, names[mapping.time.column])
    try:
        db.execute(
            f"INSERT INTO raw SELECT {number}, row_no, {at}, {', '.join(names.values())} "
            f"FROM (SELECT {row} AS row_no, {texts} FROM {source.scan})"
        )
    except duckdb.Error as fault:
        raise InvalidInput(
            f"{source.path} cannot be read: {str(fault).splitlines()[0]}; export it again"
        ) from fault
    return _broken(db, number, source) if source.is_csv else {}


def _text(column: str, source: Source, mapping: Mapping) -> str:
    """Return the column as trimmed text, NULL where it says that nothing is there."""
    given = source.columns[column]
    if source.types[column] in ("TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS"):
        given += "::TIMESTAMP"
    missing = ", ".join(literal(m) for m in (*mapping.file.missing, ""))
    text = f"trim({given}::VARCHAR)"
    return f"CASE WHEN {text} NOT IN ({missing}) THEN {text} END"


def _broken(db: duckdb.DuckDBPyConnection, number: int, source: Source) -> dict[str, Refused]:
    """Return the lines that could not be split into cells, and move the rows after them down."""
    db.execute(
        f"""
        CREATE TABLE lost_{number} AS
        SELECT line, text, why, row_number() OVER (ORDER BY line) AS lost, line - lost + 1 AS before
        FROM (SELECT line, any_value(csv_line) AS text,
                  bool_or(error_type = 'UNQUOTED VALUE') AS why
              FROM broken_{number} GROUP BY line)
        """
    )
    found = {
        reason: _lost(db, number, source, f"{'' if quote else 'NOT '}why")
        for quote, reason in ((False, BROKEN_LINE), (True, OPEN_QUOTE))
    }
    # Broken line k stands before the rows that were counted from (its line - k + 1) on.
    db.execute(
        f"""
        UPDATE raw SET row_no = row_no + moved.lost
        FROM (SELECT row_no AS counted, l.lost FROM raw
              ASOF JOIN lost_{number} l ON raw.row_no >= l.before WHERE file_no = {number}) moved
        WHERE file_no = {number} AND row_no = moved.counted
        """
    )
    return {reason: rows for reason, rows in found.items() if rows.count}


def _lost(db: duckdb.DuckDBPyConnection, number: int, source: Source, which: str) -> Refused:
    """Return the broken lines of one sort; an open quote loses every line up to the next quote."""
    lines = db.execute(
        f"SELECT line, text, sum(1 + len(rtrim(text, chr(10))) "
        f"- len(replace(rtrim(text, chr(10)), chr(10), ''))) OVER () "
        f"FROM lost_{number} WHERE {which} ORDER BY line LIMIT {EXAMPLES}"
    ).fetchall()
    examples = tuple(Example(str(source.path), int(line), "", text) for line, text, _ in lines)
    return Refused(int(lines[0][2]) if lines else 0, examples)
