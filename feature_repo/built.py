"""What the batch build wrote at one cut-off, read back range by range of profile ids."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb
import pandas as pd

from domain.events import to_micros
from domain.features import FEATURES
from feature_repo.build import VIEWS, view_file


@dataclass(frozen=True, slots=True)
class Span:
    """The profiles from `first` to `last`, both included, in the order of their bytes."""

    number: int
    first: str
    last: str


def spans(home: Path, cutoff: datetime, size: int) -> list[Span]:
    """Return the ranges that hold `size` profiles each, the last one fewer."""
    file = view_file(home, VIEWS[0], to_micros(cutoff))
    with duckdb.connect() as db:
        found = db.execute(
            f"""
            SELECT n // {size} AS number, min(profile_id), max(profile_id)
            FROM (SELECT profile_id, row_number() OVER (ORDER BY profile_id) - 1 AS n
                  FROM read_parquet(?))
            GROUP BY number ORDER BY number""",
            [str(file)],
        ).fetchall()
    return [Span(*row) for row in found]


def features_of(home: Path, cutoff: datetime, span: Span) -> pd.DataFrame:
    """Return profile_id and FEATURES of a range, by profile, typed as in a training frame.

    It reads the files of this cut-off alone, so they must have been built as of it.
    """
    micros, names = to_micros(cutoff), ", ".join(feature.name for feature in FEATURES)
    tables = [
        f"(SELECT * EXCLUDE (event_timestamp, created_timestamp) FROM read_parquet("
        f"'{view_file(home, view, micros)}') WHERE profile_id BETWEEN $first AND $last) {view}"
        for view in VIEWS
    ]
    joined = " JOIN ".join([tables[0], *(f"{table} USING (profile_id)" for table in tables[1:])])
    with duckdb.connect(config={"threads": 1}) as db:
        found = db.execute(
            f"SELECT profile_id, {names} FROM {joined} ORDER BY profile_id",
            {"first": span.first, "last": span.last},
        ).to_arrow_table()
    booleans = {f.name: "boolean" for f in FEATURES if f.type == "boolean"}
    frame: pd.DataFrame = found.to_pandas()
    return frame.astype(booleans)
