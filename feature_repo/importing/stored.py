"""Orders that the log holds already in another shape are told; what is stored stays as it is."""

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

import duckdb

from feature_repo.event_rows import COLUMNS, Row

_FETCH = 500  # ids in one question
_CUSTOMER, _LINES, _VALUE = (COLUMNS.index(n) + 1 for n in ("customer_id", "lines", "value"))


class Holding(Protocol):
    """What can say which events it holds."""

    def rows_with(self, message_ids: Sequence[str]) -> Iterable[Row]:
        """Return the rows (seq, *COLUMNS) with these message ids."""
        ...


def changed_since(db: duckdb.DuckDBPyConnection, log: Holding) -> list[str]:
    """Return a warning if orders of table `events` are in the log with other lines or money."""
    changed: list[str] = []
    for batch in _orders(db):
        held = _held(log, list(batch))
        changed += [batch[i][0] for i, seen in held.items() if _differs(batch[i][1:], seen)]
    if not changed:
        return []
    return [
        f"{len(changed):,} orders are in the log already with other content (such as "
        f"{', '.join(changed[:3])}); the stored ones were kept. If the files are parts of one "
        "export, import them together in one command into an empty log"
    ]


def _orders(
    db: duckdb.DuckDBPyConnection,
) -> Iterator[dict[str, tuple[str, str | None, int, float | None]]]:
    """Yield batches of message_id -> (order id, customer, number of lines, value)."""
    found = db.cursor().execute(
        "SELECT message_id, order_id, customer, line_count, value FROM events "
        "WHERE order_id IS NOT NULL ORDER BY event_no"
    )
    while rows := found.fetchmany(_FETCH):
        yield {row[0]: row[1:] for row in rows}


def _held(log: Holding, ids: list[str]) -> dict[str, tuple[str | None, int, float | None]]:
    """Return message_id -> (customer, number of lines, value) of those that the log has."""
    return {
        row[1]: (row[_CUSTOMER], len(json.loads(row[_LINES] or "[]")), row[_VALUE])
        for row in log.rows_with(ids)
    }


def _differs(
    new: tuple[str | None, int, float | None], old: tuple[str | None, int, float | None]
) -> bool:
    if new[:2] != old[:2] or (new[2] is None) != (old[2] is None):
        return True
    return new[2] is not None and old[2] is not None and abs(new[2] - old[2]) > 1e-6
