"""A segment is a rule over attributes: parse it once, then ask it of any profile.

The logic has two values. A missing value (see `domain.attributes`) fulfils `null` and nothing
else: `country != 'DE'` holds for those whose country is known and is another one. To take in the
unknown too, turn a group around: not (country = 'DE'), because `not` of a false is true.
Text is compared exactly, by code point; case counts everywhere. Both ends of `between` belong
to it. `domain.segment_sql` says the same in SQL.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any

from domain.attributes import DEFAULT_MODELS, is_missing, read
from domain.segment_parser import MAX_CONDITIONS, MAX_DEPTH, NATIVE, parse
from domain.segment_rule import OPERATORS, Condition, Group, Rule, to_plain

__all__ = [
    "MAX_CONDITIONS",
    "MAX_DEPTH",
    "OPERATORS",
    "Condition",
    "Group",
    "Rule",
    "fields_of",
    "matches",
    "parse_rule",
    "to_plain",
]

_TESTS: dict[str, Callable[[Any, tuple[Any, ...]], bool]] = {
    "=": lambda value, given: value == given[0],
    "<": lambda value, given: value < given[0],
    "<=": lambda value, given: value <= given[0],
    ">": lambda value, given: value > given[0],
    ">=": lambda value, given: value >= given[0],
    "contains": lambda value, given: given[0] in value,
    "beginsWith": lambda value, given: value.startswith(given[0]),
    "endsWith": lambda value, given: value.endswith(given[0]),
    "in": lambda value, given: value in given,
    "between": lambda value, given: given[0] <= value <= given[1],
}


def parse_rule(plain: object, known_models: Iterable[str] = DEFAULT_MODELS) -> Group:
    """Read a rule in react-querybuilder's shape, or raise InvalidRule with every fault in it.

    Keys that a builder adds for itself, such as "id", are ignored.
    """
    return parse(plain, NATIVE, known_models)


def matches(rule: Rule, profile: Mapping[str, object]) -> bool:
    """Return whether `profile` is in the segment."""
    if isinstance(rule, Condition):
        return _holds(rule, profile.get(rule.field))
    test = all if rule.combinator == "and" else any
    return test(matches(part, profile) for part in rule.rules) != rule.negated


@lru_cache(maxsize=4_096)
def fields_of(rule: Rule) -> frozenset[str]:
    """Return the attributes that the rule looks at."""
    if isinstance(rule, Condition):
        return frozenset({rule.field})
    return frozenset().union(*(fields_of(part) for part in rule.rules))


def _holds(condition: Condition, given: object) -> bool:
    operator = OPERATORS[condition.operator]
    if operator.base == "null":
        return is_missing(given) != operator.negated
    value = read(given, condition.type)
    return value is not None and _TESTS[operator.base](value, condition.values) != operator.negated
