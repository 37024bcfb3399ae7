"""The lake: the event log by day in Parquet, columnar, for everything that reads all history."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from domain.errors import Conflict
from feature_repo.event_rows import COLUMNS
from feature_repo.log import Log
from feature_repo.turns import turn_at

_CHUNK = 200_000
_NUMBER = b"last_change"
_LINES = (
    '[{"item_id":"VARCHAR","quantity":"DOUBLE","unit_price":"DOUBLE",'
    '"category":"VARCHAR","brand":"VARCHAR"}]'
)
_INTEGERS, _FLOATS = {"seq", "at", "received_at"}, {"value"}
_ROW = pa.schema(
    [
        (
            name,
            pa.int64() if name in _INTEGERS else pa.float64() if name in _FLOATS else pa.string(),
        )
        for name in ("seq", *COLUMNS)
    ]
)


def events_glob(home: Path) -> str:
    """Return the pattern that matches every event file of the lake."""
    return str(home / "lake" / "events" / "*" / "*.parquet")


def items_file(home: Path) -> Path:
    """Return the catalogue's file in the lake."""
    return home / "lake" / "items.parquet"


def identities_file(home: Path) -> Path:
    """Return the file of the device links in the lake."""
    return home / "lake" / "identities.parquet"


def stitches_file(home: Path) -> Path:
    """Return the file that says in the lake which customer went by which id, and when."""
    return home / "lake" / "stitches.parquet"


def stitches_number(home: Path) -> int:
    """Return the number of the last change of identities that the lake knows of."""
    file = stitches_file(home)
    about = pq.read_schema(file).metadata if file.exists() else None
    return int((about or {}).get(_NUMBER, 0))


def exported_seq(home: Path) -> int:
    """Return the sequence number up to which the lake has all events, 0 where there is none."""
    marker = _marker(home)
    return int(json.loads(marker.read_text())["seq"]) if marker.exists() else 0


def export(log: Log, home: Path) -> int:
    """Bring the lake up to date with the log; return how many events were added.

    Files carry the sequence numbers they hold; those past the marker are left-overs of an export
    that was cut off, and go first. The marker moves last, by rename.
    """
    with lake_lock(home):
        return _export(log, home)


@contextmanager
def lake_lock(home: Path) -> Iterator[None]:
    """Let one process at a time write the lake; the system forgets a holder that dies."""
    (home / "lake").mkdir(parents=True, exist_ok=True)
    with turn_at(home / "lake" / "lock"):
        yield


def _export(log: Log, home: Path) -> int:
    folder = home / "lake" / "events"
    folder.mkdir(parents=True, exist_ok=True)
    marker = _marker(home)
    _check_source(log, marker)
    done = exported_seq(home)
    for file in folder.glob("*/*.parquet"):
        if int(file.stem.split("-")[1]) > done:
            file.unlink()
    added = 0
    while rows := log.rows_after(done, _CHUNK):
        _write_days(rows, folder, home / "lake" / "writing")
        done, added = rows[-1][0], added + len(rows)
        _replace(marker, json.dumps({"seq": done, "log_id": log.log_id}))
    write_tables(log, home)
    return added


def _marker(home: Path) -> Path:
    return home / "lake" / "exported.json"


def _check_source(log: Log, marker: Path) -> None:
    """Refuse a lake of another log, whose sequence numbers mean other events."""
    source = json.loads(marker.read_text()).get("log_id") if marker.exists() else None
    if source not in (None, log.log_id):
        raise Conflict(
            f"the lake under {marker.parent} holds the events of another event log; go back to "
            "that log (NEXTBEST_EVENT_LOG), or move the folder away to export this one"
        )


def _write_days(rows: list[tuple[Any, ...]], folder: Path, scratch: Path) -> None:
    """Write one file per day for a run of log rows, each put in place by rename."""
    columns = list(zip(*rows, strict=True))
    table = pa.table(
        [pa.array(c, type=f.type) for c, f in zip(columns, _ROW, strict=True)], schema=_ROW
    )
    shutil.rmtree(scratch, ignore_errors=True)
    name = f"seq-{rows[0][0]}-{rows[-1][0]}"
    with duckdb.connect() as db:
        db.execute("SET threads = 1; SET TimeZone = 'UTC'")
        db.register("chunk", table)
        db.execute(f"""
            COPY (SELECT * REPLACE (from_json(lines, '{_LINES}') AS lines)
                           RENAME ("at" AS occurred_at),
                         strftime(make_timestamp("at"), '%Y-%m-%d') AS day
                  FROM chunk ORDER BY day, seq)
            TO '{scratch}' (FORMAT parquet, COMPRESSION zstd, PARTITION_BY (day),
                            FILENAME_PATTERN '{name}-{{i}}')
        """)
    for file in scratch.glob("*/*.parquet"):
        target = folder / file.parent.name
        target.mkdir(exist_ok=True)
        file.rename(target / file.name)
    shutil.rmtree(scratch, ignore_errors=True)


def write_tables(log: Log, home: Path) -> None:
    """Write what the lake holds beside the events: the catalogue, the device links, the stitches.

    The caller holds the lock.
    """
    items = list(log.items())
    _replace_table(
        items_file(home),
        pa.table(
            {
                "item_id": pa.array([i.item_id for i in items], pa.string()),
                "title": pa.array([i.title for i in items], pa.string()),
                "category": pa.array([i.category for i in items], pa.string()),
                "brand": pa.array([i.brand for i in items], pa.string()),
                "price": pa.array([i.price for i in items], pa.float64()),
                "in_stock": pa.array([i.in_stock for i in items], pa.bool_()),
                "attributes": pa.array(
                    [json.dumps(dict(i.attributes)) for i in items], pa.string()
                ),
            }
        ),
    )
    links = log.identities()
    _replace_table(
        identities_file(home),
        pa.table(
            {
                "anonymous_id": pa.array([n[0] for n in links], pa.string()),
                "customer_id": pa.array([n[1] for n in links], pa.string()),
                "linked_at": pa.array([n[2] for n in links], pa.int64()),
            }
        ),
    )

    _write_stitches(log, home)


def _write_stitches(log: Log, home: Path) -> None:
    number, rows = log.stitches()
    ids, canonical, since, until = zip(*rows, strict=True) if rows else ((), (), (), ())
    table = pa.table(
        {
            "id": pa.array(ids, pa.string()),
            "canonical_id": pa.array(canonical, pa.string()),
            "from_at": pa.array(since, pa.int64()),
            "to_at": pa.array(until, pa.int64()),
        }
    )
    _replace_table(
        stitches_file(home), table.replace_schema_metadata({_NUMBER: str(number).encode()})
    )


def _replace(path: Path, text: str) -> None:
    scratch = path.with_suffix(".writing")
    scratch.write_text(text)
    scratch.replace(path)


def _replace_table(path: Path, table: pa.Table) -> None:
    scratch = path.with_suffix(".writing")
    pq.write_table(table, scratch, compression="zstd")
    scratch.replace(path)
