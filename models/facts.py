"""Facts are what a shop says of its items: the part of a catalogue that models read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from domain.errors import InvalidInput

_TEXTS = ("titles", "categories", "brands", "attributes")


@dataclass(frozen=True, slots=True, eq=False)
class ItemFacts:
    """One entry per item, in the order of the item codes; unknown is "" for text, NaN for a price.

    titles, categories, brands (items,) text; attributes (items,) text, the further attributes of an
    item in words ("colour red material wool"); prices (items,) float64, the shop's currency.
    """

    titles: np.ndarray
    categories: np.ndarray
    brands: np.ndarray
    prices: np.ndarray
    attributes: np.ndarray

    def __post_init__(self) -> None:
        for name in _TEXTS:
            object.__setattr__(self, name, np.asarray(getattr(self, name), dtype=np.str_))
        object.__setattr__(self, "prices", np.asarray(self.prices, dtype=np.float64))
        lengths = {name: len(getattr(self, name)) for name in (*_TEXTS, "prices")}
        if len(set(lengths.values())) > 1:
            raise InvalidInput(
                f"item facts: columns differ in length ({lengths}); give one entry per item"
            )

    @classmethod
    def of(
        cls,
        titles: Sequence[str | None],
        categories: Sequence[str | None] | None = None,
        brands: Sequence[str | None] | None = None,
        prices: Sequence[float | None] | None = None,
        attributes: Sequence[str | None] | None = None,
    ) -> Self:
        """Build facts from plain columns; None, in place of a value or a column, is unknown."""
        unknown = [None] * len(titles)
        texts = [
            [value or "" for value in (unknown if column is None else column)]
            for column in (titles, categories, brands, attributes)
        ]
        numbers = [np.nan if price is None else price for price in (prices or unknown)]
        return cls(*map(np.asarray, (*texts[:3], numbers, texts[3])))

    def __len__(self) -> int:
        return len(self.titles)

    def take(self, rows: np.ndarray) -> "ItemFacts":
        """Return the facts of some items, in the order of `rows`."""
        return ItemFacts(
            self.titles[rows],
            self.categories[rows],
            self.brands[rows],
            self.prices[rows],
            self.attributes[rows],
        )


def words_of(attributes: Mapping[str, Any]) -> str:
    """Return an item's own attributes in words: text as it stands, other values with their name.

    {"colour": "red", "giftable": True, "size": 42} -> "red giftable_true size_42"; a list counts
    as each of its values, what is nested deeper or null counts as nothing.
    """
    words: list[str] = []
    for name, value in attributes.items():
        for part in value if isinstance(value, list) else [value]:
            if isinstance(part, str):
                words.append(part)
            elif isinstance(part, bool | int | float):
                words.append(f"{name}_{part}".lower().replace(" ", "_"))
    return " ".join(words)
