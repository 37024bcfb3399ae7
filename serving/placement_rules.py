"""A rule is read as a whole: everything that is wrong with it is said at once."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from domain.errors import InvalidInput, InvalidRule
from serving.errors import described
from serving.filters import mask_of
from serving.items import ItemTable
from serving.shapes.placements import Rule

Problem = tuple[str, str]  # where, and a sentence that names it


def read_rule(plain: Mapping[str, Any], items: ItemTable, segments: Collection[str]) -> Rule:
    """Return a rule, or raise InvalidRule with every fault of its shape and its meaning."""
    problems: list[Problem] = []
    rule: Rule | None = None
    try:
        rule = Rule.model_validate(plain)
    except ValidationError as fault:
        problems += [_shape(dict(one)) for one in fault.errors()]
    problems += _filters(plain, items)
    problems += _dates(plain)
    problems += _pins(plain, items, segments)
    problems += _twice(plain)
    if rule is None or problems:
        raise InvalidRule([sentence for _, sentence in problems], field=problems[0][0] or None)
    return rule


def _shape(fault: dict[str, Any]) -> Problem:
    where, sentence = described(fault | {"loc": ("rule", *fault["loc"])})
    return where or "", sentence


def _parts(plain: Mapping[str, Any], name: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the parts of a list that are objects, each with its place."""
    found = plain.get(name)
    for number, part in enumerate(found if isinstance(found, list) else ()):
        if isinstance(part, Mapping):
            yield f"{name}[{number}]", part


def _filters(plain: Mapping[str, Any], items: ItemTable) -> Iterator[Problem]:
    """Yield what is wrong with each filter, by the items that there are."""
    freshness = plain.get("freshness")
    places: list[tuple[str, Any]] = [("", plain), *_parts(plain, "boosts")]
    places += [("freshness", freshness)] if isinstance(freshness, Mapping) else []
    for place, part in places:
        if not isinstance(part.get("filter"), Mapping):
            continue
        try:
            mask_of(part["filter"], items)
        except InvalidInput as fault:
            where = f"{place}.{fault.field}".removeprefix(".")
            yield where, f"in {where}: {fault.message}"


def _dates(plain: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield every stretch of time that ends before it begins."""
    for place, part in [("", plain), *_parts(plain, "boosts"), *_parts(plain, "pins")]:
        begin, end = _instant(part.get("from")), _instant(part.get("to"))
        if begin and end and end <= begin:
            where = f"{place}.to".removeprefix(".")
            yield where, f"{where!r} {part['to']!r} must be after 'from' {part['from']!r}"


def _instant(given: Any) -> datetime | None:
    """Return a time with a zone; None for what the shape has found fault with."""
    try:
        at = datetime.fromisoformat(given)
    except (TypeError, ValueError):
        return None
    return at if at.tzinfo else None


def _pins(
    plain: Mapping[str, Any], items: ItemTable, segments: Collection[str]
) -> Iterator[Problem]:
    """Yield pins of what is not there, or for nobody that can be."""
    for place, pin in _parts(plain, "pins"):
        item_id, segment = pin.get("item_id"), pin.get("segment")
        if isinstance(item_id, str) and item_id not in items.row_of:
            where = f"{place}.item_id"
            yield (
                where,
                (
                    f"in {where}: no item {item_id[:100]!r} in the catalogue; import it first, or "
                    "remove the pin"
                ),
            )
        if isinstance(segment, str) and segment not in segments:
            where = f"{place}.segment"
            yield where, f"in {where}: no segment {segment[:60]!r}; GET /v1/segments lists them"
        if segment is not None and pin.get("customer_id") is not None:
            where = f"{place}.customer_id"
            yield where, f"in {where}: a pin is for a segment or a customer; remove one of them"


def _twice(plain: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield what may be said once but is said twice."""
    for name, key in (("sources", "name"), ("caps", "attribute")):
        said = Counter(str(part.get(key)) for _, part in _parts(plain, name))
        for value, times in said.items():
            if times > 1:
                yield name, f"{name!r} names {value!r} {times} times; keep one"
