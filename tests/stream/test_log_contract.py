"""What every event log keeps, in SQLite and in Redis alike."""

import random
from contextlib import closing
from dataclasses import replace
from datetime import timedelta

import pytest
from histories import START
from load import load

from domain.events import Event
from domain.items import Item
from feature_repo.backends import open_log
from feature_repo.event_rows import to_event


@pytest.fixture
def log(place):
    with closing(open_log(place)) as opened:
        yield opened


def seen(message_id, hour, customer=None, device=None, kind="page-view"):
    at = START + timedelta(hours=hour)
    return Event(message_id, kind, at, at, customer, device)


def all_events(log):
    return [to_event(row[1:]) for row in log.rows_after(0, 100_000)]


def test_events_come_back_as_they_were_in_the_order_of_storing(log):
    events = load(1, 300)
    for start in range(0, 300, 50):
        log.store(events[start : start + 50])
    assert all_events(log) == events
    seqs = [row[0] for row in log.rows_after(0, 1_000)]
    assert seqs == sorted(set(seqs)) and seqs[-1] == log.last_seq()
    assert [row[0] for row in log.rows_after(seqs[9], 5)] == seqs[10:15]


def test_a_message_is_stored_once_also_within_a_batch(log):
    first, second = seen("1", 0, "ann"), seen("2", 1, "ann")
    assert log.store([first, first, second]).is_new == [True, False, True]
    stored = log.store([second, replace(first, kind="purchase")])
    assert stored.is_new == [False, False]
    assert all_events(log) == [first, second]
    assert log.append([first, seen("3", 2, "bob")]).duplicates == 1
    assert log.stored_ids(["1", "3", "9"]) == {"1", "3"}
    assert {row[1] for row in log.rows_with(["1", "3", "9"])} == {"1", "3"}


def test_what_was_reached_holds_the_events_also_the_repeated_ones(log):
    events = load(2, 100)
    log.store(events[:50])
    stored = log.store(events)
    runs = log.rows_since(dict.fromkeys(stored.reached, 0), 1_000)
    held = {row[1] for part, rows in runs.items() for row in rows if row[0] <= stored.reached[part]}
    assert held == {e.message_id for e in events}
    assert set(stored.reached) <= set(range(log.partitions))


def test_all_events_of_a_subject_lie_in_its_partition(log):
    log.store(load(3, 200))
    for part, rows in log.rows_since(dict.fromkeys(range(log.partitions), 0), 1_000).items():
        for row in rows:
            assert log.partition_of(to_event(row[1:]).subject_id) == part


def test_a_profile_has_the_events_of_its_devices_newest_first(log):
    log.store(
        [
            seen("b", 1, None, "phone"), seen("a", 1, None, "phone"), seen("c", 3, "ann", "phone"),
            seen("d", 2, "ann"), seen("e", 4, None, "tablet"), seen("f", 5, "bob", "phone"),
        ]
    )  # fmt: skip
    assert [e.message_id for e in log.events_of("ann")] == ["c", "d", "b", "a"]
    assert [e.message_id for e in log.events_of("ann", 2)] == ["c", "d"]
    assert [e.message_id for e in log.events_of("tablet")] == ["e"]
    assert [e.message_id for e in log.events_of("bob")] == ["f"]
    assert log.events_of("nobody") == []


def test_kinds_keep_to_some_events_before_they_are_counted(log):
    log.store([seen("a", 1, "ann", kind="purchase"), seen("b", 2, "ann"), seen("c", 3, "ann")])
    assert [e.message_id for e in log.events_of("ann", 1, kinds=("purchase",))] == ["a"]


def test_the_first_customer_of_a_device_by_time_has_it_in_any_order(log):
    links = [seen(str(n), hour, who, "phone") for n, (hour, who) in
             enumerate([(5, "eve"), (3, "ann"), (3, "bob"), (9, "zoe")])]  # fmt: skip
    random.Random(4).shuffle(links)
    for link in links:
        log.store([link])
    assert log.customer_of("phone") == "ann" and log.customer_of("tablet") is None
    (device, customer, _), = log.identities()  # fmt: skip
    assert (device, customer) == ("phone", "ann")
    assert log.profile_id_of(seen("x", 0, None, "phone")) == "ann"
    assert log.profile_id_of(seen("x", 0, "bob", "phone")) == "bob"
    assert log.profile_id_of(seen("x", 0, None, "tablet")) == "tablet"
    assert log.profile_id_of(seen("x", 0)) is None


def test_a_trail_tells_a_customer_from_a_device_of_the_same_name(log):
    log.store([seen("a", 1, "x"), seen("b", 2, None, "x"), seen("c", 3, "x", "x")])
    assert [e.message_id for _, e in sorted(log.trail("x", known=True))] == ["a", "c"]
    assert [e.message_id for _, e in log.trail("x", known=False)] == ["b"]


def test_the_newer_item_stays(log):
    def cup(day, title):
        return Item("cup", title, START + timedelta(days=day), "mugs", None, 4.5, True, {"x": 1})

    log.put_items([cup(1, "Cup"), Item("a", "Ä", START)])
    log.put_items([cup(0, "Old cup")])
    assert [i.title for i in log.items()] == ["Ä", "Cup"]
    log.put_items([cup(2, "New cup")])
    assert list(log.items())[1] == cup(2, "New cup")


def test_a_summary_counts(log):
    assert log.summary().events == 0 and log.summary().first_at is None
    log.append([seen("a", 1, "ann", "phone"), seen("b", 2, None, "tablet"), seen("c", 0)],
               [Item("cup", "Cup", START)])  # fmt: skip
    found = log.summary()
    assert (found.events, found.customers, found.devices, found.items) == (3, 1, 2, 1)
    assert (found.first_at, found.last_at) == (START, START + timedelta(hours=2))


def test_events_with_a_decision_come_by_time(log):
    def shown(message_id, hour, decision="d"):
        return replace(seen(message_id, hour, "ann", kind="action-shown"), decision_id=decision)

    log.store([shown("c", 3), shown("a", 1), shown("b", 2), shown("none", 2, None), seen("x", 2)])
    since, until = 0, int((START + timedelta(hours=3)).timestamp() * 1e6)
    assert [row[1] for row in log.with_decision("action-shown", since, until)] == ["a", "b"]


def test_decisions_of_one_moment_come_page_by_page(log):
    def shown(n):
        return replace(seen(f"m{n}", n // 1_500, "ann", kind="action-shown"), decision_id="d")

    events = [shown(n) for n in range(2_600)]
    log.append(events)
    until = int((START + timedelta(hours=9)).timestamp() * 1e6)
    found = [row[1] for row in log.with_decision("action-shown", 0, until)]
    assert found == [e.message_id for e in events]


def test_a_profile_has_the_events_of_all_its_ids(log):
    def said(message_id, hour, customer, device):
        return replace(seen(message_id, hour, customer, device, "identify"),
                       traits={"email": "ann@shop.example"})  # fmt: skip

    log.store([said("a", 1, "ann", "phone"), seen("b", 2, None, "phone")])
    log.store([said("c", 3, "ann-2", "tablet"), seen("d", 4, None, "tablet"), seen("e", 5, "bob")])
    assert [e.message_id for e in log.events_of("ann")] == ["d", "c", "b", "a"]
    assert [log.resolve(i) for i in ("ann-2", "tablet", "phone")] == ["ann"] * 3
    assert log.profile_id_of(seen("x", 0, "ann-2")) == "ann"
    assert log.members_of("ann") == ["ann", "ann-2"]
    number, changed = log.restitched(0)
    assert changed == {"ann-2": "ann"} and log.restitched(number) == (number, {})


def test_a_log_opened_again_is_the_same_one(place):
    with closing(open_log(place)) as first, closing(open_log(place)) as second:
        assert first.log_id == second.log_id
        first.store([seen("a", 1, "ann")])
        assert second.last_seq() == 1


def test_changes_of_the_catalogue_are_numbered_and_told(log):
    def item(item_id, price, hour):
        return Item(item_id, item_id, START + timedelta(hours=hour), price=price)

    assert log.item_changes() == 0 and log.items_since(0) == []
    log.put_items([item("a", 1.0, 0), item("b", 2.0, 0)])
    first = log.item_changes()
    assert first > 0 and {i.item_id for i in log.items_since(0)} == {"a", "b"}
    log.put_items([item("b", 3.0, 1), item("a", 9.0, -1)])  # the second is older than what is there
    assert [(i.item_id, i.price) for i in log.items_since(first)] == [("b", 3.0)]
    assert log.items_since(log.item_changes()) == []
