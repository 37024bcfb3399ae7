"""The values beside an operator: how many there must be, and what type they are compared as."""

import re
from dataclasses import dataclass

from domain.attributes import Attribute, Value, read
from domain.segment_rule import Operator

MAX_VALUES = 1000  # values of one in / notIn
MAX_TEXT = 1000  # characters of one value

_COMMA = re.compile(r"(?<!\\),")
_EXAMPLES = {"number": "a number like 3", "text": "a text like 'Lead'", "boolean": "true or false"}
_ORDER = ("<", "<=", ">", ">=", "between")
_WORDS = ("contains", "beginsWith", "endsWith")


@dataclass(frozen=True, slots=True)
class ReadValues:
    """The values with the type they are compared as, or the faults found at `key`."""

    type: str = ""
    values: tuple[Value, ...] = ()
    faults: tuple[str, ...] = ()
    key: str = "value"


def read_values(attribute: Attribute, operator: Operator, given: object) -> ReadValues:
    """Return what stands beside `operator`, converted to the type of `attribute`."""
    if operator.takes == "none":
        return ReadValues()
    pieces = _pieces(given) if operator.takes in ("two", "many") else [given]
    kind = _type_of(attribute, operator, pieces)
    if kind not in operator.types:
        sentence = (
            f"{attribute.name!r} is compared as {kind}, "
            f"but {operator.name!r} compares {' or '.join(operator.types)}"
        )
        return ReadValues(faults=(sentence,), key="operator")
    counted = _count_fault(operator, pieces)
    if counted:
        return ReadValues(faults=(counted,))
    faults = [fault for piece in pieces if (fault := _fault(attribute, kind, piece))]
    if faults:
        return ReadValues(faults=tuple(faults))
    values = tuple(value for piece in pieces if (value := _converted(kind, piece)) is not None)
    fault = _joint_fault(operator, values)
    return ReadValues(faults=(fault,)) if fault else ReadValues(kind, values)


def _pieces(given: object) -> list[object]:
    """Return the list; text is split at its commas, save those behind a backslash."""
    if isinstance(given, str):
        parts = (part.strip().replace("\\,", ",") for part in _COMMA.split(given))
        return [part for part in parts if part]
    return list(given) if isinstance(given, list | tuple) else [given]


def _type_of(attribute: Attribute, operator: Operator, pieces: list[object]) -> str:
    """Return the type to compare as: the attribute's, and for a trait that of the rule's values.

    Query builders send '18' for 18, so a trait that is put in order with such text is a number.
    """
    if attribute.type != "any":
        return attribute.type
    if operator.base in _WORDS:
        return "text"
    if any(isinstance(piece, bool) for piece in pieces):
        return "boolean"
    if all(isinstance(piece, int | float) for piece in pieces):
        return "number"
    if operator.base in _ORDER and all(_converted("number", piece) is not None for piece in pieces):
        return "number"
    return "text"


def _converted(kind: str, piece: object) -> Value | None:
    return read(piece.strip() if isinstance(piece, str) and kind != "text" else piece, kind)


def _count_fault(operator: Operator, pieces: list[object]) -> str | None:
    if operator.takes == "two" and len(pieces) != 2:
        return f"{operator.name!r} needs two values, the lower and the upper; got {len(pieces)}"
    if not pieces:
        return f"{operator.name!r} needs at least one value"
    if len(pieces) > MAX_VALUES:
        return f"{len(pieces)} values are more than {MAX_VALUES}; use a trait instead"
    return None


def _fault(attribute: Attribute, kind: str, piece: object) -> str | None:
    """Return what is wrong with one value, or None."""
    fits = isinstance(piece, bool | int | float | str) and _converted(kind, piece) is not None
    if kind == "text" and attribute.type == "text":
        fits = isinstance(piece, str)
    if not fits:
        return f"{attribute.name!r} is compared as {kind}; {piece!r:.40} must be {_EXAMPLES[kind]}"
    return _text_fault(piece) if isinstance(piece, str) else None


def _text_fault(piece: str) -> str | None:
    if len(piece) > MAX_TEXT:
        return f"{len(piece)} characters are more than {MAX_TEXT}; shorten the value"
    if any("\ud800" <= character <= "\udfff" for character in piece):
        return f"{piece!r:.40} holds half of a surrogate pair; send valid Unicode"
    return None


def _joint_fault(operator: Operator, values: tuple[Value, ...]) -> str | None:
    if operator.base in _WORDS and values[0] == "":
        return f"{operator.name!r} needs a text to look for; the value is empty"
    if operator.takes == "two" and values[0] > values[1]:  # type: ignore[operator]
        return f"{values[0]!r} is above {values[1]!r}; give the lower value first"
    return None
