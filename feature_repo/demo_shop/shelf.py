"""The shelf holds what the shop sells: believable titles, prices, brands, and what nobody sees."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import product
from typing import Any

import numpy as np

from domain.events import Line
from domain.items import Item
from feature_repo.demo_shop.vocabulary import vocabulary

Row = dict[str, Any]  # words of a category or of one item
FACTORS = 8  # hidden dimensions of taste
NEW_SHARE = 0.12  # items that were launched during the year
OUT_OF_STOCK_SHARE = 0.06


@dataclass(frozen=True)
class Shelf:
    """All items as arrays of shape (items,), sorted by category, and the hidden part of each."""

    items: tuple[Item, ...]
    lines: tuple[Line, ...]  # one piece of each item, ready for an event
    category: np.ndarray  # int, index into vocabulary().categories
    brand: np.ndarray  # int, index into vocabulary().brands
    price_eur: np.ndarray
    launch_day: np.ndarray  # days since start; -1 for what was always there
    popularity: np.ndarray  # hidden: log-scale general appeal
    factors: np.ndarray  # (items, FACTORS) hidden: what the item is like

    @property
    def first_of_category(self) -> np.ndarray:
        """Return where each category begins, with the number of items as the last entry."""
        return np.searchsorted(self.category, np.arange(len(vocabulary().categories) + 1))


def stock_shelf(rng: np.random.Generator, count: int, start: datetime, days: float) -> Shelf:
    """Return a shelf of `count` items; some were launched within the `days` after `start`."""
    words = vocabulary()
    brands = list(words.brands)
    category = np.sort(np.arange(count) % len(words.categories))
    drawn = [row for c, row in enumerate(words.categories)
             for row in _draw_category(rng, row, int((category == c).sum()))]  # fmt: skip
    launch = np.where(rng.random(count) < NEW_SHARE, rng.uniform(0, days, count), -1.0)
    in_stock = rng.random(count) >= OUT_OF_STOCK_SHARE
    in_stock[rng.integers(count)] = False  # even a tiny shop has run out of something
    items = tuple(
        _item(number, words.categories[c]["name"], row, bool(stocked),
              start + timedelta(days=max(0.0, float(day))))
        for number, (c, row, stocked, day) in enumerate(
            zip(category, drawn, in_stock, launch, strict=True), start=1)
    )  # fmt: skip
    return Shelf(
        items=items,
        lines=tuple(Line(i.item_id, 1.0, i.price, i.category, i.brand) for i in items),
        category=category,
        brand=np.array([brands.index(row["brand"]) for row in drawn]),
        price_eur=np.array([row["price"] for row in drawn]),
        launch_day=launch,
        popularity=rng.normal(0, 0.7, count),
        factors=_factors(rng, category),
    )


def _factors(rng: np.random.Generator, category: np.ndarray) -> np.ndarray:
    """Return (items, FACTORS): items of one category are a little alike."""
    centres = rng.normal(0, 0.12, (category.max() + 1, FACTORS))
    factors: np.ndarray = centres[category] + rng.normal(0, 0.34, (len(category), FACTORS))
    return factors


def _draw_category(rng: np.random.Generator, words: Row, count: int) -> list[Row]:
    """Draw `count` different titles of one category, in random order."""
    kinds = [
        (noun, material, finish, size)
        for noun in words["nouns"]
        for material, finish, size in product(noun["materials"], words["finishes"], noun["sizes"])
    ]
    order = rng.permutation(len(kinds))
    return [_describe(rng, words, kinds[order[i % len(kinds)]]) for i in range(count)]


def _describe(rng: np.random.Generator, words: Row, kind: tuple[Any, ...]) -> Row:
    noun, material, finish, size = kind
    brand = int(rng.integers(len(words["brands"])))
    low, high = noun["price"]
    level = 0.6 * rng.random() + 0.4 * brand / max(
        1, len(words["brands"]) - 1
    )  # dear and cheap brands
    return {
        "title": f"{material} {noun['name']}, {finish}, {size}",
        "brand": words["brands"][brand],
        "price": round(float(low * (high / low) ** level)) - 0.1,
        "attributes": {"material": material, "finish": finish, "size": size},
    }


def _item(number: int, category: str, row: Row, in_stock: bool, updated_at: datetime) -> Item:
    return Item(
        item_id=f"P{number:04d}",
        title=row["title"],
        updated_at=updated_at,
        category=category,
        brand=row["brand"],
        price=round(row["price"], 2),
        in_stock=in_stock,
        attributes=row["attributes"],
    )
