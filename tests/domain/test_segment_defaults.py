"""The ten segments that every shop starts with."""

import pytest

from domain.catalogue import STAGES
from domain.errors import InvalidInput
from domain.segment_defaults import Segment, default_segments
from domain.segment_rule import Condition
from domain.segments import matches, parse_rule

EXAMPLES = {
    "active-visitors": ({"days_since_last_event": 3}, {"days_since_last_event": 31}),
    "leads": ({"funnel_stage": "Lead"}, {"funnel_stage": "Prospect"}),
    "prospects": ({"funnel_stage": "Prospect"}, {"funnel_stage": "Lead"}),
    "first-time-buyers": ({"order_count": 1}, {"order_count": 2}),
    "engaged": (
        {"funnel_stage": "Engaged", "days_since_last_event": 3},
        {"funnel_stage": "Engaged", "days_since_last_event": 300},
    ),
    "likely-to-churn": (
        {"churn_percentile": 80, "order_count": 1},
        {"churn_percentile": 80, "order_count": 0},
    ),
    "high-value": ({"clv_365_percentile": 80}, {"clv_365_percentile": 79}),
    "high-value-at-risk": (
        {"clv_365_percentile": 80, "churn": 0.6},
        {"clv_365_percentile": 80, "churn": 0.2},
    ),
    "cart-abandoners": ({"cart_abandoned": True}, {"cart_abandoned": False}),
    "dormant": ({"days_since_last_event": 181}, {"days_since_last_event": None}),
}


def test_there_are_ten_in_the_stated_order():
    assert [segment.key for segment in default_segments()] == list(EXAMPLES)


@pytest.mark.parametrize("segment", default_segments(), ids=lambda segment: segment.key)
def test_each_takes_in_one_and_leaves_out_another(segment):
    inside, outside = EXAMPLES[segment.key]
    assert matches(segment.rule, inside)
    assert not matches(segment.rule, outside)
    assert not matches(segment.rule, {})


@pytest.mark.parametrize("segment", default_segments(), ids=lambda segment: segment.key)
def test_each_survives_the_way_over_the_wire(segment):
    plain = segment.to_plain()
    again = Segment(plain["key"], plain["name"], plain["description"], parse_rule(plain["rule"]))
    assert again == segment


def test_they_name_only_stages_of_the_catalogue():
    conditions = [c for s in default_segments() for c in s.rule.rules if isinstance(c, Condition)]
    stages = {v for c in conditions if c.field == "funnel_stage" for v in c.values}
    assert stages and stages <= set(STAGES)


@pytest.mark.parametrize(
    ("key", "name", "message"),
    [
        ("x", "X", "segment key 'x' must have 2 to 60 of a-z, 0-9 and -"),
        ("Big Spenders", "X", "segment key 'Big Spenders' must have 2 to 60 of a-z, 0-9 and -"),
        ("big", " ", "segment 'big': the name must have 1 to 100 characters"),
    ],
)
def test_a_segment_with_a_bad_key_or_name_is_refused(key, name, message):
    with pytest.raises(InvalidInput) as caught:
        Segment(key, name, "", default_segments()[0].rule)
    assert caught.value.message == message
