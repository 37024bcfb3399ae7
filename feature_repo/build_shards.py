"""The batch build over shards of the customers: each by itself, anywhere; then put together.

A shard reads all events and keeps those of its profiles; it works in one thread, so that its sums
are those of a build in one thread, to the last bit.
"""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb

from domain.events import to_micros
from feature_repo.build import VIEWS, make_feature_table, view_file, view_rows, write_rows
from feature_repo.state_tables import connect


@dataclass(frozen=True, slots=True)
class BuildWork:
    """All that it takes to build any shard; `home` and `folder` are reached by every worker."""

    home: Path
    folder: Path
    cutoff: datetime
    created_at: datetime
    memory_limit: str  # of each worker
    shards: int


def build_shard(work: BuildWork, shard: int) -> None:
    """Write the rows of the profiles of one shard, a file per view."""
    cutoff, among = to_micros(work.cutoff), f"hash(profile_id) % {work.shards} = {shard}"
    with connect(work.home, threads=1, memory_limit=work.memory_limit) as db:
        db.execute(f"SET temp_directory = '{work.folder / f'scratch-{shard}'}'")
        make_feature_table(db, cutoff, among)
        for view in VIEWS:
            rows = view_rows(view, cutoff, to_micros(work.created_at))
            write_rows(db, rows, _shard_file(work, view, shard))


def join_shards(work: BuildWork) -> None:
    """Put the shards together, into the files that `build_features` would have written."""
    cutoff = to_micros(work.cutoff)
    with duckdb.connect() as db:
        db.execute(f"SET memory_limit = '{work.memory_limit}'; SET TimeZone = 'UTC'")
        db.execute(f"SET temp_directory = '{work.folder / 'scratch'}'")
        for view in VIEWS:
            files = [f"'{_shard_file(work, view, shard)}'" for shard in range(work.shards)]
            rows = f"SELECT * FROM read_parquet([{', '.join(files)}])"
            write_rows(db, rows, view_file(work.home, view, cutoff))


def _shard_file(work: BuildWork, view: str, shard: int) -> Path:
    return work.folder / f"{view}-{shard}.parquet"
