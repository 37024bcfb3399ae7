"""How a CSV file is read: its delimiter and columns, told to DuckDB so that nothing is guessed."""

import csv
import gzip
import io
from pathlib import Path

from domain.errors import InvalidInput, InvalidMapping
from feature_repo.importing.encoding import as_utf8
from feature_repo.importing.rules import Mapping
from feature_repo.importing.sql import literal

_DELIMITERS = (",", ";", "\t", "|")
_HEAD = 1 << 16  # characters looked at to find the delimiter
_LONGEST_LINE = 1 << 24


def csv_scan(
    path: Path, zipped: bool, mapping: Mapping, scratch: Path, number: int
) -> tuple[str, list[str]]:
    """Return the table function call that reads file `number`, and the names of its columns.

    The SQL names of the columns are v0, v1, ...; lines that cannot be split into cells go to the
    table broken_<number>.
    """
    readable = as_utf8(path, mapping.file.encoding, zipped, scratch / f"{number}.csv")
    packed = zipped and readable == path
    head = _head(readable, packed)
    if not head.partition("\n")[0].strip():
        raise InvalidInput(f"{path} begins with an empty line; remove what is above the header")
    delimiter, cells = _first_row(head, mapping)
    names = list(mapping.file.columns) or cells
    if len(names) != len(cells):
        raise InvalidMapping(
            f"{path} has {len(cells)} cells in its first row, but 'file.columns' in "
            f"{mapping.source} names {len(names)} columns; name each column of the file"
        )
    options = {
        "auto_detect": "false",
        "columns": "{" + ", ".join(f"'v{n}': 'VARCHAR'" for n in range(len(names))) + "}",
        "delim": literal(delimiter),
        "quote": "'\"'",
        "escape": "'\"'",
        "comment": "''",
        "header": str(mapping.file.header).lower(),
        "compression": "'gzip'" if packed else "'none'",
        "max_line_size": str(_LONGEST_LINE),
        "store_rejects": "true",
        "rejects_table": f"'broken_{number}'",
        "rejects_scan": f"'scan_{number}'",
    }
    told = ", ".join(f"{key} = {value}" for key, value in options.items())
    return f"read_csv({literal(str(readable))}, {told})", names


def _head(path: Path, packed: bool) -> str:
    with path.open("rb") as raw, gzip.open(raw) if packed else raw as file:
        return file.read(_HEAD).decode("utf-8-sig", errors="ignore")


def _first_row(head: str, mapping: Mapping) -> tuple[str, list[str]]:
    """Return the delimiter that finds most columns of the mapping, then most cells, and the row."""
    wanted = set(mapping.columns_used())
    given = mapping.file.delimiter
    rows = {d: _cells(head, d) for d in ((given,) if given else _DELIMITERS)}
    best = max(rows, key=lambda d: (len(wanted & set(rows[d])), len(rows[d])))
    return best, rows[best]


def _cells(head: str, delimiter: str) -> list[str]:
    try:
        rows = csv.reader(io.StringIO(head, newline=""), delimiter=delimiter)
        return next(([cell.strip() for cell in row] for row in rows if row), [])
    except csv.Error:  # a cell longer than Python's csv allows
        return []
