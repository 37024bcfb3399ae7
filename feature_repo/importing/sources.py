"""A source is one file made ready to read: what it really is, how to read it, its columns."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import duckdb

from domain.errors import InvalidInput, InvalidMapping
from feature_repo.importing.csv_scan import csv_scan
from feature_repo.importing.mapping_toml import nearest
from feature_repo.importing.rules import Mapping
from feature_repo.importing.sql import identifier, literal

_FOREIGN = {
    b"PK\x03\x04": "a zip or Excel file; unpack it, or save the sheet as CSV",
    b"\xd0\xcf\x11\xe0": "an old Excel file; save the sheet as CSV",
    b"\x28\xb5\x2f\xfd": "a zstd file; unpack it with 'unzstd', or pack it with gzip",
    b"BZh": "a bzip2 file; unpack it with 'bunzip2', or pack it with gzip",
    b"%PDF": "a PDF; export the table as CSV",
}


@dataclass(frozen=True, slots=True)
class Source:
    """One file: its path as given, the SQL that reads it, and its columns by name."""

    path: Path
    scan: str  # a table function call
    columns: dict[str, str]  # name in the file -> name in SQL
    types: dict[str, str]  # name in the file -> DuckDB type
    is_csv: bool


def open_source(
    db: duckdb.DuckDBPyConnection, path: Path, mapping: Mapping, scratch: Path, number: int
) -> Source:
    """Look at one file and return how to read it; say what is wrong with it if that cannot be."""
    head = _head(path)
    if head == b"PAR1":
        source = _parquet(db, path)
    else:
        zipped = head.startswith(b"\x1f\x8b")
        scan, names = csv_scan(path, zipped, mapping, scratch, number)
        _require_once(path, names, mapping)
        columns = {name: f"v{n}" for n, name in enumerate(names)}
        source = Source(path, scan, columns, dict.fromkeys(names, "VARCHAR"), True)
    _require_columns(source, mapping)
    return source


def _parquet(db: duckdb.DuckDBPyConnection, path: Path) -> Source:
    scan = f"read_parquet({literal(str(path))}, file_row_number = true)"
    try:
        described = db.execute(f"DESCRIBE SELECT * FROM {scan}").fetchall()
    except duckdb.Error as fault:
        why = str(fault).splitlines()[0]
        raise InvalidInput(f"{path} cannot be read: {why}; export it again") from fault
    types = {name: kind for name, kind, *_ in described if name != "file_row_number"}
    return Source(path, scan, {name: identifier(name) for name in types}, types, False)


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            head = file.read(4)
    except OSError as fault:
        raise InvalidInput(f"{path} cannot be opened: {fault.strerror}") from fault
    if not head:
        raise InvalidInput(f"{path} is empty (0 bytes); export it again, or leave it out")
    for magic, what in _FOREIGN.items():
        if head.startswith(magic):
            raise InvalidInput(f"{path} is {what}")
    return head


def _require_once(path: Path, names: list[str], mapping: Mapping) -> None:
    counts = Counter(names)
    twice = [repr(c) for c in mapping.columns_used() if counts[c] > 1]
    if twice:
        raise InvalidMapping(
            f"{path} has more than one column named {' and '.join(twice)}; rename all but one"
        )


def _require_columns(source: Source, mapping: Mapping) -> None:
    absent = {c: key for c, key in mapping.columns_used().items() if c not in source.columns}
    if not absent:
        return
    named = " and ".join(
        f"{column!r} (mapping key {key}){nearest(column, source.columns)}"
        for column, key in absent.items()
    )
    listed = ", ".join(repr(c) for c in source.columns)
    raise InvalidMapping(
        f"{source.path} has no column {named}. Its columns are {listed}"
        f"{_hint(source, len(absent) == len(mapping.columns_used()))}. "
        f"Correct the names in {mapping.source}; upper and lower case count"
    )


def _hint(source: Source, nothing_found: bool) -> str:
    if source.is_csv and len(source.columns) == 1:
        return "; if that is more than one column, set 'file.delimiter'"
    if source.is_csv and nothing_found:
        return "; if that is no header, set 'file.header = false' and 'file.columns'"
    return ""
