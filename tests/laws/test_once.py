"""Law 3: an event delivered any number of times, in any order, after any crash, counts once."""

import itertools
import tempfile
from dataclasses import replace
from datetime import timedelta
from functools import reduce
from pathlib import Path

import pytest
from histories import DAYS, START, history
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_monoid import assert_same

from domain.behaviour import State, fold
from domain.events import Event
from domain.features import features_at
from feature_repo.event_log import EventLog
from feature_repo.lake import export
from feature_repo.store import Features
from feature_repo.stream import Recorder, load_states

LATER = START + timedelta(days=DAYS + 1)
_example = itertools.count()


@pytest.fixture(scope="module")
def shop():
    with tempfile.TemporaryDirectory() as folder:
        log, features = EventLog(Path(folder)), Features.open(Path(folder))
        yield log, features, Path(folder)
        features.close()
        log.close()


def own_ids(events: list[Event]) -> list[Event]:
    """Give the people and messages of one example names of their own, so examples share a store."""
    n = next(_example)
    return [
        replace(
            e,
            message_id=f"{n}-{e.message_id}",
            customer_id=e.customer_id and f"{n}-{e.customer_id}",
            anonymous_id=e.anonymous_id and f"{n}-{e.anonymous_id}",
        )
        for e in events
    ]


def expected(log: EventLog, events: list[Event]) -> dict[str, State]:
    """Fold each distinct event once, by the profile it belongs to in the end."""
    states: dict[str, State] = {}
    for event in events:
        profile = log.profile_id_of(event)
        if profile:
            states[profile] = fold(states.get(profile, State()), event)
    return states


def check(log: EventLog, features: Features, events: list[Event]) -> None:
    for profile, state in expected(log, events).items():
        found = features.read(profile)
        assert found is not None
        assert_same(found.state, state)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(history(25), st.randoms(use_true_random=False), st.integers(1, 7))
def test_repeats_and_any_order_count_each_event_once(shop, events, random, batch):
    log, features, _ = shop
    recorder = Recorder(log, features)
    events = own_ids(events)
    deliveries = events * 2
    random.shuffle(deliveries)
    accepted = 0
    for start in range(0, len(deliveries), batch):
        accepted += sum(recorder.record(deliveries[start : start + batch]))
    assert accepted == len(events)
    check(log, features, events)


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(history(25), st.integers(0, 25))
def test_events_that_a_crash_left_unfolded_are_folded_at_the_next_start(shop, events, cut):
    log, features, _ = shop
    events = own_ids(events)
    Recorder(log, features).record(events[:cut])
    log.store(events[cut:])  # stored, and the process ended before the states were written
    Recorder(log, features).catch_up()
    check(log, features, events)


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(history(25))
def test_a_rebuild_from_all_history_gives_the_same_states(shop, events):
    log, features, home = shop
    events = own_ids(events)
    log.append(events)
    export(log, home)
    load_states(log, features, home)
    check(log, features, events)


def test_a_device_that_turns_out_to_be_somebody_elses_changes_hands():
    def seen(message_id: str, day: int, customer: str | None) -> Event:
        at = START + timedelta(days=day)
        return Event(message_id, "page-view", at, at, customer, "tablet")

    late, alone, early = seen("late", 9, "ann"), seen("alone", 5, None), seen("early", 1, "bob")
    with tempfile.TemporaryDirectory() as folder:
        log, features = EventLog(Path(folder)), Features.open(Path(folder))
        recorder = Recorder(log, features)
        for event in (alone, late, early):  # ann logs in, then bob's earlier log-in arrives
            recorder.record([event])
        counts = {
            who: features_at(features.read(who).state, LATER)["event_count"]
            for who in ("ann", "bob")
        }
        features.close()
    assert counts == {"ann": 1, "bob": 2}


def test_reduce_of_nothing_is_the_empty_state():
    assert reduce(fold, [], State()) == State()
