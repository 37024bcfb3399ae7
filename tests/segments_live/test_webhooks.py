"""Changes reach a webhook signed, in order and at least once; nobody waits for a dead one."""

import asyncio
import hashlib
import hmac
import json
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from live_shop import START, LiveShop, rule
from receivers import receiver

from domain.errors import InvalidInput
from serving.deliveries import Deliverer, Patience
from serving.membership import Move
from serving.metrics import Metrics
from serving.webhook_urls import check_url, is_allowed, target_of

EVER = timedelta(days=10_000)  # the tests' clock stands years back
QUICK = Patience("loopback", timeout_seconds=20, first_wait_seconds=0.02, max_age=EVER)
NOW = datetime(2024, 1, 1, tzinfo=UTC)


def signature_holds(secret: str, header: str, body: bytes) -> bool:
    """Check a signature as a receiver would, with nothing of ours."""
    said = dict(part.split("=", 1) for part in header.split(","))
    if abs(time.time() - int(said["t"])) > 300:
        return False
    text = said["t"].encode() + b"." + body
    code = hmac.new(secret.encode(), text, hashlib.sha256).hexdigest()
    return hmac.compare_digest(code, said["v1"])


def deliver(outbox, patience=QUICK, until=lambda: False, seconds=20):
    """Send what is there, until nothing waits (or `until` holds)."""

    async def all_of_it():
        deliverer = Deliverer(outbox, patience, Metrics().deliveries)
        end = time.monotonic() + seconds
        while outbox.heads() and not until() and time.monotonic() < end:
            await deliverer.look(datetime.now(UTC))
            await asyncio.sleep(0.01)
        await deliverer.close()

    asyncio.run(all_of_it())


def moves(*ids, op="entered", segment="buyers"):
    return [Move(i, segment, 1, op, "m") for i in ids]


def test_a_message_is_signed_and_tried_until_it_arrives(shop):
    with receiver(500, 500) as there:
        hook = shop.outbox.add(there.url, [], NOW)
        shop.outbox.put(moves("ada", "bob"), NOW)
        deliver(shop.outbox)
        assert len(there.got) == 3 and not shop.outbox.heads()
        bodies = {body for _, body in there.got}
        assert len(bodies) == 1  # the same message each time, so the receiver can tell
        message = json.loads(bodies.pop())
        assert message | {"delivery_id": 0} == {
            "delivery_id": 0, "segment": "buyers", "op": "entered", "ids": ["ada", "bob"],
            "version": 1, "at": NOW.isoformat(),
        }  # fmt: skip
        for headers, body in there.got:
            assert signature_holds(hook.secret, headers["X-Nextbest-Signature"], body)
            assert not signature_holds(hook.secret, headers["X-Nextbest-Signature"], body + b" ")
            assert headers["X-Nextbest-Delivery"] == message["delivery_id"]


def test_one_that_hangs_slows_no_other(shop):
    with receiver(hangs=True) as dead, receiver() as alive:
        stuck = shop.outbox.add(dead.url, [], NOW)
        shop.outbox.add(alive.url, [], NOW)
        shop.outbox.put(moves("ada"), NOW)
        shop.outbox.put(moves("bob"), NOW)
        deliver(shop.outbox, until=lambda: len(alive.accepted) == 2)
        assert len(alive.accepted) == 2  # the other has not even run into its limit
        assert shop.outbox.counts(stuck.id)["error"] is None
        hasty = replace(QUICK, timeout_seconds=0.3)
        deliver(shop.outbox, hasty, until=lambda: shop.outbox.counts(stuck.id)["error"])
        assert shop.outbox.counts(stuck.id) == {
            "waiting": 2, "dead": 0, "error": "no answer within 0.3 s",
        }  # fmt: skip


def test_messages_of_one_destination_keep_their_order_over_failures(shop):
    with receiver(500, 200, 503, 503) as there:
        shop.outbox.add(there.url, [], NOW)
        for n in range(6):
            shop.outbox.put(moves("ada", op="left" if n % 2 else "entered"), NOW)
        deliver(shop.outbox)
        assert [json.loads(b)["op"] for b in there.accepted] == ["entered", "left"] * 3


def test_what_never_arrives_is_set_aside_and_shown_and_the_next_goes_on(shop):
    with receiver(500, 500) as there:
        hook = shop.outbox.add(there.url, [], NOW)
        shop.outbox.put(moves("ada"), NOW)  # years ago
        shop.outbox.put(moves("bob"), datetime.now(UTC))
        deliver(shop.outbox, replace(QUICK, max_age=timedelta(hours=1)))
        found = shop.outbox.dead(hook.id, 0, 10)
        assert [(d["message"]["ids"], d["attempts"], d["error"]) for d in found] == [
            (["ada"], 1, "status 500")
        ]
        assert json.loads(there.accepted[0])["ids"] == ["bob"]


def test_a_restart_in_the_middle_loses_no_message_and_no_change_is_told_twice(home):
    with receiver() as there:
        with LiveShop(home) as shop:
            shop.only(buyers=rule("order_count", ">=", 1))
            shop.at(0)
            hook = shop.outbox.add("http://127.0.0.1:1/nobody", [], NOW)
            shop.happens("purchase", 1)
            shop.at(1.1)
            deliver(shop.outbox, until=lambda: shop.outbox.counts(hook.id)["error"])
            shop.happens("purchase", 2, "bob", message_id="later")
        with LiveShop(home) as shop:
            shop.at(3)
            shop.tables.change("UPDATE webhooks SET url = ?", (there.url,))
            shop.tables.change("UPDATE outbox SET next_at = 0")
            deliver(shop.outbox)
            assert [json.loads(b)["ids"] for b in there.accepted] == [["ada"], ["bob"]]


def test_a_webhook_gets_the_segments_it_asked_for(shop):
    with receiver() as there:
        shop.outbox.add(there.url, ["buyers"], NOW)
        shop.outbox.put(moves("ada") + moves("bob", segment="others"), NOW)
        shop.outbox.put(moves(*(f"c{n}" for n in range(1_200))), NOW)
        deliver(shop.outbox)
        told = [json.loads(b) for b in there.accepted]
        assert [len(m["ids"]) for m in told] == [1, 500, 500, 200]
        assert {m["segment"] for m in told} == {"buyers"}


def test_a_redirect_is_not_followed(shop):
    with receiver(307) as there:
        hook = shop.outbox.add(there.url, [], NOW)
        shop.outbox.put(moves("ada"), datetime.now(UTC))
        deliver(shop.outbox, until=lambda: shop.outbox.counts(hook.id)["error"])
        assert shop.outbox.counts(hook.id)["error"] == "status 307"


@pytest.mark.parametrize(
    ("address", "off", "loopback"),
    [
        ("93.184.216.34", True, True), ("127.0.0.1", False, True), ("::1", False, True),
        ("10.0.0.7", False, False), ("192.168.1.1", False, False), ("fd00::1", False, False),
        ("169.254.169.254", False, False), ("100.64.0.1", False, False), ("0.0.0.0", False, False),
        ("::ffff:10.0.0.7", False, False), ("224.0.0.1", False, False),
    ],
)  # fmt: skip
def test_only_public_addresses_are_allowed(address, off, loopback):
    assert is_allowed(address, "off") is off and is_allowed(address, "loopback") is loopback


@pytest.mark.parametrize(
    "url", ["ftp://a.example/", "http://", "javascript:1", "https://u:p@a.example", "http://a:x/"]
)
def test_a_url_that_cannot_be_called_is_refused(url):
    with pytest.raises(InvalidInput):
        check_url(url)


def test_a_name_that_leads_inside_is_refused_and_says_which_setting_allows_it():
    with pytest.raises(InvalidInput, match="webhooks_private"):
        asyncio.run(target_of("http://localhost:80/x", "off"))
    target = asyncio.run(target_of("http://localhost:81/x", "loopback"))
    assert target.host_header == "localhost:81" and target.url.host in ("127.0.0.1", "::1")


def test_waits_grow_and_differ_by_chance(shop):
    deliverer = Deliverer(shop.outbox, Patience("off"), Metrics().deliveries)
    waits = [deliverer._wait(n) for n in (0, 1, 2, 30)]
    assert all(a < timedelta(hours=1) for a in waits)
    assert timedelta(seconds=2.5) <= waits[0] <= timedelta(seconds=5) <= waits[1]
    assert waits[3] >= timedelta(minutes=30) and START
