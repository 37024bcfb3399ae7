"""jQuery QueryBuilder's rules come in and go out without losing anything."""

import pytest

from domain.errors import InvalidRule
from domain.segment_formats import JQUERY, from_jquery, to_jquery
from domain.segment_rule import OPERATORS
from domain.segments import matches, parse_rule

EXPORTED = {
    "condition": "AND",
    "not": False,
    "rules": [
        {
            "id": "city",
            "field": "city",
            "type": "string",
            "operator": "equal",
            "value": "Ulm, Donau",
        },
        {"id": "city", "field": "city", "type": "string", "operator": "is_empty", "value": None},
        {
            "id": "city",
            "field": "city",
            "type": "string",
            "operator": "is_not_empty",
            "value": None,
        },
        {"id": "city", "field": "city", "type": "string", "operator": "is_null", "value": None},
        {"id": "city", "field": "city", "type": "string", "operator": "in", "value": ["a", "b"]},
        {
            "condition": "OR",
            "not": True,
            "rules": [
                {
                    "id": "churn",
                    "field": "churn",
                    "type": "double",
                    "operator": "between",
                    "value": [0.5, 1.0],
                },
                {
                    "id": "trait_vip",
                    "field": "trait_vip",
                    "type": "boolean",
                    "operator": "not_equal",
                    "value": True,
                },
            ],
        },
    ],
}


def test_a_rule_of_jquery_querybuilder_goes_in_and_out_unchanged():
    assert to_jquery(from_jquery(EXPORTED)) == EXPORTED


@pytest.mark.parametrize("name", sorted(OPERATORS))
def test_every_operator_of_ours_survives_the_round_trip(name):
    value = {"none": None, "one": "a", "two": ["a", "b"], "many": ["a", "b, c"]}
    plain = {"field": "trait_x", "operator": name, "value": value[OPERATORS[name].takes]}
    rule = parse_rule(plain)
    assert from_jquery(to_jquery(rule)) == rule


def test_every_operator_of_theirs_is_known():
    theirs = (
        "equal not_equal in not_in less less_or_equal greater greater_or_equal between not_between "
        "begins_with not_begins_with contains not_contains ends_with not_ends_with is_null "
        "is_not_null is_empty is_not_empty"
    )
    assert set(JQUERY.operators) == set(theirs.split())


def test_is_empty_means_an_empty_text_and_not_a_missing_one():
    rule = from_jquery({"id": "city", "operator": "is_empty", "value": None})
    assert matches(rule, {"city": ""})
    assert not matches(rule, {"city": None})


def test_faults_are_reported_together_in_their_words():
    plain = {
        "condition": "and",
        "rules": [
            {"id": "citty", "operator": "equal", "value": "x"},
            {"id": "x", "field": "order_count", "operator": "equals", "value": 1},
            {"id": "order_count", "operator": "less", "value": "x"},
        ],
    }
    with pytest.raises(InvalidRule) as caught:
        from_jquery(plain)
    assert caught.value.problems == [
        "condition: 'and' must be 'AND' or 'OR'",
        "rules[0].id: unknown attribute 'citty'; did you mean 'city'?",
        "rules[1].operator: unknown operator 'equals'; did you mean 'equal'?",
        "rules[2].value: 'order_count' is compared as number; 'x' must be a number like 3",
    ]
