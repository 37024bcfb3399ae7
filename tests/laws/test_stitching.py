"""Stitching in the log and in the states: the order of arrival means nothing, undoing goes back."""

import random
from contextlib import closing
from dataclasses import replace
from datetime import timedelta

import pytest
from histories import DAYS, START, history
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from once import check, own_ids

from domain.behaviour import State
from domain.errors import Conflict, NotFound
from domain.events import Event
from domain.settings import Settings
from feature_repo.backends import open_features, open_log
from feature_repo.lake import export
from feature_repo.stream import Recorder, load_states

LATER = START + timedelta(days=DAYS + 1)
QUICK = {"suppress_health_check": list(HealthCheck)}


@pytest.fixture(scope="module")
def shop(shared_place):
    place = replace(shared_place, identity_max_profiles=3)
    with closing(open_log(place)) as log, closing(open_features(place)) as features:
        yield log, features, place.home


@pytest.fixture
def parts(place):
    with closing(open_log(place)) as log, closing(open_features(place)) as features:
        yield log, features


def said(message_id: str, day: int, customer: str, **traits: object) -> Event:
    at = START + timedelta(days=day)
    return Event(message_id, "identify", at, at, customer, traits=traits)


@settings(max_examples=settings.default.max_examples // 4, **QUICK)
@given(history(25), st.randoms(use_true_random=False), st.integers(1, 7))
def test_any_order_of_arrival_stitches_the_same(new_places, events, random, batch):
    shuffled = list(events)
    random.shuffle(shuffled)
    one, other = (replace(place, identity_max_profiles=2) for place in new_places())
    with closing(open_log(one)) as at_once, closing(open_log(other)) as bit_by_bit:
        at_once.append(events)
        for start in range(0, len(events), batch):
            bit_by_bit.store(shuffled[start : start + batch])
        assert bit_by_bit.stitches()[1] == at_once.stitches()[1]
        people = {e.customer_id for e in events if e.customer_id}
        assert [bit_by_bit.merges_of(p) for p in people] == [at_once.merges_of(p) for p in people]


@settings(max_examples=settings.default.max_examples // 5, **QUICK)
@given(history(25), st.integers(1, 7), st.data())
def test_states_follow_every_stitch_and_every_undoing(shop, events, batch, data):
    log, features, home = shop
    recorder = Recorder(log, features)
    events = own_ids(events)
    undo = data.draw(st.lists(st.integers(0, 24), max_size=3))
    for start in range(0, len(events), batch):
        recorder.record(events[start : start + batch])
        people = sorted({e.customer_id for e in events if e.customer_id})
        standing = [m for p in people for m in log.merges_of(p) if m.undone_at is None]
        if start in undo and standing:
            log.undo_merge(standing[0].edge.merge_id, LATER)
            recorder.catch_up()
    check(log, features, events)
    export(log, home)
    load_states(log, features, home)
    check(log, features, events)


def test_an_undone_merge_parts_two_customers_for_good(parts):
    log, features = parts
    recorder = Recorder(log, features)
    recorder.record([said("m1", 1, "bob", email="team@shop.example")])
    recorder.record([said("m2", 2, "ann", email="Team@shop.example "), said("m3", 3, "cleo")])
    (merge,) = log.merges_of("ann")
    assert (merge.edge.id_a, merge.edge.id_b, merge.edge.reason) == ("bob", "ann", "email")
    assert merge.edge.message_id == "m2" and "team" not in merge.edge.key
    assert log.resolve("bob") == log.resolve("ann") == "ann"
    assert features.read("ann").state.tallies["identify"].events == 2
    assert features.read("bob").state == State()
    log.undo_merge(merge.edge.merge_id, LATER)
    recorder.record([said("m4", 4, "ann", email="team@shop.example")])
    assert log.resolve("bob") == "bob"
    assert features.read("ann").state.tallies["identify"].events == 2  # m2 and m4
    assert features.read("bob").state.tallies["identify"].events == 1
    with pytest.raises(Conflict, match="undone already"):
        log.undo_merge(merge.edge.merge_id, LATER)
    with pytest.raises(NotFound, match="no merge"):
        log.undo_merge("x", LATER)


def test_a_number_dialled_at_home_and_one_with_its_country_are_one_person(place):
    log = open_log(replace(place, identity_calling_code="49"))
    log.store([said("m1", 1, "ann", phone="0170 / 123 45 67")])
    log.store([said("m2", 2, "bob", phone="+49 (0)170 1234567")])
    assert log.resolve("bob") == "ann"
    log.close()


def test_an_alias_joins_customers_and_a_device_joins_none(parts):
    def alias(message_id: str, day: int, customer: str, previous: str) -> Event:
        at = START + timedelta(days=day)
        return Event(message_id, "alias", at, at, customer, previous)

    log, _ = parts
    log.store([alias("m1", 1, "ann", "tablet"), alias("m2", 2, "bob", "tablet")])
    assert log.stitches()[1] == []
    log.store([alias("m3", 3, "cleo", "bob")])
    assert [row[:2] for row in log.stitches()[1]] == [("cleo", "bob")]
    log.store([said("m4", 4, "tablet")])  # it is a customer after all
    assert {row[:2] for row in log.stitches()[1] if row[3] > 10**18} == {
        ("bob", "ann"), ("cleo", "ann"), ("tablet", "ann"),
    }  # fmt: skip


def test_the_two_logs_stitch_alike(redis_server, tmp_path):
    """Told the same, SQLite and Redis name the same persons for the same moments."""
    redis_server.empty()
    draw = random.Random(5)
    events = [
        said(f"m{n}", draw.randrange(40), f"c{draw.randrange(30)}",
             email=f"e{draw.randrange(14)}@shop.example",
             phone=f"+49 170 55500{draw.randrange(10, 40)}")
        for n in range(120)
    ]  # fmt: skip
    embedded = Settings(home=tmp_path, identity_max_profiles=4)
    outgrown = replace(embedded, event_log=redis_server.url)
    with closing(open_log(embedded)) as one, closing(open_log(outgrown)) as other:
        one.append(events)
        other.append(events)
        assert one.stitches()[1] == other.stitches()[1] != []
        people = {e.customer_id for e in events}
        assert [one.merges_of(p) for p in people] == [other.merges_of(p) for p in people]
