"""The action catalogue: what ships, and what is said about a bad row."""

import pytest

from domain.actions import Action, builtin_actions, parse_actions
from domain.errors import InvalidAction
from domain.segment_defaults import default_segments

GOOD = """
[[action]]
key = "coupon"
title = "Coupon"
channel = "email"
message = "10 % off"
value = 20.0
cost = 2
prior_rate = 0.05
success_kinds = ["purchase"]
"""


def test_a_short_row_is_filled_with_the_defaults():
    (action,) = parse_actions(GOOD, "actions.toml")
    assert action == Action(
        key="coupon",
        title="Coupon",
        channel="email",
        message="10 % off",
        value=20.0,
        cost=2,
        prior_rate=0.05,
        success_kinds=("purchase",),
        prior_strength=50.0,
        segment=None,
        consent_purpose=None,
        cool_down_days=7.0,
        success_window_days=7.0,
        priority=0,
        enabled=True,
    )


def test_eight_actions_ship_and_point_at_segments_that_ship():
    actions = builtin_actions()
    assert len(actions) == 8
    assert {a.segment for a in actions if a.segment} <= {s.key for s in default_segments()}


def test_every_shipped_action_pays_at_its_expected_rate():
    for action in builtin_actions():
        assert action.prior_rate * action.value > action.cost, action.key


def test_every_shipped_email_needs_consent_to_marketing():
    for action in builtin_actions():
        assert (action.consent_purpose == "marketing") == (action.channel == "email"), action.key


def test_an_empty_catalogue_is_allowed():
    assert parse_actions("", "actions.toml") == ()


def test_an_action_goes_over_the_wire_with_its_kinds_as_a_list():
    (action,) = parse_actions(GOOD, "actions.toml")
    assert action.to_plain()["success_kinds"] == ["purchase"]


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ('key = "coupon"', 'key = "a b"', "'a b': key 'a b' must be 2 to 60 of a-z, 0-9, _ and -"),
        (
            'key = "coupon"\n',
            "",
            "number 1: key is missing; it must be 2 to 60 of a-z, 0-9, _ and -",
        ),
        (
            '"email"',
            '"fax"',
            "'coupon': channel 'fax' must be one of web, app, email, sms, push, store, ads, "
            "phone, other",
        ),
        ("value = 20.0", "value = -1", "'coupon': value -1 must be a number of 0 or more"),
        ("value = 20.0", "value = nan", "'coupon': value nan must be a number of 0 or more"),
        ("cost = 2", "cost = true", "'coupon': cost True must be a number of 0 or more"),
        ("0.05", "5", "'coupon': prior_rate 5 must be a number of 0 to 1"),
        ("0.05", '"high"', "'coupon': prior_rate 'high' must be a number of 0 to 1"),
        ('["purchase"]', "[]", "'coupon': success_kinds () must be a list of event kinds"),
        (
            '["purchase"]',
            '["purchas"]',
            "'coupon': success_kinds: unknown event kind 'purchas'; did you mean 'purchase'?",
        ),
        (
            "cost = 2",
            "cost = 2\ncooldown_days = 3",
            "'coupon': unknown key 'cooldown_days'; did you mean 'cool_down_days'?",
        ),
        ("cost = 2", "cost = 2\nzzz = 3", "'coupon': unknown key 'zzz'; remove it"),
        (
            "cost = 2",
            'cost = 2\nconsent_purpose = "any"',
            "'coupon': consent_purpose 'any' must be one of marketing, or be left out",
        ),
        (
            "cost = 2",
            'cost = 2\nsegment = "High Value"',
            "'coupon': segment 'High Value' must be the key of a segment",
        ),
        ("cost = 2", 'cost = 2\nenabled = "no"', "'coupon': enabled 'no' must be true or false"),
        ("cost = 2", "cost = 2\npriority = 1.5", "'coupon': priority 1.5 must be a whole number"),
        (
            "cost = 2",
            "cost = 2\ncool_down_days = -1",
            "'coupon': cool_down_days -1 must be a number of 0 to 3650",
        ),
    ],
)
def test_a_bad_row_is_named_with_its_value_and_the_cure(old, new, fault):
    assert old in GOOD
    with pytest.raises(InvalidAction) as caught:
        parse_actions(GOOD.replace(old, new), "actions.toml")
    assert caught.value.message == f"actions.toml: action {fault}"


def test_all_faults_are_reported_together():
    text = GOOD.replace("value = 20.0", "value = -1").replace("cost = 2", "cots = 2") + GOOD
    with pytest.raises(InvalidAction) as caught:
        parse_actions(text, "actions.toml")
    assert caught.value.message.split("; ") == [
        "actions.toml: action 'coupon': unknown key 'cots'",
        "did you mean 'cost'?",
        "actions.toml: action 'coupon': cost is missing",
        "it must be a number of 0 or more",
        "actions.toml: action 'coupon': value -1 must be a number of 0 or more",
        "actions.toml: the action 'coupon' stands there twice",
        "keep one",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("actions = []", "actions.toml: 'actions' is not an [[action]] table; keep only those"),
        ("action = 3", "actions.toml: 'action' is not an [[action]] table; keep only those"),
    ],
)
def test_a_file_of_another_shape_is_refused(text, message):
    with pytest.raises(InvalidAction) as caught:
        parse_actions(text, "actions.toml")
    assert caught.value.message == message


def test_a_file_that_is_not_toml_is_refused():
    with pytest.raises(InvalidAction, match=r"^actions\.toml is not valid TOML: .+line 1"):
        parse_actions("key = = 1", "actions.toml")


def test_kinds_of_ones_own_catalogue_can_be_a_success():
    text = GOOD.replace("purchase", "Test Drive")
    (action,) = parse_actions(text, "actions.toml", known_kinds={"Test Drive"})
    assert action.success_kinds == ("Test Drive",)


def test_an_action_made_in_code_is_checked_too():
    (action,) = parse_actions(GOOD, "actions.toml")
    with pytest.raises(InvalidAction, match="action 'coupon': cost -1 must be a number of 0 or"):
        Action(**(action.to_plain() | {"success_kinds": ("purchase",), "cost": -1}))
