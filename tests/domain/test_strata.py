"""Strata: few groups of customers like this one; another word for decisions that learn."""

import pytest

from domain.catalogue import STAGES
from domain.strata import STRATA, stratum_of


@pytest.mark.parametrize(
    ("stage", "days", "expected"),
    [
        (None, None, "visitor/quiet"),
        ("New Visitor", 0, "visitor/fresh"),
        ("Lead", 7, "lead/fresh"),
        ("Prospect", 7.5, "lead/recent"),
        ("New Customer", 30, "customer/recent"),
        ("Engaged", 31, "customer/quiet"),
        ("Engaged", float("nan"), "customer/quiet"),
        ("Nonsense", 1, "visitor/fresh"),
    ],
)
def test_a_decision_stratum_joins_funnel_level_and_activity(stage, days, expected):
    assert stratum_of({"funnel_stage": stage, "days_since_last_event": days}) == expected


def test_every_profile_falls_in_one_of_nine_decision_strata():
    days = (None, 0, 7, 8, 30, 31, 1000)
    found = {
        stratum_of({"funnel_stage": stage, "days_since_last_event": d})
        for stage in (None, *STAGES)
        for d in days
    }
    assert found == set(STRATA) and len(STRATA) == 9
