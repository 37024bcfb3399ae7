"""Reading a rule checks all of it and reports every fault at once, with its place."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from domain.attributes import Attribute, Value, attribute_named, attributes, suggestion
from domain.errors import InvalidRule
from domain.segment_rule import OPERATORS, Condition, Group, Operator, Rule
from domain.segment_values import read_values

MAX_DEPTH = 8  # groups within groups, the outermost included
MAX_CONDITIONS = 200


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one query builder spells a rule.

    `operators` maps its spelling to ours and, for an operator with a fixed value (is_empty), that
    value.
    """

    combinator_key: str
    combinators: Mapping[str, str]
    field_keys: tuple[str, ...]
    operators: Mapping[str, tuple[str, Value | None]]


NATIVE = Dialect(
    combinator_key="combinator",
    combinators={"and": "and", "or": "or"},
    field_keys=("field",),
    operators={name: (name, None) for name in OPERATORS},
)


def parse(plain: object, dialect: Dialect, models: Iterable[str]) -> Group:
    """Return the rule, a lone condition as a group, or raise InvalidRule with all its faults."""
    reader = _Reader(dialect, frozenset(models))
    rule = reader.node(plain, "", 1)
    if reader.conditions > MAX_CONDITIONS:
        reader.fault("rule", f"has more than {MAX_CONDITIONS} conditions; split the segment")
    if rule is None or reader.problems:
        raise InvalidRule(reader.problems, field=reader.problems[0].partition(":")[0])
    return rule if isinstance(rule, Group) else Group("and", (rule,))


def _at(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


class _Reader:
    """Walks a rule once and collects its faults."""

    def __init__(self, dialect: Dialect, models: frozenset[str]) -> None:
        self.dialect = dialect
        self.models = models
        self.problems: list[str] = []
        self.conditions = 0

    def fault(self, path: str, sentence: str) -> None:
        self.problems.append(f"{path}: {sentence}")

    def node(self, plain: object, path: str, depth: int) -> Rule | None:
        if not isinstance(plain, Mapping):
            self.fault(path or "rule", f"{plain!r:.40} must be an object: a group or a condition")
            return None
        if "rules" in plain:
            return self.group(plain, path, depth)
        self.conditions += 1
        return self.condition(plain, path) if self.conditions <= MAX_CONDITIONS else None

    def group(self, plain: Mapping[str, Any], path: str, depth: int) -> Group | None:
        if depth > MAX_DEPTH:
            self.fault(path, f"groups are nested deeper than {MAX_DEPTH}; flatten the rule")
            return None
        combinator = self.combinator(plain, path)
        negated = self.negated(plain, path)
        rules = self.members(plain["rules"], _at(path, "rules"), depth)
        return Group(combinator, rules, negated)

    def combinator(self, plain: Mapping[str, Any], path: str) -> str:
        key, known = self.dialect.combinator_key, self.dialect.combinators
        given = plain.get(key)
        if isinstance(given, str) and given in known:
            return known[given]
        self.fault(_at(path, key), f"{given!r:.40} must be {' or '.join(map(repr, known))}")
        return "and"

    def negated(self, plain: Mapping[str, Any], path: str) -> bool:
        given = plain.get("not")
        if given is None or isinstance(given, bool):
            return bool(given)
        self.fault(_at(path, "not"), f"{given!r:.40} must be true or false")
        return False

    def members(self, plain: object, path: str, depth: int) -> tuple[Rule, ...]:
        if not isinstance(plain, list | tuple) or not plain:
            self.fault(path, "must be a list of at least one condition; add one or drop the group")
            return ()
        found = []
        for number, part in enumerate(plain):
            found.append(self.node(part, f"{path}[{number}]", depth + 1))
            if self.conditions > MAX_CONDITIONS:
                break
        return tuple(rule for rule in found if rule is not None)

    def condition(self, plain: Mapping[str, Any], path: str) -> Condition | None:
        attribute = self.attribute(plain, path)
        operator, fixed = self.operator(plain, path)
        if plain.get("valueSource", "value") != "value":
            self.fault(
                _at(path, "valueSource"),
                f"{plain['valueSource']!r:.40} is not supported; compare with a value",
            )
        if attribute is None or operator is None:
            return None
        given = plain.get("value") if fixed is None else fixed
        read = read_values(attribute, operator, given)
        for sentence in read.faults:
            self.fault(_at(path, read.key), sentence)
        if read.faults:
            return None
        return Condition(attribute.name, operator.name, read.type, read.values)

    def attribute(self, plain: Mapping[str, Any], path: str) -> Attribute | None:
        key = next((k for k in self.dialect.field_keys if k in plain), self.dialect.field_keys[0])
        name = plain.get(key)
        if not isinstance(name, str) or not name:
            self.fault(_at(path, key), f"{name!r:.40} must be the name of an attribute")
            return None
        found = attribute_named(name, self.models)
        if found is None:
            near = suggestion(name, attributes(self.models))
            self.fault(_at(path, key), f"unknown attribute {name[:80]!r}{near}")
        return found

    def operator(
        self, plain: Mapping[str, Any], path: str
    ) -> tuple[Operator, Value | None] | tuple[None, None]:
        known, given = self.dialect.operators, plain.get("operator")
        if isinstance(given, str) and given in known:
            name, fixed = known[given]
            return OPERATORS[name], fixed
        near = suggestion(given, known) if isinstance(given, str) else ""
        cure = near or f"; use one of {', '.join(known)}"
        self.fault(_at(path, "operator"), f"unknown operator {given!r:.40}{cure}")
        return None, None
