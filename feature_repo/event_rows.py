"""An event as a row of the log, and back; both logs and the lake speak of these columns."""

import json
from typing import Any

from domain.events import Event, Line, from_micros, to_micros
from domain.items import Item

COLUMNS = (
    "message_id", "kind", "at", "received_at", "customer_id", "anonymous_id", "order_id", "value",
    "currency", "channel", "device", "campaign", "decision_id", "lines", "properties", "traits",
    "consent",
)  # fmt: skip
Row = tuple[Any, ...]  # (seq, *COLUMNS)


def to_row(event: Event) -> Row:
    """Return an event in the order of COLUMNS: times in µs, structured parts as JSON."""
    lines = [
        {"item_id": n.item_id, "quantity": n.quantity, "unit_price": n.unit_price,
         "category": n.category, "brand": n.brand}
        for n in event.lines
    ]  # fmt: skip
    return (
        event.message_id, event.kind, to_micros(event.at), to_micros(event.received_at),
        event.customer_id, event.anonymous_id, event.order_id, event.value, event.currency,
        event.channel, event.device, event.campaign, event.decision_id, _json(lines),
        _json(dict(event.properties)), _json(dict(event.traits)), _json(dict(event.consent)),
    )  # fmt: skip


def to_event(row: Row) -> Event:
    """Return the event of a row in the order of COLUMNS."""
    return Event(
        message_id=row[0], kind=row[1], at=from_micros(row[2]), received_at=from_micros(row[3]),
        customer_id=row[4], anonymous_id=row[5], order_id=row[6], value=row[7], currency=row[8],
        channel=row[9], device=row[10], campaign=row[11], decision_id=row[12],
        lines=tuple(Line(**line) for line in json.loads(row[13] or "[]")),
        properties=json.loads(row[14] or "{}"), traits=json.loads(row[15] or "{}"),
        consent=json.loads(row[16] or "{}"),
    )  # fmt: skip


def item_to_row(item: Item) -> Row:
    """Return an item as (item_id, updated_at µs, title, category, brand, price, in_stock, JSON)."""
    return (
        item.item_id, to_micros(item.updated_at), item.title, item.category, item.brand, item.price,
        int(item.in_stock), _json(item.attributes),
    )  # fmt: skip


def to_item(row: Row) -> Item:
    """Return the item of a row that `item_to_row` made."""
    return Item(
        row[0], row[2], from_micros(row[1]), row[3], row[4], row[5], bool(row[6]),
        json.loads(row[7] or "{}"),
    )  # fmt: skip


def _json(value: Any) -> str | None:
    return (
        json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        if value
        else None
    )
