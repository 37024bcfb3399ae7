"""A clock that is set back, or was ahead for a while, stops neither segments nor messages."""

import asyncio
from datetime import UTC, datetime, timedelta

from live_shop import LiveShop, rule
from receivers import receiver
from test_webhooks import deliver, moves

from serving.deliveries import Deliverer, Patience
from serving.lease import Lease
from serving.metrics import Metrics

NOW = datetime(2026, 3, 1, tzinfo=UTC)
AHEAD = timedelta(days=400)


def test_a_lease_given_by_a_clock_that_was_ahead_does_not_last_until_then(shop):
    first, second = (Lease(shop.tables, "one", 10) for _ in range(2))
    assert first.hold(NOW + AHEAD) and not second.hold(NOW + AHEAD)
    assert second.hold(NOW)  # its holder may be dead, and nobody waits for 400 days
    assert not first.hold(NOW)


def test_a_holder_whose_clock_is_set_back_keeps_its_lease_and_renews_it(shop):
    first, second = (Lease(shop.tables, "one", 10) for _ in range(2))
    assert first.hold(NOW + AHEAD) and first.hold(NOW)
    assert not second.hold(NOW + timedelta(seconds=9))
    assert second.hold(NOW + timedelta(seconds=11))


def test_a_small_step_back_gives_the_lease_to_nobody_else(shop):
    first, second = (Lease(shop.tables, "one", 10) for _ in range(2))
    assert first.hold(NOW) and first.hold(NOW + timedelta(seconds=1))
    assert not second.hold(NOW - timedelta(seconds=0.5))


def test_a_message_of_a_clock_that_was_ahead_is_sent_now(shop):
    with receiver() as there:
        shop.outbox.add(there.url, [], NOW)
        shop.outbox.put(moves("ada"), datetime.now(UTC) + AHEAD)
        deliver(shop.outbox)
        assert len(there.accepted) == 1


def test_a_retry_planned_by_a_clock_that_was_ahead_is_made_now(shop):
    with receiver() as there:
        hook = shop.outbox.add(there.url, [], NOW)
        shop.outbox.put(moves("ada"), NOW)
        planned = shop.outbox.first(hook.id)
        shop.outbox.put_off(planned, datetime.now(UTC) + AHEAD, "status 500")
        deliver(shop.outbox)
        assert len(there.accepted) == 1


def test_a_retry_still_waits_as_long_as_it_should(shop):
    with receiver() as there:
        hook = shop.outbox.add(there.url, [], NOW)
        shop.outbox.put(moves("ada"), NOW)
        now = datetime.now(UTC)
        shop.outbox.put_off(shop.outbox.first(hook.id), now + timedelta(seconds=3), "status 500")

        async def look() -> float | None:
            deliverer = Deliverer(shop.outbox, Patience("loopback"), Metrics().deliveries)
            wait = await deliverer.look(now)
            await deliverer.close()
            return wait

        assert asyncio.run(look()) == 3.0
        assert not there.got


def test_what_a_clock_ahead_made_of_the_segments_is_taken_back(home):
    with LiveShop(home) as shop:
        shop.only(silent=rule("days_since_last_event", ">", 30), buyers=rule("order_count", ">", 0))
        shop.at(0)
        shop.happens("purchase", 1)
        shop.at(2)
        shop.at(400)  # the clock was wrong
        assert shop.membership.of("ada") == {"silent", "buyers"}
        shop.at(3)  # and is set right
        assert shop.membership.of("ada") == {"buyers"}
        shop.at(40)
        assert shop.membership.of("ada") == {"silent", "buyers"}
        shop.at(400)
    with LiveShop(home) as shop:  # set right while nobody looked
        shop.at(5)
        assert shop.membership.of("ada") == {"buyers"}
        assert [op for _, op, _ in shop.story("silent")] == ["entered", "left"] * 2
