"""Law: the in-process evaluator and the SQL of the same rule agree on every profile."""

import math

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.attributes import is_missing
from domain.errors import InvalidRule
from domain.segment_rule import OPERATORS, Condition
from domain.segment_sql import to_sql
from domain.segments import Group, matches, parse_rule, to_plain

# Few letters, so that rules and profiles meet; with commas, quotes, wildcards, case pairs, marks.
WORDS = st.one_of(
    st.text(alphabet="aAbß%_,'\"\\ ?ÄäİıĀ\u0301\x00\n€🙂", max_size=4),
    st.sampled_from(
        ["", "Lead", "lead", "1", "1.0", "01", "-0", "1e3", "true", "True", "nan", " 1"]
    ),
    st.text(alphabet=st.characters(exclude_categories=("Cs",)), max_size=8),
)
NUMBERS = st.one_of(
    st.sampled_from([0.0, -0.0, 1.0, 0.1, 0.1 + 0.2, 0.3, 1e308, 5e-324, -1e308, 2.0**53, 1e15]),
    st.integers(-3, 3).map(float),
    st.floats(allow_nan=False, allow_infinity=False),
)
WHOLE = st.one_of(
    st.integers(-3, 3),
    st.integers(-(2**63), 2**63 - 1),
    st.sampled_from([2**53, 2**53 + 1, 10**15, 10**15 - 1, -(10**15) + 1]),
)
OPEN_NUMBERS = NUMBERS | st.sampled_from([math.nan, math.inf, -math.inf])
STORED = {"DOUBLE": OPEN_NUMBERS, "BIGINT": WHOLE, "VARCHAR": WORDS, "BOOLEAN": st.booleans()}
RULED = {"number": NUMBERS, "text": WORDS, "boolean": st.booleans()}
FIELDS = {
    "order_count": ("number", "DOUBLE"),
    "churn": ("number", "DOUBLE"),
    "event_count": ("number", "BIGINT"),
    "funnel_stage": ("text", "VARCHAR"),
    "cart_abandoned": ("boolean", "BOOLEAN"),
    "trait_double": ("any", "DOUBLE"),
    "trait_whole": ("any", "BIGINT"),
    "trait_text": ("any", "VARCHAR"),
    "trait_flag": ("any", "BOOLEAN"),
    "trait_absent": ("any", ""),
}
COLUMNS = {name: stored for name, (_, stored) in FIELDS.items() if stored}


@st.composite
def conditions(draw):
    """Draw a condition that parse_rule accepts."""
    field = draw(st.sampled_from(sorted(FIELDS)))
    operator = OPERATORS[draw(st.sampled_from(sorted(OPERATORS)))]
    kind = FIELDS[field][0]
    kind = draw(st.sampled_from(operator.types)) if kind == "any" else kind
    if operator.takes == "none" or kind not in operator.types:
        return {"field": field, "operator": draw(st.sampled_from(["null", "notNull"]))}
    words = WORDS.filter(bool) if operator.types == ("text",) else RULED[kind]
    counts = {"one": (1, 1), "two": (2, 2), "many": (1, 4)}[operator.takes]
    values = draw(st.lists(words, min_size=counts[0], max_size=counts[1]))
    value = values[0] if operator.takes == "one" else values
    if operator.takes == "two":
        ordered = [float(v) for v in values] if kind == "number" else values
        value = sorted(ordered)
    return {"field": field, "operator": operator.name, "value": value}


def groups(parts):
    return st.fixed_dictionaries(
        {
            "combinator": st.sampled_from(["and", "or"]),
            "not": st.booleans(),
            "rules": st.lists(parts, min_size=1, max_size=4),
        }
    )


RULES = groups(st.recursive(conditions(), groups, max_leaves=6))
PROFILES = st.lists(
    st.fixed_dictionaries({name: st.none() | STORED[kind] for name, kind in COLUMNS.items()}),
    min_size=1,
    max_size=5,
)


@pytest.fixture(scope="module")
def duck():
    with duckdb.connect() as connection:
        columns = ", ".join(f'"{name}" {kind}' for name, kind in COLUMNS.items())
        connection.execute(f"CREATE TABLE profiles (number INTEGER, {columns})")
        yield connection


def put(duck, profiles):
    duck.execute("DELETE FROM profiles")
    marks = ", ".join("?" * (1 + len(COLUMNS)))
    rows = ", ".join(f"({marks})" for _ in profiles)
    values = [v for number, p in enumerate(profiles) for v in (number, *(p[c] for c in COLUMNS))]
    duck.execute(f"INSERT INTO profiles VALUES {rows}", values)


def found_by_sql(duck, rule):
    where, params = to_sql(rule, COLUMNS)
    found = duck.execute(f"SELECT number FROM profiles WHERE {where}", params).fetchall()
    return {number for (number,) in found}


def chosen_by_sql(duck, rule, profiles):
    put(duck, profiles)
    return found_by_sql(duck, rule)


def chosen_in_process(rule, profiles):
    return {number for number, profile in enumerate(profiles) if matches(rule, profile)}


@given(plain=RULES, profiles=PROFILES)
def test_the_evaluator_and_the_sql_choose_the_same_profiles(duck, plain, profiles):
    try:
        rule = parse_rule(plain)
    except InvalidRule as fault:  # e.g. text that reads as numbers in falling order
        assert all("give the lower value first" in problem for problem in fault.problems)
        return
    assert chosen_by_sql(duck, rule, profiles) == chosen_in_process(rule, profiles)


@given(plain=conditions(), profiles=PROFILES)
def test_they_agree_on_every_single_condition(duck, plain, profiles):
    try:
        rule = parse_rule(plain)
    except InvalidRule:
        return
    assert chosen_by_sql(duck, rule, profiles) == chosen_in_process(rule, profiles)


SOME_WORDS = ["", "a", "b", "ab", "ba", "aba", "A", "%", "ä", "a\u0308", "🙂", "1", "10", "true"]
SOME_NUMBERS = [-1.0, -0.0, 0.0, 0.5, 1.0, 10.0, 1e300, math.nan, math.inf]


def every_condition(field, operator, values):
    """Return the operator with every value, or every pair of values, that parse_rule accepts."""
    found = []
    for low in values:
        for high in values if operator.takes in ("two", "many") else [low]:
            value = low if operator.takes == "one" else [low, high]
            try:
                found.append(
                    parse_rule({"field": field, "operator": operator.name, "value": value})
                )
            except InvalidRule:
                continue
    return found


@pytest.mark.parametrize("operator", OPERATORS.values(), ids=lambda operator: operator.name)
@pytest.mark.parametrize(
    ("field", "values"), [("trait_text", SOME_WORDS), ("trait_double", SOME_NUMBERS)]
)
def test_they_agree_on_every_pair_of_some_telling_values(duck, field, values, operator):
    nothing = {name: None for name in COLUMNS}
    profiles = [nothing | {field: value} for value in (None, *values)]
    put(duck, profiles)
    for rule in every_condition(field, operator, values):
        assert found_by_sql(duck, rule) == chosen_in_process(rule, profiles), rule


@given(plain=RULES)
def test_every_rule_survives_the_way_to_plain_and_back(plain):
    try:
        rule = parse_rule(plain)
    except InvalidRule:
        return
    assert parse_rule(to_plain(rule)) == rule


def as_stored(value):
    """Write a trait of mixed types into a text column."""
    if is_missing(value) or isinstance(value, str):
        return None if is_missing(value) else value
    return str(value).lower() if isinstance(value, bool) else str(value)


@given(
    value=st.none() | WORDS | st.booleans() | st.integers(-(10**15) + 1, 10**15 - 1),
    plain=conditions(),
)
def test_it_does_not_matter_that_a_trait_of_mixed_types_is_kept_as_text(duck, value, plain):
    try:
        rule = parse_rule(plain | {"field": "trait_text"})
    except InvalidRule:
        return
    profile = {name: None for name in COLUMNS}
    by_sql = chosen_by_sql(duck, rule, [profile | {"trait_text": as_stored(value)}])
    assert by_sql == chosen_in_process(rule, [{"trait_text": value}])


@pytest.mark.parametrize("kind", ["TINYINT", "UBIGINT", "HUGEINT", "FLOAT", "DECIMAL(18,3)"])
def test_every_numeric_column_type_is_read_as_a_number(duck, kind):
    rule = parse_rule({"field": "order_count", "operator": "=", "value": 3})
    where, params = to_sql(rule, {"order_count": kind})
    sql = f"SELECT {where} FROM (SELECT CAST(3 AS {kind}) AS order_count)"
    assert duck.execute(sql, params).fetchone() == (True,)


@pytest.mark.parametrize("plain_type", ["number", "text"])
def test_a_trait_column_of_another_type_is_present_but_fulfils_no_comparison(duck, plain_type):
    value = {"number": 1, "text": "a"}[plain_type]
    for operator, expected in (("=", False), ("!=", False), ("notNull", True), ("null", False)):
        rule = parse_rule({"field": "trait_x", "operator": operator, "value": value})
        where, params = to_sql(rule, {"trait_x": "VARCHAR[]"})
        row = duck.execute(f"SELECT {where} FROM (SELECT ['a'] AS trait_x)", params).fetchone()
        assert row == (expected,)


def test_an_enum_column_is_text(duck):
    rule = parse_rule({"field": "clv_90_tier", "operator": "in", "value": ["A", "no tier"]})
    where, params = to_sql(rule, {"clv_90_tier": "ENUM('A', 'B')"})
    row = duck.execute(
        f"SELECT {where} FROM (SELECT CAST('A' AS ENUM('A', 'B')) AS clv_90_tier)", params
    ).fetchone()
    assert row == (True,)


def test_values_travel_as_parameters_only():
    evil = "x' OR 1=1 --"
    rule = parse_rule({"field": "city", "operator": "in", "value": [evil, "y"]})
    where, params = to_sql(rule, {"city": "VARCHAR"})
    assert where == '(coalesce((CAST("city" AS VARCHAR) IN (?, ?)), false))'
    assert params == [evil, "y"]


def test_an_attribute_without_a_column_is_missing_for_everybody():
    rule = parse_rule(
        {
            "combinator": "or",
            "rules": [
                {"field": "city", "operator": "=", "value": "x"},
                {"field": "city", "operator": "null"},
            ],
        }
    )
    assert to_sql(rule, {}) == ("(false OR true)", [])


def test_a_name_that_is_no_identifier_is_refused():
    rule = Group("and", (Condition('a" OR 1=1', "null"),))
    with pytest.raises(InvalidRule) as caught:
        to_sql(rule, {})
    assert caught.value.problems == [
        "field: attribute 'a\" OR 1=1' must have 1 to 100 of a-z, 0-9 and _"
    ]
