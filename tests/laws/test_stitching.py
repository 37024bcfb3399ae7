"""Stitching in the log and in the states: the order of arrival means nothing, undoing goes back."""

import itertools
import tempfile
from datetime import timedelta
from pathlib import Path

import pytest
from histories import DAYS, START, history
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from once import check, own_ids

from domain.behaviour import State
from domain.errors import Conflict
from domain.events import Event
from domain.settings import Settings
from feature_repo.backends import open_log
from feature_repo.event_log import EventLog
from feature_repo.lake import export
from feature_repo.store import Features
from feature_repo.stream import Recorder, load_states

LATER = START + timedelta(days=DAYS + 1)
_numbers = itertools.count()
QUICK = {"deadline": None, "suppress_health_check": list(HealthCheck)}


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    log, features = EventLog(home, identity_max_profiles=3), Features.open(home)
    yield log, features, home
    features.close()
    log.close()


def said(message_id: str, day: int, customer: str, **traits: object) -> Event:
    at = START + timedelta(days=day)
    return Event(message_id, "identify", at, at, customer, traits=traits)


@settings(max_examples=25, **QUICK)
@given(history(25), st.randoms(use_true_random=False), st.integers(1, 7))
def test_any_order_of_arrival_stitches_the_same(events, random, batch):
    shuffled = list(events)
    random.shuffle(shuffled)
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        at_once = EventLog(Path(one), identity_max_profiles=2)
        at_once.append(events)
        bit_by_bit = EventLog(Path(other), identity_max_profiles=2)
        (bit_by_bit.path.parent.parent / "identity.salt").write_text(
            (at_once.path.parent.parent / "identity.salt").read_text()
        )
        bit_by_bit.close()
        bit_by_bit = EventLog(Path(other), identity_max_profiles=2)
        for start in range(0, len(events), batch):
            bit_by_bit.store(shuffled[start : start + batch])
        assert bit_by_bit.stitches()[1] == at_once.stitches()[1]
        people = {e.customer_id for e in events if e.customer_id}
        assert [bit_by_bit.merges_of(p) for p in people] == [at_once.merges_of(p) for p in people]


@settings(max_examples=30, **QUICK)
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


def test_an_undone_merge_parts_two_customers_for_good(tmp_path):
    log, features = EventLog(tmp_path), Features.open(tmp_path)
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
    features.close()
    log.close()


def test_a_number_dialled_at_home_and_one_with_its_country_are_one_person(tmp_path):
    log = open_log(Settings(home=tmp_path, identity_calling_code="49"))
    log.store([said("m1", 1, "ann", phone="0170 / 123 45 67")])
    log.store([said("m2", 2, "bob", phone="+49 (0)170 1234567")])
    assert log.resolve("bob") == "ann"
    log.close()


def test_an_alias_joins_customers_and_a_device_joins_none(tmp_path):
    def alias(message_id: str, day: int, customer: str, previous: str) -> Event:
        at = START + timedelta(days=day)
        return Event(message_id, "alias", at, at, customer, previous)

    log = EventLog(tmp_path)
    log.store([alias("m1", 1, "ann", "tablet"), alias("m2", 2, "bob", "tablet")])
    assert log.stitches()[1] == []
    log.store([alias("m3", 3, "cleo", "bob")])
    assert [row[:2] for row in log.stitches()[1]] == [("cleo", "bob")]
    log.store([said("m4", 4, "tablet")])  # it is a customer after all
    assert {row[:2] for row in log.stitches()[1] if row[3] > 10**18} == {
        ("bob", "ann"), ("cleo", "ann"), ("tablet", "ann"),
    }  # fmt: skip
    log.close()
