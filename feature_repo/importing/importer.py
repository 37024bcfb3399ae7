"""`import_files` reads, checks, joins and stores: all of an import, or on any failure none."""

import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Protocol

import duckdb

from domain.errors import InvalidInput
from domain.events import Event, from_micros
from domain.items import Item
from feature_repo.event_rows import Row
from feature_repo.importing.events import make_events, stream_events
from feature_repo.importing.files import expand
from feature_repo.importing.lines import make_lines
from feature_repo.importing.offers import make_items, stream_items
from feature_repo.importing.report import ImportReport, Refused, refusal_lines
from feature_repo.importing.rows import make_rows, refusals
from feature_repo.importing.rules import Mapping
from feature_repo.importing.sources import open_source
from feature_repo.importing.staging import Staged, stage
from feature_repo.importing.stored import changed_since
from feature_repo.importing.traits import make_identities, stream_identities
from feature_repo.log import Appended

MEMORY_LIMIT = "1GB"  # beyond it DuckDB works on disk

Progress = Callable[[str, float], None]


class Log(Protocol):
    """Where an import goes: an event log, or what stands in front of one."""

    def rows_with(self, message_ids: Sequence[str]) -> Iterable[Row]:
        """Return the rows (seq, *COLUMNS) with these message ids."""
        ...

    def append(self, events: Iterable[Event], items: Iterable[Item] = ()) -> Appended:
        """Store all of it, or on any failure none."""


def import_files(
    paths: list[str], mapping: Mapping, log: Log, *, progress: Progress | None = None
) -> ImportReport:
    """Import files (CSV, gzipped CSV or Parquet, also by glob) and account for every row.

    Args:
        progress: called with what is being done and the share done so far, 0 to 1.

    Raises:
        InvalidMapping: a column is not there, or the times do not fit; the log is as it was.
        InvalidInput: a file is missing, empty or unreadable, or no row of it can be used.
    """
    tell = progress or _say_nothing
    files = expand(paths)
    with (
        tempfile.TemporaryDirectory(prefix="nextbest-import-") as folder,
        _workbench(Path(folder), mapping) as db,
    ):
        scratch = Path(folder)
        sources = [open_source(db, path, mapping, scratch, n) for n, path in enumerate(files)]
        staged = stage(db, sources, mapping, tell)
        return _import(db, staged, mapping, log, tell)


def _workbench(scratch: Path, mapping: Mapping) -> duckdb.DuckDBPyConnection:
    """Open a DuckDB of limited memory that lives as long as the import."""
    db = duckdb.connect(str(scratch / "import.duckdb"))
    db.execute(f"SET memory_limit = '{MEMORY_LIMIT}'")
    db.execute("SET TimeZone = $zone", {"zone": mapping.time.zone})
    return db


def _import(
    db: duckdb.DuckDBPyConnection, staged: Staged, mapping: Mapping, log: Log, tell: Progress
) -> ImportReport:
    """Take the staged rows through to the log and report."""
    tell("checking rows", 0.3)
    warnings = make_rows(db, mapping, staged)
    refused = {**staged.broken, **refusals(db, mapping, staged)}
    tell("joining rows to events", 0.4)
    repeated, order_warnings = make_lines(db, mapping, staged)
    made = make_events(db, mapping)
    if not made:
        raise InvalidInput(_nothing_usable(staged, refused, mapping))
    made += make_identities(db, mapping)
    items = make_items(db)
    warnings += [*order_warnings, *changed_since(db, log)]
    appended = _append(db, mapping, log, made, tell)
    return _report(db, staged, refused, repeated, items, appended, tuple(warnings))


def _append(
    db: duckdb.DuckDBPyConnection, mapping: Mapping, log: Log, made: int, tell: Progress
) -> Appended:
    events = chain(stream_identities(db, mapping), stream_events(db, mapping))
    appended = log.append(_told(events, made, tell), stream_items(db))
    tell("done", 1.0)
    return appended


def _told(events: Iterator[Event], made: int, tell: Progress) -> Iterator[Event]:
    for n, event in enumerate(events):
        if n % 5_000 == 0:
            tell("storing events", 0.5 + 0.5 * n / made)
        yield event


def _report(
    db: duckdb.DuckDBPyConnection,
    staged: Staged,
    refused: dict[str, Refused],
    repeated: int,
    items: int,
    appended: Appended,
    warnings: tuple[str, ...],
) -> ImportReport:
    kinds = db.execute(
        "SELECT kind, count(*) FROM events GROUP BY kind UNION ALL SELECT 'identify', count(*) "
        "FROM identities HAVING count(*) > 0 ORDER BY 2 DESC, 1"
    ).fetchall()
    seen = db.execute(
        "SELECT min(moment), max(moment), count(DISTINCT customer) FROM events"
    ).fetchone()
    assert seen is not None  # an aggregate always has one row
    return ImportReport(
        files=tuple(str(s.path) for s in staged.sources),
        rows_read=staged.rows_read,
        rows_used=staged.rows_read - repeated - sum(r.count for r in refused.values()),
        rows_repeated=repeated,
        events_made=appended.stored + appended.duplicates,
        stored=appended.stored,
        duplicates=appended.duplicates,
        kinds=dict(kinds),
        refused=refused,
        first_at=from_micros(seen[0]),
        last_at=from_micros(seen[1]),
        customers=seen[2],
        items=items,
        warnings=warnings,
    )


def _nothing_usable(staged: Staged, refused: dict[str, Refused], mapping: Mapping) -> str:
    return "\n".join(
        [
            f"none of the {staged.rows_read:,} rows can be used; nothing was imported. "
            f"Correct the files, or the mapping {mapping.source}:",
            *refusal_lines(refused),
        ]
    )


def _say_nothing(step: str, share: float) -> None:
    """Take the place of a progress display."""
