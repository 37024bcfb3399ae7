"""A rule is a tree: conditions on attributes, joined by groups that `not` can turn around."""

from dataclasses import dataclass
from typing import Any

from domain.attributes import Value

COMBINATORS = ("and", "or")


@dataclass(frozen=True, slots=True)
class Operator:
    """One comparison: `base` is the positive form, `negated` says that this is its opposite.

    `takes` is how many values stand beside it: none, one, two or many.
    """

    name: str
    base: str
    takes: str = "one"
    negated: bool = False
    types: tuple[str, ...] = ("number", "text", "boolean")


_ORDERED = ("number", "text")
_WORDS = ("text",)

OPERATORS = {
    operator.name: operator
    for operator in (
        Operator("=", "="),
        Operator("!=", "=", negated=True),
        Operator("<", "<", types=_ORDERED),
        Operator("<=", "<=", types=_ORDERED),
        Operator(">", ">", types=_ORDERED),
        Operator(">=", ">=", types=_ORDERED),
        Operator("contains", "contains", types=_WORDS),
        Operator("beginsWith", "beginsWith", types=_WORDS),
        Operator("endsWith", "endsWith", types=_WORDS),
        Operator("doesNotContain", "contains", negated=True, types=_WORDS),
        Operator("doesNotBeginWith", "beginsWith", negated=True, types=_WORDS),
        Operator("doesNotEndWith", "endsWith", negated=True, types=_WORDS),
        Operator("null", "null", takes="none"),
        Operator("notNull", "null", takes="none", negated=True),
        Operator("in", "in", takes="many"),
        Operator("notIn", "in", takes="many", negated=True),
        Operator("between", "between", takes="two", types=_ORDERED),
        Operator("notBetween", "between", takes="two", negated=True, types=_ORDERED),
    )
}


@dataclass(frozen=True, slots=True)
class Condition:
    """One comparison of one attribute.

    `type` is how the attribute is read: number, text or boolean ('' for null and notNull).
    `values` are of that type: none, one, two (low, high), or any number for in and notIn.
    """

    field: str
    operator: str  # a key of OPERATORS
    type: str = ""
    values: tuple[Value, ...] = ()


@dataclass(frozen=True, slots=True)
class Group:
    """Rules joined by and / or; `negated` turns the answer of the whole group around."""

    combinator: str
    rules: "tuple[Group | Condition, ...]"
    negated: bool = False


Rule = Group | Condition


def to_plain(rule: Rule) -> dict[str, Any]:
    """Return the rule in react-querybuilder's shape; lists stay lists, so commas are safe."""
    if isinstance(rule, Condition):
        return {"field": rule.field, "operator": rule.operator, "value": plain_value(rule)}
    return {
        "combinator": rule.combinator,
        "not": rule.negated,
        "rules": [to_plain(part) for part in rule.rules],
    }


def plain_value(condition: Condition) -> Any:
    """Return what stands beside the operator: None, one value, or a list."""
    takes = OPERATORS[condition.operator].takes
    if takes == "none":
        return None
    return condition.values[0] if takes == "one" else list(condition.values)
