"""A segment is a rule over attributes: parse it once, then ask it of any profile.

The logic has two values. A missing value (see `domain.attributes`) fulfils `null` and nothing
else: `country != 'DE'` holds for those whose country is known and is another one. To take in the
unknown too, turn a group around: not (country = 'DE'), because `not` of a false is true.
Text is compared exactly, by code point; case counts everywhere. Both ends of `between` belong
to it. `domain.segment_sql` says the same in SQL.
"""

from collections.abc import Callable, Iterable, Mapping
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
    "test_of",
    "to_plain",
]

Profile = Mapping[str, object]
Test = Callable[[Profile], bool]
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


def matches(rule: Rule, profile: Profile) -> bool:
    """Return whether `profile` is in the segment."""
    return test_of(rule)(profile)


def test_of(rule: Rule) -> Test:
    """Return the rule as a test, for whoever asks it of many profiles."""
    if isinstance(rule, Condition):
        return _test_of(rule)
    tests, negated = [test_of(part) for part in rule.rules], rule.negated
    if rule.combinator == "and":
        return lambda profile: _all_hold(tests, profile) != negated
    return lambda profile: _any_holds(tests, profile) != negated


def fields_of(rule: Rule) -> frozenset[str]:
    """Return the attributes that the rule looks at."""
    if isinstance(rule, Condition):
        return frozenset({rule.field})
    return frozenset().union(*(fields_of(part) for part in rule.rules))


def _all_hold(tests: list[Test], profile: Profile) -> bool:
    for test in tests:  # noqa: SIM110 - a generator would take twice as long
        if not test(profile):
            return False
    return True


def _any_holds(tests: list[Test], profile: Profile) -> bool:
    for test in tests:  # noqa: SIM110
        if test(profile):
            return True
    return False


def _test_of(condition: Condition) -> Test:
    operator, field = OPERATORS[condition.operator], condition.field
    negated = operator.negated
    if operator.base == "null":
        return lambda profile: is_missing(profile.get(field)) != negated
    compare, as_type, given = _TESTS[operator.base], condition.type, condition.values

    def test(profile: Profile) -> bool:
        value = read(profile.get(field), as_type)
        return value is not None and compare(value, given) != negated

    return test
