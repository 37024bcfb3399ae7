"""Who enters and leaves, when and why; no restart, repetition or second worker changes that."""

from datetime import timedelta
from types import SimpleNamespace

from live_shop import START, LiveShop, rule


def test_an_event_takes_a_customer_in_and_another_takes_them_out(shop):
    shop.only(once=rule("order_count", "=", 1))
    shop.at(0)
    first = shop.happens("purchase", 1)
    shop.at(1.1)
    assert shop.membership.of("ada") == {"once"}
    second = shop.happens("purchase", 2)
    shop.at(2.1)
    assert shop.story("once") == [
        ("ada", "entered", first.message_id),
        ("ada", "left", second.message_id),
    ]
    assert shop.membership.of("ada") == set()


def test_time_alone_takes_a_customer_in_and_is_made_up_for_after_a_pause(shop):
    shop.only(silent=rule("days_since_last_event", ">", 30), fresh=rule("spend_30d", ">", 0))
    shop.at(0)
    bought = shop.happens("purchase", 1, value=5.0)
    shop.at(1.1)
    shop.at(30.9)
    assert shop.story("silent") == []
    shop.at(31.1)
    assert shop.story("silent") == [("ada", "entered", "time")]
    shop.at(80)  # nobody looked for weeks
    assert shop.story("fresh") == [("ada", "entered", bought.message_id), ("ada", "left", "time")]


def test_a_count_that_fades_under_one_is_found_without_an_event(shop):
    shop.only(faded=rule("interest_count_7d", "<", 1))
    shop.at(0)
    for n in (1, 2):
        shop.happens("item-view", 1, message_id=f"view {n}")  # 2 at once: 1 after 7 days
    shop.at(1.1)
    assert shop.membership.of("ada") == set()
    shop.at(7.999)
    assert shop.story("faded") == []
    shop.at(8.001)
    found, _ = shop.membership.changes("faded", 0, 10)
    assert [(c["profile_id"], c["op"], c["cause"]) for c in found] == [("ada", "entered", "time")]
    assert found[0]["at"] == (START + timedelta(days=8.001)).isoformat()


def test_a_restart_neither_loses_nor_doubles_a_change(home):
    with LiveShop(home) as shop:
        shop.only(buyers=rule("order_count", ">=", 1))
        shop.at(0)
        shop.happens("purchase", 1, message_id="a")
        shop.at(1.1)
        shop.happens("purchase", 2, "bob", message_id="b")  # nobody looks before the crash
    with LiveShop(home) as shop:
        shop.at(3)
        shop.happens("purchase", 1, message_id="a")  # sent once more
        shop.at(4)
        assert shop.story("buyers") == [("ada", "entered", "a"), ("bob", "entered", "b")]


def test_a_step_that_breaks_in_the_middle_leaves_nothing_behind(shop):
    shop.only(buyers=rule("order_count", ">=", 1))
    hook = shop.outbox.add("http://127.0.0.1/x", [], shop.happens("search", 0, "eve").at)
    shop.at(0.1)
    shop.happens("purchase", 1, message_id="a")
    put = shop.live._tell
    shop.live._tell = lambda *_: 1 / 0
    try:
        shop.at(1.1)
    except ZeroDivisionError:
        assert shop.story("buyers") == [] and shop.membership.of("ada") == set()
    shop.live._tell = put
    shop.at(1.1)
    assert shop.story("buyers") == [("ada", "entered", "a")]
    assert '"ids": ["ada"]' in shop.outbox.first(hook.id).body


def test_of_two_workers_one_asks_the_rules_and_the_other_takes_over(home):
    with LiveShop(home) as one:
        one.only(buyers=rule("order_count", ">=", 1))
        one.at(0)
        with LiveShop(home) as two:
            two.happens("purchase", 1, message_id="x")  # recorded where the lease is not
            two.live.step(START)
            assert two.story("buyers") == []
            one.at(0.00001)
            assert one.story("buyers") == [("ada", "entered", "x")]
            two.happens("purchase", 1, "bob", message_id="y")
            two.at(1.1)  # the lease of the first has run out
            one.live.step(START)
            assert two.story("buyers")[1:] == [("bob", "entered", "y")]


def test_a_worker_that_was_overtaken_writes_nothing(home):
    with LiveShop(home) as slow, LiveShop(home) as fast:
        slow.only(buyers=rule("order_count", ">=", 1))
        slow.at(0)
        slow.happens("purchase", 0, message_id="x")
        slow.tables.change("UPDATE lease SET until = 0")
        fast.at(0.1)
        assert not slow.live.step(START)  # it still believes in its lease
        assert slow.story("buyers") == [("ada", "entered", "x")]


def test_a_new_segment_begins_as_things_are_and_says_nothing(shop):
    shop.only()
    shop.at(0)
    for who in ("ada", "bob"):
        shop.happens("purchase", 1, who)
    shop.at(1.1)
    shop.add(buyers=rule("order_count", ">=", 1), silent=rule("days_since_last_event", ">", 30))
    shop.at(2)
    assert shop.membership.members("buyers") == {"ada", "bob"} and shop.story("buyers") == []
    shop.at(32)
    assert [s[:2] for s in shop.story("silent")] == [("ada", "entered"), ("bob", "entered")]


def test_a_changed_rule_gets_a_new_version_and_a_deleted_one_ends(shop):
    shop.only(some=rule("order_count", ">=", 1))
    shop.at(0)
    shop.happens("purchase", 1)
    shop.at(1.1)
    shop.only(some=rule("order_count", ">=", 2))
    shop.at(2)
    assert shop.membership.of("ada") == set() and len(shop.story("some")) == 1
    shop.happens("purchase", 3)
    shop.at(3.1)
    found, _ = shop.membership.changes("some", 0, 10)
    assert [(c["op"], c["version"]) for c in found] == [("entered", 1), ("entered", 2)]
    shop.only()
    shop.at(4)
    assert shop.membership.of("ada") == set()


def test_new_scores_of_a_release_are_asked_of_everybody(shop):
    shop.only(risky=rule("churn", ">=", 0.5), buyers=rule("order_count", ">=", 1))
    shop.happens("purchase", 1)
    shop.happens("purchase", 1, "bob")
    shop.at(1.1)
    shop.scored("ada", 0.9)
    shop.release = SimpleNamespace(release_id="r2", audience=None)
    shop.at(2)
    assert shop.story("risky") == [("ada", "entered", "scores")]
    shop.scored("ada", 0.1)
    shop.release = SimpleNamespace(release_id="r3", audience=None)
    shop.at(3)
    assert shop.story("risky")[1:] == [("ada", "left", "scores")] and not shop.story("buyers")


def test_a_device_that_turns_out_to_be_a_customer_leaves_and_the_customer_enters(shop):
    shop.only(lookers=rule("interest_count", ">=", 2))
    shop.at(0)
    for day in (1, 2):
        shop.happens("item-view", day, "", anonymous_id="phone")
    shop.at(2.1)
    assert shop.membership.of("phone") == {"lookers"}
    shop.happens("identify", 3, "ada", anonymous_id="phone", message_id="login")
    shop.at(3.1)
    assert sorted(shop.story("lookers")[1:]) == [
        ("ada", "entered", "login"),
        ("phone", "left", "login"),
    ]


def test_a_forgotten_profile_is_in_no_table(shop):
    shop.only(buyers=rule("order_count", ">=", 1))
    hook = shop.outbox.add("http://127.0.0.1/x", [], shop.happens("search", 0, "eve").at)
    shop.at(0)
    shop.happens("purchase", 1)
    shop.happens("purchase", 1, "bob")
    shop.at(1.1)
    shop.membership.forget(["ada"])
    shop.outbox.forget(["ada"])
    assert shop.membership.members("buyers") == {"bob"} and "ada" not in str(shop.story("buyers"))
    assert '"ids": ["bob"]' in shop.outbox.first(hook.id).body
