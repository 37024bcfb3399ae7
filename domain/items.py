"""An item is one thing a shop offers: what it is called, costs, and whether it is there."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from domain.errors import InvalidItem
from domain.events import MAX_ID_LENGTH


@dataclass(frozen=True, slots=True)
class Item:
    """One catalogue item; `updated_at` (UTC) decides which of two versions counts."""

    item_id: str
    title: str
    updated_at: datetime
    category: str | None = None
    brand: str | None = None
    price: float | None = None  # unit price in the shop's currency
    in_stock: bool = True
    attributes: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.item_id or len(self.item_id) > MAX_ID_LENGTH:
            raise InvalidItem(
                f"item_id {self.item_id[:20]!r} must have 1 to {MAX_ID_LENGTH} characters",
                field="item_id",
            )
        if self.price is not None and (not math.isfinite(self.price) or self.price < 0):
            raise InvalidItem(
                f"item {self.item_id!r}: price {self.price} must be a number of 0 or more",
                field="price",
            )
        if self.updated_at.tzinfo is None:
            raise InvalidItem(
                f"item {self.item_id!r}: 'updated_at' has no time zone; give an offset",
                field="updated_at",
            )
