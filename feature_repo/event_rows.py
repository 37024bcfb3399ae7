"""An event as a row of the log, and back; both logs and the lake speak of these columns."""

import json
import re
from typing import Any

import orjson

from domain.events import Event, Line, from_micros, to_micros
from domain.items import Item

COLUMNS = (
    "message_id", "kind", "at", "received_at", "customer_id", "anonymous_id", "order_id", "value",
    "currency", "channel", "device", "campaign", "decision_id", "lines", "properties", "traits",
    "consent",
)  # fmt: skip
_LARGE = re.compile(r"[\s:,\[]-?\d{19}")  # orjson reads an integer of more than 64 bits as a float
Row = tuple[Any, ...]  # (seq, *COLUMNS)


def to_row(event: Event) -> Row:
    """Return an event in the order of COLUMNS: times in µs, structured parts as JSON."""
    return (
        event.message_id, event.kind, to_micros(event.at), to_micros(event.received_at),
        event.customer_id, event.anonymous_id, event.order_id, event.value, event.currency,
        event.channel, event.device, event.campaign, event.decision_id,
        orjson.dumps(event.lines).decode() if event.lines else None,
        _json(event.properties), _json(event.traits), _json(event.consent),
    )  # fmt: skip


def to_event(row: Row) -> Event:
    """Return the event of a row in the order of COLUMNS."""
    return Event(
        row[0], row[1], from_micros(row[2]), from_micros(row[3]), row[4], row[5],
        tuple(Line(**line) for line in orjson.loads(row[13])) if row[13] else (),
        row[7], row[8], row[6], row[9], row[10], row[11], row[12],
        *(_plain(text) for text in row[14:17]),
    )  # fmt: skip


def row_text(row: Row) -> str:
    """Return a row as JSON; where rows are texts, this is how they are kept."""
    return json.dumps(row, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


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
    """Return JSON text, None for nothing; odd numbers (over 64 bits, NaN) go the slow way."""
    if not value:
        return None
    try:
        text = orjson.dumps(value if isinstance(value, dict) else dict(value))
        if b"null" not in text:
            return text.decode()
    except TypeError:
        pass
    return json.dumps(dict(value), ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def _plain(text: str | None) -> dict[str, Any]:
    """Return the object that `_json` wrote."""
    if not text:
        return {}
    found: dict[str, Any] = json.loads(text) if _LARGE.search(text) else orjson.loads(text)
    return found
