"""Segment rules: what they mean, and what is said about a bad one."""

import math

import pytest

from domain.errors import InvalidRule
from domain.segment_rule import Condition, Group
from domain.segments import OPERATORS, fields_of, matches, parse_rule, to_plain


def cond(field, operator, value=None):
    return {"field": field, "operator": operator, "value": value}


def group(*rules, combinator="and", negated=False):
    return {"combinator": combinator, "not": negated, "rules": list(rules)}


def holds(field, operator, value, actual):
    return matches(parse_rule(group(cond(field, operator, value))), {field: actual})


ONE_OF_EACH = [
    cond("order_count", "=", 3),
    cond("order_count", "!=", 3),
    cond("order_count", "<", 3),
    cond("order_count", "<=", 3),
    cond("order_count", ">", 3),
    cond("order_count", ">=", 3),
    cond("city", "contains", "er"),
    cond("city", "beginsWith", "Be"),
    cond("city", "endsWith", "lin"),
    cond("city", "doesNotContain", "er"),
    cond("city", "doesNotBeginWith", "Be"),
    cond("city", "doesNotEndWith", "lin"),
    cond("city", "null"),
    cond("city", "notNull"),
    cond("city", "in", ["Berlin", "Ulm, Donau"]),
    cond("city", "notIn", ["Berlin"]),
    cond("order_count", "between", [1, 3]),
    cond("order_count", "notBetween", [1, 3]),
]


def test_the_table_below_has_every_operator():
    assert [c["operator"] for c in ONE_OF_EACH] == list(OPERATORS)


@pytest.mark.parametrize("plain", ONE_OF_EACH, ids=lambda plain: plain["operator"])
def test_a_missing_value_fulfils_null_and_nothing_else(plain):
    rule = parse_rule(group(plain))
    for missing in ({}, {plain["field"]: None}, {plain["field"]: math.nan}):
        assert matches(rule, missing) == (plain["operator"] == "null")


@pytest.mark.parametrize("plain", ONE_OF_EACH, ids=lambda plain: plain["operator"])
def test_not_of_a_false_is_true_even_for_a_missing_value(plain):
    rule, turned = parse_rule(group(plain)), parse_rule(group(plain, negated=True))
    for profile in ({}, {plain["field"]: 3 if plain["field"] == "order_count" else "Berlin"}):
        assert matches(rule, profile) != matches(turned, profile)


@pytest.mark.parametrize(
    ("field", "operator", "value", "actual", "expected"),
    [
        ("order_count", "=", 3, 3.0, True),
        ("order_count", "=", "3", 3, True),  # what a text box sends
        ("order_count", ">", 3, 3, False),
        ("order_count", "between", [1, 3], 3, True),
        ("order_count", "between", "1, 3", 1, True),
        ("order_count", "notBetween", [1, 3], 4, True),
        ("order_count", "in", "1, 3", 3, True),
        ("city", "=", "Berlin", "berlin", False),  # case counts
        ("city", "contains", "ER", "Berlin", False),
        ("city", "contains", "rl", "Berlin", True),
        ("city", "beginsWith", "Be", "Berlin", True),
        ("city", "endsWith", "in", "Berlin", True),
        ("city", "doesNotContain", "rl", "Ulm", True),
        ("city", "=", "", "", True),
        ("city", "!=", "", "", False),
        ("city", "in", ["Ulm, Donau"], "Ulm, Donau", True),
        ("city", "in", "Ulm\\, Donau, Bonn", "Ulm, Donau", True),
        ("city", "in", "Ulm, Donau", "Donau", True),
        ("cart_abandoned", "=", True, True, True),
        ("cart_abandoned", "=", "true", True, True),
        ("cart_abandoned", "=", False, True, False),
        ("churn_percentile", ">=", 80, 80, True),
        ("clv_90_tier", "in", ["A", "B"], "B", True),
        ("trait_age", ">", "9", 18, True),  # put in order as numbers, not as text
        ("trait_age", ">", 9, "18", True),
        ("trait_age", "between", "9, 20", 18, True),
        ("trait_since", "<", "2024-05-01", "2024-04-30", True),
        ("trait_zip", "=", "12345", 12345, True),
        ("trait_zip", "=", 12345, "12345", True),
        ("trait_zip", "beginsWith", 12, "12345", True),
        ("trait_vip", "=", True, "true", True),
        ("trait_vip", "=", True, 1, False),
        ("trait_plan", "=", "pro", ["pro"], False),
        ("trait_plan", "notNull", None, ["pro"], True),
    ],
)
def test_what_a_condition_says(field, operator, value, actual, expected):
    assert holds(field, operator, value, actual) is expected


def test_groups_join_by_and_or_and_not():
    a, b = cond("order_count", ">", 0), cond("city", "=", "Bonn")
    bonn = {"order_count": 0, "city": "Bonn"}
    assert not matches(parse_rule(group(a, b)), bonn)
    assert matches(parse_rule(group(a, b, combinator="or")), bonn)
    assert matches(parse_rule(group(group(a, negated=True), b)), bonn)


def test_keys_of_the_builder_are_ignored_and_a_lone_condition_is_a_group():
    plain = {"id": "r-1", "combinator": "and", "rules": [cond("city", "null") | {"id": "c-1"}]}
    expected = Group("and", (Condition("city", "null"),))
    assert parse_rule(plain) == parse_rule(cond("city", "null")) == expected


def test_a_rule_survives_the_way_to_plain_and_back():
    rule = parse_rule(group(*ONE_OF_EACH, group(*ONE_OF_EACH, combinator="or", negated=True)))
    assert parse_rule(to_plain(rule)) == rule


def test_a_rule_tells_which_attributes_it_looks_at():
    assert fields_of(parse_rule(group(*ONE_OF_EACH))) == {"order_count", "city"}


BAD = [
    (7, ["rule: 7 must be an object: a group or a condition"]),
    ({"rules": []}, ["combinator: None must be 'and' or 'or'",
      "rules: must be a list of at least one condition; add one or drop the group"]),
    (group(cond("city", "null"), combinator="xor"), ["combinator: 'xor' must be 'and' or 'or'"]),
    (group(cond("city", "null"), negated="no"), ["not: 'no' must be true or false"]),
    (group("and"), ["rules[0]: 'and' must be an object: a group or a condition"]),
    (group(cond("order_cont", "=", 1)),
     ["rules[0].field: unknown attribute 'order_cont'; did you mean 'order_count'?"]),
    (group(cond(None, "=", 1)), ["rules[0].field: None must be the name of an attribute"]),
    (group(cond("city", "containz", "x")),
     ["rules[0].operator: unknown operator 'containz'; did you mean 'contains'?"]),
    (group(cond("city", 1, "x")),
     ["rules[0].operator: unknown operator 1; use one of " + ", ".join(OPERATORS)]),
    (group(cond("order_count", "=", "many")),
     ["rules[0].value: 'order_count' is compared as number; 'many' must be a number like 3"]),
    (group(cond("order_count", "=", math.nan)),
     ["rules[0].value: 'order_count' is compared as number; nan must be a number like 3"]),
    (group(cond("order_count", "=", True)),
     ["rules[0].value: 'order_count' is compared as number; True must be a number like 3"]),
    (group(cond("city", "=", 5)),
     ["rules[0].value: 'city' is compared as text; 5 must be a text like 'Lead'"]),
    (group(cond("city", "=", None)),
     ["rules[0].value: 'city' is compared as text; None must be a text like 'Lead'"]),
    (group(cond("cart_abandoned", "=", 1)),
     ["rules[0].value: 'cart_abandoned' is compared as boolean; 1 must be true or false"]),
    (group(cond("cart_abandoned", "<", True)),
     ["rules[0].operator: 'cart_abandoned' is compared as boolean, "
      "but '<' compares number or text"]),
    (group(cond("order_count", "contains", "1")),
     ["rules[0].operator: 'order_count' is compared as number, but 'contains' compares text"]),
    (group(cond("city", "contains", "")),
     ["rules[0].value: 'contains' needs a text to look for; the value is empty"]),
    (group(cond("city", "in", [])), ["rules[0].value: 'in' needs at least one value"]),
    (group(cond("city", "in", ["x"] * 1001)),
     ["rules[0].value: 1001 values are more than 1000; use a trait instead"]),
    (group(cond("city", "=", "x" * 1001)),
     ["rules[0].value: 1001 characters are more than 1000; shorten the value"]),
    (group(cond("city", "=", "\ud800")),
     ["rules[0].value: '\\ud800' holds half of a surrogate pair; send valid Unicode"]),
    (group(cond("order_count", "between", [1])),
     ["rules[0].value: 'between' needs two values, the lower and the upper; got 1"]),
    (group(cond("order_count", "between", [3, 1])),
     ["rules[0].value: 3.0 is above 1.0; give the lower value first"]),
    (group(cond("trait_x", "in", [True, "a"])),
     ["rules[0].value: 'trait_x' is compared as boolean; 'a' must be true or false"]),
    (group(cond("trait_x", "=", {"a": 1})),
     ["rules[0].value: 'trait_x' is compared as text; {'a': 1} must be a text like 'Lead'"]),
    (group(cond("city", "=", "country") | {"valueSource": "field"}),
     ["rules[0].valueSource: 'field' is not supported; compare with a value"]),
]  # fmt: skip


@pytest.mark.parametrize(("plain", "problems"), BAD, ids=lambda v: repr(v)[:60])
def test_a_bad_rule_is_named_with_its_place_and_the_cure(plain, problems):
    with pytest.raises(InvalidRule) as caught:
        parse_rule(plain)
    assert caught.value.problems == problems


def test_all_faults_of_a_rule_are_reported_together():
    plain = group(
        cond("order_cont", "containz", 1),
        group(cond("order_count", "in", ["a", 1, "b"]), combinator="nor"),
    )
    with pytest.raises(InvalidRule) as caught:
        parse_rule(plain)
    assert [problem.partition(":")[0] for problem in caught.value.problems] == [
        "rules[0].field",
        "rules[0].operator",
        "rules[1].combinator",
        "rules[1].rules[0].value",
        "rules[1].rules[0].value",
    ]
    assert caught.value.field == "rules[0].field"


def test_a_rule_has_at_most_200_conditions():
    parse_rule(group(*[cond("city", "null")] * 200))
    with pytest.raises(InvalidRule) as caught:
        parse_rule(group(*[cond("city", "null")] * 100_000))
    assert caught.value.problems == ["rule: has more than 200 conditions; split the segment"]


def test_groups_are_nested_at_most_8_deep():
    plain = cond("city", "null")
    for _ in range(8):
        plain = group(plain)
    parse_rule(plain)
    for _ in range(10_000):
        plain = group(plain)
    with pytest.raises(InvalidRule) as caught:
        parse_rule(plain)
    path = ".".join(["rules[0]"] * 8)
    assert caught.value.problems == [f"{path}: groups are nested deeper than 8; flatten the rule"]


def test_a_new_model_is_usable_in_a_rule_at_once():
    plain = group(cond("win_back_percentile", ">=", 90))
    assert matches(parse_rule(plain, {"win_back"}), {"win_back_percentile": 95})
    with pytest.raises(InvalidRule, match="unknown attribute 'win_back_percentile'"):
        parse_rule(plain)
