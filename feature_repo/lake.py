"""The lake: the event log by day in Parquet, columnar, for everything that reads all history."""

import json
import shutil
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from feature_repo.event_log import COLUMNS, EventLog

_CHUNK = 200_000
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


def export(log: EventLog, home: Path) -> int:
    """Bring the lake up to date with the log; return how many events were added.

    Files carry the sequence numbers they hold; those past the marker are left-overs of an export
    that was cut off, and go first. The marker moves last, by rename.
    """
    folder = home / "lake" / "events"
    folder.mkdir(parents=True, exist_ok=True)
    marker = home / "lake" / "exported.json"
    done = json.loads(marker.read_text())["seq"] if marker.exists() else 0
    for file in folder.glob("*/*.parquet"):
        if int(file.stem.split("-")[1]) > done:
            file.unlink()
    added = 0
    while rows := log.rows_after(done, _CHUNK):
        _write_days(rows, folder, home / "lake" / "writing")
        done, added = rows[-1][0], added + len(rows)
        _replace(marker, json.dumps({"seq": done}))
    _write_catalogue(log, home)
    return added


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


def _write_catalogue(log: EventLog, home: Path) -> None:
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


def _replace(path: Path, text: str) -> None:
    scratch = path.with_suffix(".writing")
    scratch.write_text(text)
    scratch.replace(path)


def _replace_table(path: Path, table: pa.Table) -> None:
    scratch = path.with_suffix(".writing")
    pq.write_table(table, scratch, compression="zstd")
    scratch.replace(path)
