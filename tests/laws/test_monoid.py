"""Law 4: merging two profiles equals folding both histories into one, in any order."""

import json
import math
from datetime import timedelta
from functools import reduce
from typing import Any

from histories import DAYS, START, history
from hypothesis import given
from hypothesis import strategies as st

from domain.behaviour import State, fold, merge, of_event
from domain.events import Event
from domain.features import FEATURES, features_at

LATER = START + timedelta(days=DAYS + 1)


def fold_all(events: list[Event]) -> State:
    return reduce(fold, events, State())


def assert_same(a: State, b: State) -> None:
    left, right = features_at(a, LATER), features_at(b, LATER)
    assert not {n: (left[n], right[n]) for n in left if not _same(left[n], right[n])}
    assert (a.touches, a.moments, a.traits, a.consents) == (
        b.touches,
        b.moments,
        b.traits,
        b.consents,
    )


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, float) and isinstance(b, float):
        return math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-9)
    return bool(a == b)


@given(history(), st.randoms(use_true_random=False))
def test_the_order_of_events_does_not_matter(events, random):
    shuffled = list(events)
    random.shuffle(shuffled)
    assert_same(fold_all(events), fold_all(shuffled))


@given(history(), st.integers(0, 40))
def test_merging_two_histories_equals_folding_them_into_one(events, cut):
    assert_same(merge(fold_all(events[:cut]), fold_all(events[cut:])), fold_all(events))


@given(history(), st.integers(0, 40), st.integers(0, 40))
def test_merging_is_associative(events, i, j):
    i, j = sorted((i, j))
    a, b, c = fold_all(events[:i]), fold_all(events[i:j]), fold_all(events[j:])
    assert_same(merge(a, merge(b, c)), merge(merge(a, b), c))


@given(history(max_size=15))
def test_folding_an_event_is_merging_the_state_of_that_event_alone(events):
    state = State()
    for event in events:
        assert fold(state, event) == merge(state, of_event(event))
        state = fold(state, event)


@given(history(max_size=15))
def test_a_state_survives_being_written_and_read(events):
    state = fold_all(events)
    assert State.from_json(state.to_json()) == state
    plain = json.loads(state.to_json())  # as other writers of JSON put it: with blanks
    assert State.from_json(json.dumps(plain)) == state


def test_a_sum_beyond_all_numbers_is_written_and_read():
    def spent(n: int) -> Event:
        return Event(f"m{n}", "purchase", START, START, "c1", value=1.7e308)

    state = fold_all([spent(1), spent(2)])
    assert state.tallies["purchase"].value == math.inf
    again = State.from_json(state.to_json())
    assert again.tallies == state.tallies and again.purchase_days == state.purchase_days


@given(st.booleans(), st.booleans())
def test_consent_of_a_stitched_profile_is_the_strictest_of_its_ids(first, second):
    def said(message_id: str, who: dict[str, str], granted: bool) -> Event:
        return Event(message_id, "identify", START, START, consent={"marketing": granted}, **who)

    device = fold_all([said("m1", {"anonymous_id": "a1"}, first)])
    customer = fold_all([said("m2", {"customer_id": "c1"}, second)])
    both = features_at(merge(device, customer), LATER)
    assert both["consent_marketing"] is (first and second)


def test_every_feature_of_the_table_is_read_and_no_other():
    assert set(features_at(State(), LATER)) == {f.name for f in FEATURES}
