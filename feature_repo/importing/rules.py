"""A mapping is a set of small rules: where a file keeps what, and which of its rows do not count.

Each class is one section of the TOML page; its fields are the keys of that section.
"""

from collections.abc import Mapping as MappingOf
from dataclasses import dataclass, field
from datetime import datetime

DEFAULT_MISSING = ("", "NULL", "null", "NaN", "nan", "None", "\\N")


@dataclass(frozen=True, slots=True)
class FileRule:
    """How the files are written; Parquet needs none of it except `missing`."""

    encoding: str = "utf-8"
    delimiter: str | None = None  # None: found by looking at the file
    header: bool = True
    columns: tuple[str, ...] = ()  # the column names, if the file has no header
    decimal: str = "."  # or ',' as in 1.234,50
    missing: tuple[str, ...] = DEFAULT_MISSING  # texts that mean "nothing here"


@dataclass(frozen=True, slots=True)
class TimeRule:
    """Which column says when, how it is written, and in which zone."""

    column: str
    format: str  # 'iso', 'unix', 'unix_ms' or a pattern such as '%d/%m/%Y %H:%M'
    zone: str = "UTC"  # for times without an offset of their own


@dataclass(frozen=True, slots=True)
class KindRule:
    """What each row is: always the same kind, or a column with a value table."""

    always: str | None = None
    column: str | None = None
    values: MappingOf[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ColumnRule:
    """The columns of the event itself; `order` may name several that together make the id."""

    customer: str | None = None
    anonymous: str | None = None
    item: str | None = None
    order: tuple[str, ...] = ()
    quantity: str | None = None  # without it, and where it is empty: 1
    unit_price: str | None = None
    amount: str | None = None  # the money of the whole row, instead of unit_price
    currency: str | None = None


@dataclass(frozen=True, slots=True)
class ReturnRule:
    """How a cancellation or return is recognised; it becomes a product-return."""

    column: str | None = None
    matches: tuple[str, ...] = ()
    negative_quantity: bool = False


@dataclass(frozen=True, slots=True)
class MoneyRule:
    """The currency, and whether rows that cost nothing count."""

    currency: str | None = None
    zero_price: str = "keep"  # or 'refuse'


@dataclass(frozen=True, slots=True)
class ItemRule:
    """The columns of the catalogue item; its id is `columns.item`."""

    title: str | None = None
    category: str | None = None
    brand: str | None = None
    price: str | None = None  # without it: the unit price
    in_stock: str | None = None
    id_case: str = "keep"  # or 'upper', 'lower': one product whatever the case


@dataclass(frozen=True, slots=True)
class Refusal:
    """Rows that do not count, and the reason to report; one test each, all of them must hold."""

    reason: str
    column: str | None = None
    matches: tuple[str, ...] = ()  # regular expressions that the whole text must match
    missing: bool = False
    below: float | None = None
    above: float | None = None
    equals: float | None = None
    before: datetime | None = None  # on the time of the event
    since: datetime | None = None  # on the time of the event: at or after this instant


@dataclass(frozen=True, slots=True)
class Mapping:
    """One page that says how an export becomes events and items.

    `name` is part of every message id: keep it, or the same file counts twice.
    """

    name: str
    source: str  # the file the mapping came from, for messages
    time: TimeRule
    kind: KindRule
    columns: ColumnRule
    about: str = ""
    file: FileRule = FileRule()
    returns: ReturnRule = ReturnRule()
    money: MoneyRule = MoneyRule()
    item: ItemRule = ItemRule()
    traits: MappingOf[str, str] = field(default_factory=dict)
    properties: MappingOf[str, str] = field(default_factory=dict)
    refuse: tuple[Refusal, ...] = ()

    def columns_used(self) -> dict[str, str]:
        """Return each column of the file that the mapping names, with the key that names it."""
        named = [
            ("time.column", self.time.column),
            ("kind.column", self.kind.column),
            ("returns.column", self.returns.column),
            *(
                (f"columns.{key}", getattr(self.columns, key))
                for key in (
                    "customer",
                    "anonymous",
                    "item",
                    "quantity",
                    "unit_price",
                    "amount",
                    "currency",
                )
            ),
            *(("columns.order", column) for column in self.columns.order),
            *((f"item.{key}", getattr(self.item, key)) for key in ("title", "category", "brand")),
            *((f"item.{key}", getattr(self.item, key)) for key in ("price", "in_stock")),
            *((f"traits.{name}", column) for name, column in self.traits.items()),
            *((f"properties.{name}", column) for name, column in self.properties.items()),
            *((f"refuse[{n}].column", r.column) for n, r in enumerate(self.refuse, start=1)),
        ]
        used: dict[str, str] = {}
        for key, column in named:
            if column is not None:
                used.setdefault(column, key)
        return used
