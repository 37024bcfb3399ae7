"""The vocabulary of segments: features, traits and scores, and how a value is read."""

import math

import pytest

from domain.attributes import attribute_named, attributes, is_missing, read, suggestion
from domain.errors import InvalidInput
from domain.features import FEATURES


def test_every_feature_is_an_attribute_with_its_type_and_meaning():
    words = attributes()
    for feature in FEATURES:
        assert (words[feature.name].type, words[feature.name].meaning) == (
            feature.type,
            feature.meaning,
        )


def test_every_model_brings_a_number_a_percentile_and_a_tier():
    words = attributes({"win_back"})
    assert [words[n].type for n in ("win_back", "win_back_percentile", "win_back_tier")] == [
        "number",
        "number",
        "text",
    ]
    assert "churn" not in words


def test_the_models_of_the_house_are_known_by_default():
    for model in ("lead_score", "churn", "clv_90", "clv_365"):
        assert attribute_named(f"{model}_tier") is not None


@pytest.mark.parametrize("name", ["trait_plan", "trait_a1_b", "trait_" + "x" * 60])
def test_a_trait_is_an_attribute_of_any_type(name):
    found = attribute_named(name)
    assert found is not None and found.type == "any"


@pytest.mark.parametrize("name", ["trait_", "trait_Plan", "trait_a b", "trait_" + "x" * 61, "plan"])
def test_a_trait_name_outside_the_alphabet_is_unknown(name):
    assert attribute_named(name) is None


def test_the_nearest_name_is_suggested():
    assert suggestion("order_cont", attributes()) == "; did you mean 'order_count'?"
    assert suggestion("zzzzzz", attributes()) == ""


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (
            "order_count",
            "model 'order_count': the attribute 'order_count' exists; rename the model",
        ),
        (
            "Win Back",
            "model name 'Win Back' must have 1 to 60 of a-z, 0-9 and _, start with a letter "
            "and not with 'trait_'",
        ),
        (
            "trait_x",
            "model name 'trait_x' must have 1 to 60 of a-z, 0-9 and _, start with a letter "
            "and not with 'trait_'",
        ),
    ],
)
def test_a_model_name_that_would_confuse_is_refused(model, message):
    with pytest.raises(InvalidInput) as caught:
        attributes({model})
    assert caught.value.message == message


@pytest.mark.parametrize("value", [None, math.nan, math.inf, -math.inf])
def test_none_and_numbers_that_are_not_finite_are_missing(value):
    assert is_missing(value)
    assert [read(value, kind) for kind in ("number", "text", "boolean")] == [None, None, None]


@pytest.mark.parametrize("value", ["", 0, False, "nan", 10**400])
def test_nothing_else_is_missing(value):
    assert not is_missing(value)


@pytest.mark.parametrize(
    ("value", "number", "text", "boolean"),
    [
        (42, 42.0, "42", None),
        (42.0, 42.0, "42", None),
        ("42", 42.0, "42", None),
        (-0.0, 0.0, "0", None),
        (0.5, 0.5, None, None),
        ("-0.5", -0.5, "-0.5", None),
        (1e15, 1e15, None, None),
        (10**400, None, None, None),
        ("1e3", None, "1e3", None),
        (" 42", None, " 42", None),
        ("\u0664\u0662", None, "\u0664\u0662", None),  # Arabic digits
        ("1" * 16, None, "1" * 16, None),
        (True, None, "true", True),
        ("false", None, "false", False),
        ("True", None, "True", None),
        (["a"], None, None, None),
    ],
)
def test_a_value_is_read_by_one_stated_rule(value, number, text, boolean):
    read_as = [read(value, kind) for kind in ("number", "text", "boolean")]
    assert read_as == [number, text, boolean]
