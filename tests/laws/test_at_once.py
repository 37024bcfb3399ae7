"""The events of a call count in its own answer: it sees who is there once they are stored."""

from contextlib import closing
from dataclasses import replace
from datetime import timedelta

import pytest
from histories import DAYS, START, history
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from once import own_ids
from test_monoid import assert_same

from domain.events import Event
from feature_repo.backends import open_features, open_log
from feature_repo.stream import Recorder
from serving.at_once import seen_together, seen_with
from serving.people import People

NOW = START + timedelta(days=DAYS)


@pytest.fixture(scope="module")
def shop(shared_place):
    place = replace(shared_place, identity_max_profiles=3)
    with closing(open_log(place)) as log, closing(open_features(place)) as features:
        yield log, features


def seen(log, features, events, customer_id, anonymous_id):
    """Look as `/v1/decide` does."""
    people = People(log, features)
    if people.may_join(events):
        whole = log.together_with(events, customer_id, anonymous_id)
        return seen_together(people, whole, events, NOW)
    return seen_with(people, customer_id, anonymous_id, events, NOW)


def in_order(events):
    """Let the events happen one after another, on devices that are nobody's name but in aliases."""
    names = {"c1": "a1", "c3": "a3"}
    for n, event in enumerate(events):
        device = event.anonymous_id
        if event.kind != "alias" and device in names:
            device = names[device]
        fields = {f: getattr(event, f) for f in event.__slots__}
        yield Event(**fields | {"at": START + timedelta(hours=n), "anonymous_id": device})


customers = st.sampled_from(["c1", "c2", "c3", "c4"])
log_ins = st.lists(
    st.builds(
        lambda who, mail, place: (place, {"customer_id": who, "traits": {"email": mail}}),
        customers, st.sampled_from(["ann@shop.example", " Ann@shop.example"]), st.integers(0, 9),
    ),
    max_size=4,
)  # fmt: skip


@settings(suppress_health_check=list(HealthCheck))
@given(history(12), log_ins, st.integers(0, 8), customers | st.none(), st.booleans())
def test_what_a_call_sees_is_what_is_kept_after_it(shop, events, mails, known, customer, on_device):
    log, features = shop
    for n, (place, more) in enumerate(mails):
        events.insert(place, Event(f"k{n}", "identify", START, START, **more))
    (who, *events) = own_ids([Event("who", "x", NOW, NOW, customer, "a1"), *in_order(events)])
    ids = (who.customer_id, who.anonymous_id if on_device or customer is None else None)
    recorder = Recorder(log, features)
    recorder.record(events[:known])
    before = log.last_seq()
    found = seen(log, features, events[known:], *ids)
    assert log.last_seq() == before  # looking stores nothing
    recorder.record(events[known:])
    people = People(log, features)
    kept = people.find(*ids)
    assert_same(found.person.state, kept.state)
    assert found.bought == people.bought(kept)
    if kept.state.tallies:
        assert found.person.profile_id == kept.profile_id


def test_looking_leaves_no_trace_of_who_would_be_one(shop):
    log, _ = shop
    mail = {"email": "zed@here.example"}
    first = Event("z1", "identify", START, START, "zed-1", traits=mail)
    second = Event("z2", "identify", START, START, "zed-2", traits=mail)
    log.store([first])
    assert log.together_with([second], "zed-2", None).customers == ("zed-1", "zed-2")
    assert log.resolve("zed-2") == "zed-2" and log.merges_of("zed-2") == []
    log.store([second])
    assert log.resolve("zed-2") == "zed-1"
    assert not log.may_join([Event("z3", "identify", NOW, NOW, "zed-2", traits=mail)])  # is so
