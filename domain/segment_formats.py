"""Rules of jQuery QueryBuilder can be brought in and given back without losing anything."""

from collections.abc import Iterable
from typing import Any

from domain.attributes import DEFAULT_MODELS, Value, attribute_named
from domain.segment_parser import Dialect, parse
from domain.segment_rule import Condition, Group, Rule, plain_value

_NAMES = {  # theirs -> ours
    "equal": "=",
    "not_equal": "!=",
    "in": "in",
    "not_in": "notIn",
    "less": "<",
    "less_or_equal": "<=",
    "greater": ">",
    "greater_or_equal": ">=",
    "between": "between",
    "not_between": "notBetween",
    "begins_with": "beginsWith",
    "not_begins_with": "doesNotBeginWith",
    "contains": "contains",
    "not_contains": "doesNotContain",
    "ends_with": "endsWith",
    "not_ends_with": "doesNotEndWith",
    "is_null": "null",
    "is_not_null": "notNull",
}
_THEIRS = {ours: theirs for theirs, ours in _NAMES.items()}
_EMPTY: dict[str, tuple[str, Value | None]] = {"is_empty": ("=", ""), "is_not_empty": ("!=", "")}
_TYPES = {"number": "double", "text": "string", "boolean": "boolean", "any": "string"}

JQUERY = Dialect(
    combinator_key="condition",
    combinators={"AND": "and", "OR": "or"},
    field_keys=("field", "id"),
    operators={theirs: (ours, None) for theirs, ours in _NAMES.items()} | _EMPTY,
)


def from_jquery(plain: object, known_models: Iterable[str] = DEFAULT_MODELS) -> Group:
    """Read a rule in jQuery QueryBuilder's shape, or raise InvalidRule with every fault in it."""
    return parse(plain, JQUERY, known_models)


def to_jquery(rule: Rule, known_models: Iterable[str] = DEFAULT_MODELS) -> dict[str, Any]:
    """Return the rule in jQuery QueryBuilder's shape."""
    models = frozenset(known_models)
    if isinstance(rule, Condition):
        return _condition(rule, models)
    return {
        "condition": rule.combinator.upper(),
        "not": rule.negated,
        "rules": [to_jquery(part, models) for part in rule.rules],
    }


def _condition(condition: Condition, models: frozenset[str]) -> dict[str, Any]:
    operator, value = _THEIRS[condition.operator], plain_value(condition)
    if value == "" and condition.operator in ("=", "!="):
        operator, value = ("is_empty" if condition.operator == "=" else "is_not_empty"), None
    attribute = attribute_named(condition.field, models)
    kind = condition.type or (attribute.type if attribute else "any")
    return {
        "id": condition.field,
        "field": condition.field,
        "type": _TYPES[kind],
        "operator": operator,
        "value": value,
    }
