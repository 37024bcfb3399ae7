"""Law 3: an event delivered any number of times, in any order, after any crash, counts once."""

from collections import Counter
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from functools import reduce

import pytest
from histories import DAYS, START, history
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from once import check, own_ids

from domain.behaviour import State, fold
from domain.events import Event
from domain.features import features_at
from feature_repo.backends import open_features, open_log
from feature_repo.lake import export
from feature_repo.stream import Recorder, Stream, load_states

LATER = START + timedelta(days=DAYS + 1)
QUICK = {
    "suppress_health_check": list(HealthCheck),
    "phases": (Phase.explicit, Phase.reuse, Phase.generate),  # what is stored cannot be shrunk
}


@pytest.fixture(scope="module")
def shop(shared_place):
    with closing(open_log(shared_place)) as log, closing(open_features(shared_place)) as features:
        yield log, features, shared_place.home


def collided(events: list[Event]) -> list[Event]:
    """Let one id be a customer here and a device there."""
    swap = {"a1": "c1", "a2": "c2"}
    return [replace(e, anonymous_id=swap.get(e.anonymous_id, e.anonymous_id)) for e in events]


@settings(max_examples=settings.default.max_examples // 4, **QUICK)
@given(history(25), st.randoms(use_true_random=False), st.integers(1, 7), st.booleans())
def test_repeats_and_any_order_count_each_event_once(shop, events, random, batch, collide):
    log, features, _ = shop
    recorder = Recorder(log, features)
    events = own_ids(collided(events) if collide else events)
    deliveries = events * 2
    random.shuffle(deliveries)
    accepted = 0
    for start in range(0, len(deliveries), batch):
        accepted += sum(recorder.record(deliveries[start : start + batch]))
    assert accepted == len(events)
    check(log, features, events)


@settings(max_examples=settings.default.max_examples // 5, **QUICK)
@given(history(25), st.integers(0, 25))
def test_events_that_a_crash_left_unfolded_are_folded_at_the_next_start(shop, events, cut):
    log, features, _ = shop
    events = own_ids(events)
    Recorder(log, features).record(events[:cut])
    log.store(events[cut:])  # stored, and the process ended before the states were written
    Recorder(log, features).catch_up()
    check(log, features, events)


@settings(max_examples=settings.default.max_examples // 5, **QUICK)
@given(history(25), st.integers(1, 5), st.booleans())
def test_runs_of_any_length_and_partitions_in_any_order_lead_to_the_same(
    shop, events, limit, backwards
):
    log, features, _ = shop
    events = own_ids(events)
    log.store(events)
    parts = sorted(range(log.partitions), reverse=backwards)
    for part in parts:  # one after the other, as processes of different speed would
        stream = Stream(log, features, partitions=[part])
        while stream.advance(limit):
            pass
        stream.catch_up()
    check(log, features, events)


@settings(max_examples=settings.default.max_examples // 12, **QUICK)
@given(history(25), st.integers(0, 25))
def test_a_rebuild_from_the_lake_and_what_came_after_it_give_the_same(shop, events, cut):
    log, features, home = shop
    events = own_ids(events)
    log.append(events[:cut])
    export(log, home)
    Recorder(log, features).record(events[cut:])  # folded already, but not in the lake
    load_states(log, features, home)
    Recorder(log, features).catch_up()
    check(log, features, events)


def test_the_changes_of_a_run_are_told_once(shop):
    log, features, _ = shop
    told = []
    at = START + timedelta(days=3)
    first = Event("told-1", "page-view", at, at, None, "told-tablet")
    login = Event("told-2", "user-login", at, at, "told-ann", "told-tablet")
    recorder = Recorder(log, features, [told.extend])
    assert recorder.record([first]) == [True]
    assert recorder.record([first, login]) == [False, True]
    assert Counter(c.profile_id for c in told) == {"told-tablet": 2, "told-ann": 1}
    ann = next(c for c in told if c.profile_id == "told-ann")
    assert ann.before == State()
    assert ann.after == reduce(fold, [first, login], State())


def test_a_listener_that_fails_stops_nobody(shop):
    def fail(_):
        raise RuntimeError("cannot")

    log, features, _ = shop
    event = Event("heard", "page-view", START, START, "listener-shop")
    assert Recorder(log, features, [fail]).record([event]) == [True]
    assert features.read("listener-shop").state == fold(State(), event)


def test_a_device_that_turns_out_to_be_somebody_elses_changes_hands(place):
    def seen(message_id: str, day: int, customer: str | None) -> Event:
        at = START + timedelta(days=day)
        return Event(message_id, "page-view", at, at, customer, "tablet")

    late, alone, early = seen("late", 9, "ann"), seen("alone", 5, None), seen("early", 1, "bob")
    with closing(open_log(place)) as log, closing(open_features(place)) as features:
        recorder = Recorder(log, features)
        for event in (alone, late, early):  # ann logs in, then bob's earlier log-in arrives
            recorder.record([event])
        counts = {
            who: features_at(features.read(who).state, LATER)["event_count"]
            for who in ("ann", "bob")
        }
    assert counts == {"ann": 1, "bob": 2}


def test_a_person_whose_device_has_the_same_name_counts_once(place):
    at = START + timedelta(days=1)
    events = [
        Event("1", "page-view", at, at, None, "x"),
        Event("2", "user-login", at, at, "x", "x"),
        Event("3", "page-view", at, at, "x"),
    ]
    with closing(open_log(place)) as log, closing(open_features(place)) as features:
        recorder = Recorder(log, features)
        for event in events:
            recorder.record([event])
        assert features.read("x").state == reduce(fold, events, State())


def test_reduce_of_nothing_is_the_empty_state():
    assert reduce(fold, [], State()) == State()
