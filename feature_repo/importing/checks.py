"""The checks each row must pass, in order: the mapping's filters, then what an event needs."""

from collections.abc import Iterator
from dataclasses import dataclass

from domain.events import MAX_ID_LENGTH, to_micros
from feature_repo.importing.rules import Mapping, Refusal
from feature_repo.importing.sql import matches_any, number
from feature_repo.importing.staging import Staged

MAX_CUSTOMER_ID_LENGTH = 256
SEVERAL_CUSTOMERS = (
    "order id shared by several customers; name the columns that make it unique, "
    'such as order = ["Shop", "Invoice"]'
)


@dataclass(frozen=True, slots=True)
class Check:
    """A reason to refuse a row, the SQL that finds such rows, and the column to show."""

    reason: str
    fails: str
    column: str


def checks_of(mapping: Mapping, staged: Staged) -> list[Check]:
    """Return the checks of a mapping; the first that a row fails is its reason."""
    return [
        *(_filter(rule, mapping, staged) for rule in mapping.refuse),
        *_time_and_kind(mapping),
        *_ids(mapping),
        *_quantity(mapping),
        *_price(mapping),
    ]


def _filter(rule: Refusal, mapping: Mapping, staged: Staged) -> Check:
    tests: list[str] = []
    text = staged.sql(rule.column)
    if rule.matches:
        tests.append(matches_any(text, rule.matches))
    if rule.missing:
        tests.append(f"{text} IS NULL")
    for sign, bound in (("<", rule.below), (">", rule.above), ("=", rule.equals)):
        if bound is not None:
            tests.append(f"{number(text, mapping.file.decimal)} {sign} {bound}")
    if rule.before is not None:
        tests.append(f"moment < {to_micros(rule.before)}")
    if rule.since is not None:
        tests.append(f"moment >= {to_micros(rule.since)}")
    return Check(rule.reason, " AND ".join(tests), rule.column or mapping.time.column)


def _time_and_kind(mapping: Mapping) -> Iterator[Check]:
    column = mapping.time.column
    yield Check("time is missing", "time_text IS NULL", column)
    yield Check(f"time does not fit the format {mapping.time.format!r}", "moment IS NULL", column)
    if mapping.kind.column is not None:
        yield Check("kind is missing", "kind_text IS NULL", mapping.kind.column)
        yield Check("value is not in kind.values", "kind IS NULL", mapping.kind.column)


def _ids(mapping: Mapping) -> Iterator[Check]:
    ids = (
        ("item", mapping.columns.item, MAX_ID_LENGTH),
        ("customer", mapping.columns.customer, MAX_CUSTOMER_ID_LENGTH),
        ("anonymous", mapping.columns.anonymous, MAX_CUSTOMER_ID_LENGTH),
    )
    if mapping.columns.item is not None:
        yield Check("item is missing", "item IS NULL", mapping.columns.item)
    for name, column, longest in ids:
        if column is not None:
            reason = f"{name} id is longer than {longest} characters"
            yield Check(reason, f"length({name}) > {longest}", column)


def _quantity(mapping: Mapping) -> Iterator[Check]:
    column = mapping.columns.quantity
    if column is None:
        return
    reason = "quantity is not a number"
    yield Check(reason, "quantity_text IS NOT NULL AND quantity_given IS NULL", column)
    yield Check("quantity is zero", "quantity_given = 0", column)
    reason = "negative quantity, but not a return"
    yield Check(reason, "quantity_given < 0 AND NOT is_return", column)


def _price(mapping: Mapping) -> Iterator[Check]:
    column = mapping.columns.unit_price or mapping.columns.amount
    if column is None:
        return
    yield Check("price is not a number", "price_text IS NOT NULL AND price_given IS NULL", column)
    yield Check("negative price", "unit_price < 0", column)
    if mapping.money.zero_price == "refuse":
        yield Check("price is zero", "unit_price = 0", column)
