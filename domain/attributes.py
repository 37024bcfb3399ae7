"""The words a segment rule may use: features, traits and scores, each with its type and meaning.

A profile is a flat mapping from attribute to value. How a value is read is one rule for the
in-process evaluator and for SQL, so that it does not matter in which column type a fact is kept:

- missing: absent, None, or a number that is not finite (NaN, infinity);
- as a number: a number (not a boolean), or text such as '42' or '-0.5' (plain decimals of at most
  15 digits on each side of the point);
- as text: text, a whole number below 10**15 in size as its digits, a boolean as 'true' or 'false';
- as a boolean: a boolean, or the text 'true' or 'false'.

A value that cannot be read as asked counts as missing for that comparison.
"""

import difflib
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from numbers import Real

from domain.errors import InvalidInput
from domain.features import FEATURES

Value = float | str | bool
TYPES = ("number", "text", "boolean")
DEFAULT_MODELS = frozenset({"lead_score", "churn", "clv_90", "clv_365"})
TRAIT_PREFIX = "trait_"
DECIMAL_PATTERN = r"-?[0-9]{1,15}(\.[0-9]{1,15})?"  # the same text is used in Python and in SQL
LARGEST_WHOLE = 999_999_999_999_999  # largest number that is also read as text

_TRAIT = re.compile(r"trait_[a-z0-9_]{1,60}")
_MODEL = re.compile(r"[a-z][a-z0-9_]{0,59}")
_DECIMAL = re.compile(DECIMAL_PATTERN)


@dataclass(frozen=True, slots=True)
class Attribute:
    """One word of the vocabulary; `type` is number, text, boolean, or any (a trait)."""

    name: str
    type: str
    meaning: str


def attributes(models: Iterable[str] = DEFAULT_MODELS) -> Mapping[str, Attribute]:
    """Return every attribute with a fixed name: the features, and three per score model."""
    return _vocabulary(frozenset(models))


def attribute_named(name: str, models: Iterable[str] = DEFAULT_MODELS) -> Attribute | None:
    """Return the attribute called `name`, a trait included, or None if there is none."""
    if _TRAIT.fullmatch(name):
        return Attribute(name, "any", f"trait {name.removeprefix(TRAIT_PREFIX)!r}, as it was sent")
    return attributes(models).get(name)


def suggestion(name: str, known: Iterable[str]) -> str:
    """Return '; did you mean ...?' for the known name nearest to `name`, or '' if none is near."""
    near = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.6)
    return f"; did you mean {near[0]!r}?" if near else ""


@lru_cache(maxsize=16)
def _vocabulary(models: frozenset[str]) -> dict[str, Attribute]:
    found = {f.name: Attribute(f.name, f.type, f.meaning) for f in FEATURES}
    for model in sorted(models):
        for attribute in _score_attributes(model):
            if attribute.name in found:
                raise InvalidInput(
                    f"model {model!r}: the attribute {attribute.name!r} exists; rename the model"
                )
            found[attribute.name] = attribute
    return found


def _score_attributes(model: str) -> tuple[Attribute, ...]:
    if not _MODEL.fullmatch(model) or model.startswith(TRAIT_PREFIX):
        raise InvalidInput(
            f"model name {model!r} must have 1 to 60 of a-z, 0-9 and _, start with a letter "
            f"and not with {TRAIT_PREFIX!r}"
        )
    return (
        Attribute(model, "number", f"score of the model {model!r}: probability or amount"),
        Attribute(f"{model}_percentile", "number", f"rank of that score of {model!r}, 1 to 100"),
        Attribute(f"{model}_tier", "text", f"fifth of that score of {model!r}, E (lowest) to A"),
    )


def is_missing(value: object) -> bool:
    """Return whether `value` says nothing: None, or a number that is not finite."""
    if value is None:
        return True
    return isinstance(value, Real) and not isinstance(value, int) and not math.isfinite(value)


def read(value: object, as_type: str) -> Value | None:
    """Return `value` read as number, text or boolean, or None if it is missing or does not fit."""
    if as_type == "number":
        return _number(value)
    if as_type == "text":
        return _text(value)
    if isinstance(value, str):
        return {"true": True, "false": False}.get(value)
    return value if isinstance(value, bool) else None


def _number(value: object) -> float | None:
    if type(value) is float:  # what nearly all are
        return value if math.isfinite(value) else None
    if isinstance(value, str):
        return float(value) if _DECIMAL.fullmatch(value) else None
    if isinstance(value, bool) or not isinstance(value, Real):
        return None
    try:
        number = float(value)
    except OverflowError:  # a whole number beyond the range of float64
        return None
    return number if math.isfinite(number) else None


def _text(value: object) -> str | None:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    number = _number(value)
    if number is None or abs(number) > LARGEST_WHOLE or number != int(number):
        return None
    return str(int(number))
