"""The items and the money within the properties of a Segment message."""

import math
from collections.abc import Mapping
from typing import Any

from domain.catalogue import PURCHASE_GROUP, RETURN, builtin_catalogue
from domain.errors import InvalidEvent
from domain.events import Line

Properties = Mapping[str, Any]
MAX_LINES = 500
_ID_KEYS = ("product_id", "productId", "item_id", "sku")
_SENT_AS = {"item_id": "product_id", "quantity": "quantity", "unit_price": "price"}


def lines_of(properties: Properties) -> tuple[Line, ...]:
    """Return the items: those of `products`, else the one that the properties themselves name."""
    products = properties.get("products")
    if products is None:
        return () if _item_id(properties) is None else (_line(properties),)
    if not isinstance(products, list) or len(products) > MAX_LINES:
        raise InvalidEvent(
            f"properties.products must be a list of at most {MAX_LINES} products", field="products"
        )
    return tuple(_line(product, f"products[{n}].") for n, product in enumerate(products))


def _line(product: Any, where: str = "") -> Line:
    """Return one item; `where` is its path within the properties, such as `products[0].`."""
    item_id = _item_id(product, where) if isinstance(product, Mapping) else None
    if item_id is None:
        raise InvalidEvent(
            f"{where.rstrip('.')} needs a product_id or a sku", field=f"{where}product_id"
        )
    quantity = number(product, "quantity", where)
    try:
        return Line(
            item_id=item_id,
            quantity=1.0 if quantity is None else quantity,
            unit_price=number(product, "price", where),
            category=_words(product.get("category")),
            brand=_words(product.get("brand")),
        )
    except InvalidEvent as fault:  # said in the words of the sender
        if fault.field in _SENT_AS:
            raise InvalidEvent(fault.message, field=f"{where}{_SENT_AS[fault.field]}") from fault
        raise


def _item_id(product: Properties, where: str = "") -> str | None:
    found = next((product[key] for key in _ID_KEYS if product.get(key) not in (None, "")), None)
    is_id = isinstance(found, str | int) and not isinstance(found, bool)
    if found is not None and not is_id:
        raise InvalidEvent(f"product_id {found!r:.40} must be a text", field=f"{where}product_id")
    return None if found is None else str(found)


def _words(given: Any) -> str | None:
    return given if isinstance(given, str) and given else None


def value_of(kind: str, properties: Properties) -> float | None:
    """Return the money of the event: revenue, total or value; of an order the sum of its lines.

    A return is never negative: its kind says that the money went back.
    """
    names = ("revenue", "total", "value")
    found = next((v for name in names if (v := number(properties, name)) is not None), None)
    if found is None and _is_order(kind):
        found = _sum(lines_of(properties))
    return abs(found) if found is not None and kind == RETURN else found


def _is_order(kind: str) -> bool:
    known = builtin_catalogue().kinds.get(kind)
    return kind == RETURN or (known is not None and known.group == PURCHASE_GROUP)


def _sum(lines: tuple[Line, ...]) -> float | None:
    amounts = [line.quantity * line.unit_price for line in lines if line.unit_price is not None]
    return math.fsum(amounts) if amounts and len(amounts) == len(lines) else None


def number(given: Properties, name: str, where: str = "") -> float | None:
    """Return a number, also one written as text; None where there is none."""
    value = given.get(name)
    if value is None or value == "":
        return None
    try:
        if not isinstance(value, bool):
            return float(value)
    except (TypeError, ValueError, OverflowError):
        pass  # said below, in our words
    raise InvalidEvent(f"{name} {value!r:.40} must be a number", field=f"{where}{name}")
