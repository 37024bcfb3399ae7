"""The batch build: every feature of every customer at any cut-off, one DuckDB query per cut-off.

Features of a cut-off T use events before T only. Their rows are stamped T minus one microsecond,
so that Feast's strict point-in-time join at T finds them and nothing later (law 2).
"""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pandas as pd

from domain.events import to_micros
from domain.features import FEATURES
from feature_repo.feature_sql import AGGREGATES, FEATURE_ROWS
from feature_repo.state_tables import connect, make_parts

VIEWS = ("profile", "behaviour", "value")
ROWS_PER_GROUP = 20_480  # so that a range of profiles is read without the others


def build_features(
    home: Path,
    cutoffs: Iterable[datetime],
    *,
    threads: int = 2,
    memory_limit: str = "3GB",
    created_at: datetime | None = None,
    progress: Callable[[datetime], None] | None = None,
) -> None:
    """Write `offline/<view>/as_of=<micros>.parquet` for each cut-off, one row per profile.

    A cut-off that was built before is built anew; each file is put in place by rename.
    """
    stamp = to_micros(created_at or datetime.now(UTC))
    wanted = sorted(set(cutoffs))
    with connect(home, threads=threads, memory_limit=memory_limit, hold=len(wanted) > 1) as db:
        for cutoff in wanted:
            make_feature_table(db, to_micros(cutoff))
            for view in VIEWS:
                rows = view_rows(view, to_micros(cutoff), stamp)
                write_rows(db, rows, view_file(home, view, to_micros(cutoff)))
            if progress:
                progress(cutoff)


def features_without_later(
    home: Path, cutoff: datetime, *, threads: int = 2, memory_limit: str = "3GB"
) -> pd.DataFrame:
    """Return profile_id and FEATURES at `cutoff`, from a history that ends there.

    What is read from the whole history must be the same (law 2).
    """
    end = to_micros(cutoff)
    with connect(home, threads=threads, memory_limit=memory_limit, before=end) as db:
        make_feature_table(db, end)
        return db.execute("FROM features").df()


def make_feature_table(db: duckdb.DuckDBPyConnection, cutoff: int, among: str = "TRUE") -> None:
    """Make the temporary table `features` with profile_id and all of FEATURES at `cutoff` (µs).

    `among` is the SQL condition that the profile ids fulfil.
    """
    make_parts(db, cutoff, among=among)
    for name, sql in AGGREGATES.items():
        db.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {sql}".replace("$T", str(cutoff)))
    db.execute(
        f"CREATE OR REPLACE TEMP TABLE features AS {FEATURE_ROWS}".replace("$T", str(cutoff))
    )


def view_file(home: Path, view: str, cutoff: int) -> Path:
    """Return where the rows of a view at `cutoff` (µs since 1970) are kept."""
    return home / "offline" / view / f"as_of={cutoff}.parquet"


def view_rows(view: str, cutoff: int, created: int) -> str:
    """Return the statement for the rows of a view in the table `features`; times in µs."""
    names = ", ".join(f.name for f in FEATURES if f.view == view)
    return f"""
        SELECT profile_id, make_timestamptz({cutoff - 1}) AS event_timestamp,
               make_timestamptz({created}) AS created_timestamp, {names}
        FROM features"""


def write_rows(db: duckdb.DuckDBPyConnection, rows: str, target: Path) -> None:
    """Write what a statement gives, by profile; the file is put in place by rename."""
    target.parent.mkdir(parents=True, exist_ok=True)
    scratch = target.with_suffix(".writing")
    db.execute(f"""
        COPY (SELECT * FROM ({rows}) ORDER BY profile_id)
        TO '{scratch}' (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {ROWS_PER_GROUP})""")
    scratch.replace(target)
