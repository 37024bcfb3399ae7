"""Members and sizes are of this moment: who came after the release is in, who was erased is out."""

import asyncio
import csv
import io
from datetime import UTC, datetime

from little_shop import PROFILES, people_come, settled

LOOKERS = {"field": "interest_count", "operator": ">=", "value": 1}


async def ids_in(shop, key):
    page = (await shop.get(f"/v1/segments/{key}/members?limit=1000")).json()
    assert page["size"] == len(page["members"]) and page["fallback"] is None
    text = (await shop.get(f"/v1/segments/{key}/members?format=csv")).text
    ids = [m["profile_id"] for m in page["members"]]
    assert [row["profile_id"] for row in csv.DictReader(io.StringIO(text))] == ids
    (size,) = (s["size"] for s in (await shop.get("/v1/segments")).json()["segments"]
               if s["key"] == key)  # fmt: skip
    assert size == len(ids)
    return ids


def test_a_visitor_who_came_after_the_release_is_a_member_at_once(play):
    async def scene(shop):
        await shop.post("/v1/segments", {"name": "Lookers", "rule": LOOKERS})
        assert (await settled(shop))["total"] == 0
        asked = {"anonymousId": "new-phone", "event": "Product Viewed"}
        await shop.post("/v1/track", asked | {"properties": {"product_id": "mug-1"}}, "write")
        await settled(shop)
        assert await ids_in(shop, "lookers") == ["new-phone"]
        await shop.post("/v1/identify", {"userId": "zoe", "anonymousId": "new-phone"}, "write")
        body = await settled(shop)
        assert await ids_in(shop, "lookers") == ["zoe"] and body["total"] == 1

    play(scene)


def test_one_who_is_in_no_more_is_gone_and_values_are_those_of_now(play):
    async def scene(shop):
        await people_come(shop)
        assert await ids_in(shop, "first-time-buyers") == sorted(PROFILES)
        await shop.track("Order Completed", "c-7", "mug-1")
        await settled(shop)
        assert "c-7" not in await ids_in(shop, "first-time-buyers")
        page = (await shop.get("/v1/segments/likely-to-churn/members?limit=1000")).json()
        (seven,) = (m for m in page["members"] if m["profile_id"] == "c-7")
        assert (seven["order_count"], seven["churn_percentile"]) == (2, 90)
        assert datetime.fromisoformat(seven["since"]) < datetime.fromisoformat(page["as_of"])

    play(scene)


def test_an_erased_person_is_no_member_and_is_not_counted(play):
    async def scene(shop):
        await people_come(shop)
        await shop.ask("DELETE", "/v1/profiles/c-7")
        assert "c-7" not in await ids_in(shop, "likely-to-churn")
        assert (await shop.get("/v1/segments")).json()["total"] == 39
        await settled(shop)
        assert "c-7" not in await ids_in(shop, "likely-to-churn")

    play(scene)


def test_ids_of_a_release_that_nobody_knows_do_not_stay_members(play):
    async def scene(shop):
        await shop.track("Product Viewed", "ada", "mug-1")
        body = await settled(shop)  # the release has 20 of churn_percentile 90 who never came
        assert body["total"] == 1
        assert await ids_in(shop, "likely-to-churn") == []

    play(scene)


def test_as_of_is_not_now_while_something_waits(play):
    async def scene(shop):
        await settled(shop)
        await shop.runtime.live.runner.stop()
        before = datetime.now(UTC)
        await shop.track("Product Viewed", "ada", "mug-1")
        after = datetime.now(UTC)
        await asyncio.sleep(0.05)
        url = "/v1/segments/active-visitors/members"
        page = (await shop.get(url)).json()
        assert page["members"] == []
        assert before <= datetime.fromisoformat(page["as_of"]) <= after
        as_csv = await shop.get(f"{url}?format=csv")
        assert datetime.fromisoformat(as_csv.headers["X-As-Of"]) <= after
        shop.runtime.live.runner.start()
        await settled(shop)
        assert await ids_in(shop, "active-visitors") == ["ada"]

    play(scene)


def test_a_new_rule_says_that_it_is_still_being_asked_of_everybody(play):
    async def scene(shop):
        await settled(shop)
        await shop.runtime.live.runner.stop()
        await shop.post("/v1/segments", {"name": "Lookers", "rule": LOOKERS})
        assert (await shop.get("/v1/segments")).json()["fallback"] == "catching_up"
        page = (await shop.get("/v1/segments/lookers/members")).json()
        assert (page["members"], page["fallback"]) == ([], "catching_up")
        assert (await shop.get("/v1/segments/dormant/members")).json()["fallback"] is None

    play(scene)
