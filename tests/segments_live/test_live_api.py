"""Over the real app: an event reaches the journal and a webhook at once."""

import asyncio
import json
import shutil
from datetime import UTC, datetime, timedelta

from little_shop import opened
from receivers import receiver
from test_webhooks import signature_holds

RULE = {"combinator": "and", "rules": [{"field": "search_count", "operator": ">=", "value": 1}]}


def play(home, registered, scene):
    if not home.exists():
        shutil.copytree(registered, home)

    async def all_of_it():
        async with opened(home, segment_poll_seconds=0.03, webhook_retry_seconds=0.02) as shop:
            await scene(shop)

    asyncio.run(all_of_it())


async def soon(condition, seconds=20):
    for _ in range(100 * seconds):
        if found := await condition():
            return found
        await asyncio.sleep(0.01)
    raise AssertionError("it did not happen")


def test_an_event_reaches_the_journal_and_the_webhook(home, registered):
    async def scene(shop):
        made = await shop.post("/v1/segments", {"name": "Seekers", "rule": RULE})
        assert made.status_code == 201
        with receiver(500) as there:
            asked = {"url": there.url, "segments": ["seekers"]}
            hook = (await shop.post("/v1/webhooks", asked)).json()
            await asyncio.sleep(0.1)  # the new segment is being filled
            sent = await shop.track("Products Searched", "ada", messageId="first")
            assert sent

            async def changes():
                return (await shop.get("/v1/segments/seekers/changes")).json()["changes"]

            found = await soon(changes)
            assert [(c["profile_id"], c["op"], c["cause"]) for c in found] == [
                ("ada", "entered", "first")
            ]

            async def arrived():
                return there.accepted

            assert json.loads((await soon(arrived))[0])["ids"] == ["ada"]
            assert signature_holds(
                hook["secret"], there.got[0][0]["X-Nextbest-Signature"], there.got[0][1]
            )
            listed = (await shop.get("/v1/webhooks")).json()["webhooks"][0]
            assert "secret" not in listed and listed["dead"] == 0
            ping = (await shop.post(f"/v1/webhooks/{hook['id']}/ping", None)).json()
            assert ping["delivered"] and json.loads(there.got[-1][1])["op"] == "ping"
            assert (await shop.get(f"/v1/webhooks/{hook['id']}/dead")).json()["messages"] == []
            gone = await shop.ask("DELETE", f"/v1/webhooks/{hook['id']}")
            assert gone.status_code == 204
            assert (await shop.ask("DELETE", f"/v1/webhooks/{hook['id']}")).status_code == 404

    play(home, registered, scene)


def test_time_alone_tells_the_webhook_while_nobody_sends_anything(home, registered):
    async def scene(shop):
        fading = {"field": "interest_count_1h", "operator": "<", "value": 1}
        await shop.post("/v1/segments", {"name": "Fading", "rule": fading})
        with receiver() as there:
            await shop.post("/v1/webhooks", {"url": there.url, "segments": ["fading"]})
            await asyncio.sleep(0.1)  # the new segment is being filled
            soon_half = datetime.now(UTC) - timedelta(hours=1) + timedelta(seconds=3)
            views = [
                {
                    "type": "track",
                    "event": "Product Viewed",
                    "userId": "ada",
                    "timestamp": soon_half.isoformat(),
                    "properties": {"product_id": "mug-1"},
                }
            ] * 2  # 2 an hour ago, so 1 in a moment and less from then on
            await shop.post("/v1/batch", {"batch": views}, "write")

            async def arrived():
                return there.accepted

            told = json.loads((await soon(arrived, 30))[0])
            assert {"segment", "op", "ids", "version", "at"} <= told.keys()
            assert (told["segment"], told["op"], told["ids"]) == ("fading", "entered", ["ada"])
            changes = (await shop.get("/v1/segments/fading/changes")).json()["changes"]
            assert [c["cause"] for c in changes] == ["time"]

    play(home, registered, scene)


def test_the_journal_comes_in_pages(home, registered):
    async def scene(shop):
        await shop.post("/v1/segments", {"name": "Seekers", "rule": RULE})
        await asyncio.sleep(0.1)
        for n in range(3):
            await shop.track("Products Searched", f"c{n}")

        async def three():
            body = (await shop.get("/v1/segments/seekers/changes")).json()
            return len(body["changes"]) == 3 and body["next"] is None

        await soon(three)
        page = (await shop.get("/v1/segments/seekers/changes?limit=2")).json()
        rest = (await shop.get(f"/v1/segments/seekers/changes?after={page['next']}")).json()
        told = [c["profile_id"] for c in page["changes"] + rest["changes"]]
        assert told == ["c0", "c1", "c2"]

    play(home, registered, scene)


def test_what_cannot_be_is_refused_with_a_cure(home, registered):
    async def scene(shop):
        for body, status in (
            ({"url": "ftp://x.example"}, 400),
            ({"url": "http://10.0.0.1/"}, 400),
            ({"url": "http://127.0.0.1:9/", "segments": ["nowhere"]}, 404),
            ({"url": "http://127.0.0.1:9/", "more": 1}, 400),
        ):
            assert (await shop.post("/v1/webhooks", body)).status_code == status, body
        later = await shop.post("/v1/webhooks", {"url": "https://not-yet.invalid/hook"})
        assert later.status_code == 201  # a host may come; each delivery looks again
        ping = await shop.post(f"/v1/webhooks/{later.json()['id']}/ping", None)
        assert "cannot be found" in ping.json()["error"]
        assert (await shop.post("/v1/webhooks", {"url": "http://x"}, "write")).status_code == 403
        assert (await shop.get("/v1/segments/nowhere/changes")).status_code == 404

    play(home, registered, scene)
