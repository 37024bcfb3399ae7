"""The history of scores: one Parquet file per scoring, so that old scores can be judged later."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

_SCHEMA = pa.schema(
    [
        ("profile_id", pa.string()),
        ("event_timestamp", pa.timestamp("us", "UTC")),
        ("created_timestamp", pa.timestamp("us", "UTC")),
        ("records", pa.string()),
    ]
)


class ScoreFile:
    """A Parquet file being written, batch by batch."""

    def __init__(self, writer: pq.ParquetWriter) -> None:
        self._writer = writer
        self.rows = 0

    def add(self, batch: list[tuple[str, str, datetime]]) -> None:
        """Append rows of (profile_id, records as JSON text, scored at)."""
        ids, records, times = zip(*batch, strict=True)
        self._writer.write_table(pa.table([ids, times, times, records], schema=_SCHEMA))
        self.rows += len(batch)


class ScoreHistory:
    """The files under `<home>/offline/scores`."""

    def __init__(self, home: Path) -> None:
        self._folder = home / "offline" / "scores"

    @contextmanager
    def writer(self) -> Iterator[ScoreFile]:
        """Open a new file; it appears under its name when all went well and it holds rows."""
        self._folder.mkdir(parents=True, exist_ok=True)
        scratch = self._folder / f"{uuid.uuid4().hex}.writing"
        try:
            with pq.ParquetWriter(scratch, _SCHEMA, compression="zstd") as writer:
                file = ScoreFile(writer)
                yield file
            if file.rows:
                scratch.rename(scratch.with_suffix(".parquet"))
        finally:
            scratch.unlink(missing_ok=True)
