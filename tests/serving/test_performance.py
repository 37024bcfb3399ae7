"""What was shown is counted once, and what came of it is credited to the right list."""

import asyncio

import pytest
from little_shop import ago

from domain.proportions import wilson
from serving import exposures
from serving.exposures import Exposures, exposure_of
from serving.metrics import Metrics

LIST = "/v1/recommendations"


async def shown(shop, who="ada", placement="home", **more):
    asked = {"customer_id": who, "placement": placement, "limit": 3, **more}
    answer = (await shop.post(LIST, asked, "write")).json()
    await shop.runtime.exposures.flush()
    return answer["decision_id"], [i["item_id"] for i in answer["items"]]


async def measured(shop, placement="home", **asked):
    found = await shop.get(f"/v1/placements/{placement}/performance", params=asked)
    assert found.status_code == 200, found.text
    return found.json()


def act(item, decision_id=None, quantity=1):
    return {"product_id": item, "price": 5.0, "quantity": quantity, "decision_id": decision_id}


async def track(shop, event, who, properties, **more):
    body = {"userId": who, "event": event, "properties": properties, **more}
    assert (await shop.post("/v1/track", body, "write")).status_code == 200


def test_a_list_is_kept_as_shown_with_its_items_in_order(play):
    async def scene(shop):
        decision_id, items = await shown(shop)
        (event,) = shop.runtime.log.events_of("ada")
        assert (event.kind, event.message_id) == ("recommendation-shown", decision_id)
        assert [line.item_id for line in event.lines] == items and event.decision_id == decision_id
        assert dict(event.properties) == {
            "placement": "home", "model_versions": {"recommend": "3"}, "fallback": "popular",
            "propensity": 1.0,
        }  # fmt: skip
        assert (await shop.get("/v1/profiles/ada")).status_code == 404  # being shown is no deed
        assert (
            'nextbest_exposures_total{result="stored"} 1.0'
            in (await shop.get("/metrics", None)).text
        )

    play(scene)


def test_only_a_named_placement_counts_as_shown_unless_the_caller_says_otherwise(play):
    async def scene(shop):
        for asked, logged in [
            ({}, False),
            ({"log": True}, True),
            ({"placement": "home"}, True),
            ({"placement": "home", "log": False}, False),
            ({"placement": "home", "filter": {"item_id": "none"}}, False),  # nothing was shown
        ]:
            assert (await shop.post(LIST, asked, "write")).json()["logged"] is logged
        found = (await shop.get("/v1/placements")).json()["placements"]
        await shop.runtime.exposures.flush()
        found = (await shop.get("/v1/placements")).json()["placements"]
        assert [(p["placement"], p["exposures"]) for p in found] == [("default", 1), ("home", 1)]

    play(scene)


def test_a_click_and_a_purchase_that_carry_the_id_are_credited_with_revenue(play):
    async def scene(shop):
        first, items = await shown(shop)
        await shown(shop, "bob")
        await track(shop, "Product Clicked", "ada", act(items[0], first))
        await track(shop, "Product Clicked", "ada", act(items[1], first))
        await track(shop, "Product Clicked", "ada", act("new-bowl", first))  # was not in the list
        order = {
            "order_id": "o-1",
            "decision_id": first,
            "products": [act(items[0], quantity=2), act("new-bowl")],
        }
        await track(shop, "Order Completed", "ada", order, messageId="m")
        await track(shop, "Order Completed", "ada", order, messageId="m")  # counts once
        await track(shop, "Order Completed", "bob", act(items[0]))  # carries nothing
        body = await measured(shop)
        total = body["total"]
        assert (total["exposures"], total["items_shown"]) == (2, 6)
        assert (total["clicks"], total["conversions"], total["revenue"]) == (1, 1, 10.0)
        assert total["click_rate"] == 0.5
        assert total["click_rate_interval"] == pytest.approx(wilson(1, 2))
        (version,) = body["by_version"]
        assert version["model_versions"] == {"recommend": "3"}
        assert version["fallback"] == "popular" and version["revenue"] == 10.0

    play(scene)


def test_versions_and_fallbacks_are_told_apart_and_add_up(play):
    async def scene(shop):
        await shown(shop)
        await track(shop, "Product Viewed", "ada", act("bowl-0"))
        await shown(shop)
        body = await measured(shop)
        assert sorted((v["fallback"] or "", v["exposures"]) for v in body["by_version"]) == [
            ("", 1), ("popular", 1)
        ]  # fmt: skip
        assert body["total"]["exposures"] == 2

    play(scene)


def test_the_id_of_a_whole_call_credits_the_list_that_showed_the_item(play):
    async def scene(shop):
        want = {"recommendations": [{"placement": p, "limit": 2} for p in ("top", "foot")]}
        body = (await shop.post("/v1/decide", {"customer_id": "ada", "want": want}, "write")).json()
        item = body["recommendations"][1]["items"][0]["item_id"]
        context = {"decision_id": body["decision_id"]}
        await track(shop, "Order Completed", "ada", act(item), context=context)
        await shop.runtime.exposures.flush()
        assert (await measured(shop, "top"))["total"]["conversions"] == 0
        assert (await measured(shop, "foot"))["total"]["conversions"] == 1

    play(scene)


def test_by_profile_the_latest_list_that_showed_the_item_is_credited(play):
    async def scene(shop):
        _, items = await shown(shop)
        await shown(shop)
        await shown(shop, "bob")
        await track(shop, "Order Completed", "ada", act(items[0]))
        await track(shop, "Order Completed", "eve", act(items[0]))
        await track(shop, "Order Completed", "bob", act(items[1]), timestamp=ago(days=1))
        carried, profile = await measured(shop), await measured(shop, rule="profile")
        assert carried["total"]["conversions"] == 0 and carried["rule"] == "carried"
        assert (profile["total"]["conversions"], profile["total"]["revenue"]) == (1, 5.0)

    play(scene)


def test_outside_the_period_nothing_counts_and_zero_has_no_rate(play):
    async def scene(shop):
        await shown(shop)
        body = await measured(shop, to=ago(days=1))
        assert body["total"]["exposures"] == 0 and body["total"]["click_rate"] is None
        missing = await shop.get("/v1/placements/hone/performance")
        assert missing.status_code == 404 and "'home'" in missing.json()["message"]

    play(scene)


def test_exposures_that_wait_are_written_when_the_service_ends(play):
    async def before(shop):
        await shop.post(LIST, {"customer_id": "ada", "placement": "home"}, "write")

    async def after(shop):
        assert (await measured(shop))["total"]["exposures"] == 1

    play(before)
    play(after)


def showing(number):
    item = {"item_id": "mug-1", "price": 5.0, "category": None, "brand": None}
    answer = {
        "decision_id": f"d-{number}", "items": [item], "placement": "home", "model_versions": {},
        "fallback": None, "propensity": 1.0,
    }  # fmt: skip
    from datetime import UTC, datetime

    return exposure_of(answer, ("ada", "dev"), datetime.now(UTC))


def test_a_lost_exposure_is_counted_as_lost():
    async def scene():
        async def broken(_):
            raise OSError("disk full")

        metrics = Metrics()
        waiting = Exposures(broken, metrics, capacity=2)
        assert [waiting.offer(showing(n)) for n in range(3)] == [True, True, False]
        await waiting.flush()
        text = metrics.text().decode()
        assert 'nextbest_exposures_total{result="queue_full"} 1.0' in text
        assert 'nextbest_exposures_total{result="not_stored"} 2.0' in text

    asyncio.run(scene())


def test_what_is_more_than_one_writing_takes_does_not_wait_for_the_clock(monkeypatch):
    monkeypatch.setattr(exposures, "_GATHER_SECONDS", 3600)

    async def scene():
        written = []

        async def record(events):
            written.extend(events)
            return [True] * len(events)

        waiting = Exposures(record, Metrics())
        for number in range(45):
            assert waiting.offer(showing(number))
        for _ in range(20):
            await asyncio.sleep(0)
        assert [e.message_id for e in written] == [f"d-{n}" for n in range(40)]

    asyncio.run(scene())


def test_being_shown_a_list_links_no_device():
    assert (showing(1).customer_id, showing(1).anonymous_id) == ("ada", None)


def test_the_interval_of_a_rate_holds_it_and_shrinks_with_trials():
    assert wilson(0, 0) is None
    assert wilson(0, 10)[0] == 0.0 and wilson(10, 10)[1] == 1.0
    low, high = wilson(5, 10)
    assert (round(low, 4), round(high, 4)) == (
        0.2366,
        0.7634,
    )  # as R's prop.test without correction
    assert wilson(500, 1000)[1] - wilson(500, 1000)[0] < high - low
