"""The next best action: who may be asked, what is chosen, and when silence wins."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.actions import Action
from domain.decisions import Candidate, Refusal, decide, eligible
from domain.errors import InvalidInput

NAN = float("nan")
NOON = datetime(2024, 5, 10, 12, tzinfo=UTC)


def action(key="coupon", **changes):
    defaults = {
        "title": key.title(),
        "channel": "email",
        "message": "hello",
        "value": 20.0,
        "cost": 2.0,
        "prior_rate": 0.05,
        "success_kinds": ("purchase",),
    }
    return Action(**({"key": key} | defaults | changes))


def candidate(p, key="coupon", shown=1000, spread=0.0, **changes):
    return Candidate(action(key, **changes), p, max(p - spread, 0), min(p + spread, 1), shown)


def ask(what, **changes):
    open_to_all = {
        "segments": {"leads"},
        "consent": {"marketing": True},
        "last_shown": {},
        "channels": None,
        "as_of": NOON,
    }
    return eligible(what, **(open_to_all | changes))


def test_silence_beats_a_losing_action():
    decision = decide([candidate(0.05)])
    assert decision.chosen is None
    assert decision.reasons == (
        "silence: the best action, 'coupon', is expected to bring -1.00, "
        "not more than saying nothing",
    )


def test_silence_beats_an_action_that_brings_exactly_nothing():
    assert decide([candidate(0.1)]).chosen is None


def test_silence_is_the_answer_when_nothing_is_open():
    refused = (Refusal("coupon", "no_consent", "Coupon: no consent to marketing"),)
    decision = decide([], refused)
    assert (decision.chosen, decision.alternatives, decision.refused) == (None, (), refused)
    assert decision.reasons == ("silence: no action is open to this customer (1 refused)",)


def test_the_highest_expected_value_wins_and_the_rest_is_ranked():
    likely = candidate(0.9, "likely", value=3.0)
    rich = candidate(0.3, "rich", value=20.0)
    losing = candidate(0.0, "losing")
    decision = decide([losing, likely, rich])
    assert decision.chosen == rich
    assert decision.alternatives == (likely, losing)
    assert decision.reasons == (
        "'rich' is expected to bring 4.00: 30.0% accept x 20.00 - 2.00",
        "the next best, 'likely', brings 0.70",
    )


def test_an_unsure_estimate_says_so():
    decision = decide([candidate(0.2, shown=4, spread=0.15)])
    assert decision.reasons[1:] == (
        "shown 4 times so far, so mostly an expectation",
        "not certain: at the low end of the estimate it brings nothing",
    )


def test_between_equals_the_priority_decides_and_then_the_key():
    a, b, c = (candidate(0.5, k, priority=p) for k, p in (("aa", 0), ("bb", 5), ("cc", 5)))
    decision = decide([c, a, b])
    assert [x.action.key for x in (decision.chosen, *decision.alternatives)] == ["bb", "cc", "aa"]


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 100), st.floats(0, 100)), max_size=6))
def test_the_choice_is_never_worse_than_silence_or_than_an_alternative(rows):
    candidates = [
        candidate(p, f"action_{i}", value=value, cost=cost)
        for i, (p, value, cost) in enumerate(rows)
    ]
    decision = decide(candidates)
    best = max([0.0, *(c.expected_value for c in candidates)])
    assert (decision.chosen.expected_value if decision.chosen else 0.0) == best
    assert decide(reversed(candidates)) == decision


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ((0.5, 0.6, 0.7, 1), "action 'coupon': probabilities 0.6, 0.5, 0.7 must rise "
                             "within 0 to 1 (low, expected, high)"),
        ((0.5, 0.4, NAN, 1), "action 'coupon': probabilities 0.4, 0.5, nan must rise "
                             "within 0 to 1 (low, expected, high)"),
        ((0.5, 0.4, 0.6, -1), "action 'coupon': shown -1 must be 0 or more"),
    ],
)  # fmt: skip
def test_a_candidate_with_impossible_numbers_is_refused(numbers, message):
    with pytest.raises(InvalidInput) as caught:
        Candidate(action(), *numbers)
    assert caught.value.message == message


def test_an_action_that_asks_nothing_is_open():
    assert ask(action()) is None


MARKETING = action(
    consent_purpose="marketing", segment="leads", enabled=False, cool_down_days=7, title="Coupon"
)
SHOWN = {"coupon": NOON - timedelta(days=3)}


def test_consent_is_asked_first_and_never_assumed():
    for consent in ({}, {"marketing": False}, {"analytics": True}):
        refusal = ask(MARKETING, consent=consent, segments=set(), channels=set(), last_shown=SHOWN)
        assert refusal == Refusal("coupon", "no_consent", "Coupon: no consent to marketing")


@pytest.mark.parametrize(
    ("changes", "circumstances", "code", "sentence"),
    [
        ({"enabled": False}, {}, "disabled", "Coupon: switched off in the action catalogue"),
        ({}, {"channels": {"web"}}, "channel_closed",
         "Coupon: the channel 'email' is not open here"),
        ({"segment": "high-value"}, {}, "not_in_segment",
         "Coupon: not in the segment 'high-value'"),
        ({"cool_down_days": 7}, {"last_shown": SHOWN}, "cooling_down",
         "Coupon: shown 2024-05-07 12:00, rests 7 days until 2024-05-14 12:00"),
    ],
)  # fmt: skip
def test_each_refusal_has_a_code_and_a_sentence(changes, circumstances, code, sentence):
    assert ask(action(**changes), **circumstances) == Refusal("coupon", code, sentence)


def test_an_action_is_open_again_the_moment_its_rest_is_over():
    resting = action(cool_down_days=3)
    assert ask(resting, last_shown=SHOWN) is None
    assert ask(resting, last_shown=SHOWN, as_of=NOON - timedelta(microseconds=1)) is not None
    assert ask(action(cool_down_days=0), last_shown={"coupon": NOON}) is None


def test_the_showing_of_another_action_does_not_count():
    assert ask(action("other"), last_shown=SHOWN) is None
