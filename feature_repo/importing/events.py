"""Events are put together from lines: one per order, or one per row, in the order of time."""

from collections.abc import Iterator
from typing import Any

import duckdb

from domain.events import Event, Line, from_micros
from feature_repo.importing.rules import Mapping

_FETCH = 20_000


def make_events(db: duckdb.DuckDBPyConnection, mapping: Mapping) -> int:
    """Build table `events`, one row per message_id, numbered by time; return how many."""
    properties = "".join(
        f", arg_min(p{n}, (file_no, row_no)) AS p{n}" for n in range(len(mapping.properties))
    )
    db.execute(
        f"""
        CREATE TABLE events AS
        SELECT row_number() OVER (ORDER BY moment, message_id) AS event_no, *
        FROM (
            SELECT message_id, any_value(kind) AS kind, min(moment) AS moment,
                arg_min(customer, (file_no, row_no)) AS customer,
                arg_min(anonymous, (file_no, row_no)) AS anonymous,
                any_value(order_id) AS order_id,
                round(fsum(quantity * unit_price), 6) AS value,
                arg_min(currency, (file_no, row_no)) AS currency,
                count(item) AS line_count {properties}
            FROM lines GROUP BY message_id
        )
        """
    )
    made = db.execute("SELECT count(*) FROM events").fetchone()
    return made[0] if made else 0


def stream_events(db: duckdb.DuckDBPyConnection, mapping: Mapping) -> Iterator[Event]:
    """Yield the events in time order, each with its lines in file order.

    The time of receipt is the time of the event: history counts as known when it happened.
    """
    names = tuple(mapping.properties)
    wanted = "".join(f", e.p{n}" for n in range(len(names)))
    found = db.cursor().execute(
        f"""
        SELECT e.event_no, l.item, l.quantity, l.unit_price, l.category, l.brand,
            e.message_id, e.kind, e.moment, e.customer, e.anonymous, e.value, e.currency,
            e.order_id {wanted}
        FROM events e JOIN lines l USING (message_id) ORDER BY e.event_no, l.file_no, l.row_no
        """
    )
    last: tuple[Any, ...] = ()
    lines: list[Line] = []
    while rows := found.fetchmany(_FETCH):
        for row in rows:
            if last and row[0] != last[0]:
                yield _event(last, lines, names)
                lines = []
            if row[1] is not None:
                lines.append(Line(*row[1:6]))
            last = row
    if last:
        yield _event(last, lines, names)


def _event(row: tuple[Any, ...], lines: list[Line], names: tuple[str, ...]) -> Event:
    message_id, kind, micros, customer, anonymous, value, currency, order_id = row[6:14]
    at = from_micros(micros)
    return Event(
        message_id=message_id,
        kind=kind,
        at=at,
        received_at=at,
        customer_id=customer,
        anonymous_id=anonymous,
        lines=tuple(lines),
        value=value,
        currency=None if value is None else currency,
        order_id=order_id,
        properties={n: v for n, v in zip(names, row[14:], strict=True) if v is not None},
    )
