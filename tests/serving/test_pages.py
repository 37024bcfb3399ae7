import re

from little_shop import ago

PREFIX = re.compile(r'data-id-prefix="(nextbest-demo-[0-9a-f]{24}-)"')


async def enter(shop):
    """Open the demo page; return the visitor's prefix and cookie."""
    page = await shop.get("/demo", key=None)
    assert page.status_code == 200, page.text
    return PREFIX.search(page.text).group(1), {"cookie": page.headers["set-cookie"].split(";")[0]}


async def panel_of(shop, anonymous_id, cookie):
    async with shop.client(None) as client:
        return await client.get(
            "/demo/panel", params={"anonymous_id": anonymous_id}, headers=cookie
        )


async def say(shop, kind, **message):
    found = await shop.post(f"/v1/{kind}", {"timestamp": ago(seconds=1), **message}, "write")
    assert found.status_code == 200, found.text


def test_the_tracker_needs_no_key_and_is_not_sent_twice(play):
    async def scene(shop):
        first = await shop.get("/tracker.js", key=None)
        assert first.headers["content-type"].startswith("text/javascript")
        assert len(first.text.splitlines()) < 250
        async with shop.client(None) as client:
            again = await client.get(
                "/tracker.js", headers={"If-None-Match": f'"x", W/{first.headers["etag"]}'}
            )
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == first.headers["etag"]

    play(scene)


def test_the_demo_page_is_there_for_this_machine_alone_unless_it_is_turned_on(play):
    async def by_name(shop):
        refused = await shop.get("/demo", key=None)  # asked for as http://t/demo
        assert (refused.status_code, refused.json()["code"]) == (404, "not_found")
        async with shop.client(None) as client:
            page = await client.get("/demo", headers={"Host": "127.0.0.1:8600"})
            assert page.status_code == 200

    async def off(shop):
        async with shop.client(None) as client:
            for path in (
                "/demo",
                "/demo/shelf",
                "/demo/static/demo.js",
                "/demo/panel?anonymous_id=a",
            ):
                answer = await client.get(path, headers={"Host": "localhost"})
                assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
        assert (await shop.get("/tracker.js", key=None)).status_code == 200

    play(by_name)
    play(off, demo_page="off")
    play(off, host="0.0.0.0")


def test_the_page_holds_the_public_key_and_never_the_secret_one(play):
    async def scene(shop):
        page = await shop.get("/demo/items/mug-1", key=None)
        assert shop.keys.write_key in page.text
        assert shop.keys.secret_key not in page.text
        assert "{{" not in page.text

    play(scene, demo_page="on")


def test_the_panel_shows_the_visitor_who_asks(play):
    async def scene(shop):
        prefix, cookie = await enter(shop)
        assert (await panel_of(shop, prefix + "1", cookie)).json()["events"] == []
        await say(shop, "track", anonymousId=prefix + "1", event="Product Viewed",
                  properties={"product_id": "mug-1"})  # fmt: skip
        told = (await panel_of(shop, prefix + "1", cookie)).json()
        assert told["events"][0]["label"] == "Item view"
        assert told["events"][0]["about"] == "Mug 1"
        assert told["behaviour"]["item_view_count"] == 1
        await say(shop, "identify", anonymousId=prefix + "1", userId=prefix + "ada")
        told = (await panel_of(shop, prefix + "1", cookie)).json()
        assert told["profile_id"] == prefix + "ada"
        assert told["behaviour"]["item_view_count"] == 1

    play(scene, demo_page="on")


def test_the_panel_refuses_everybody_else(play):
    async def scene(shop):
        prefix, cookie = await enter(shop)
        other, _ = await enter(shop)
        await shop.track("Product Viewed", item="mug-1")  # of ada, a customer of the shop
        forged = {"cookie": f"nextbest_demo={other}.{'0' * 64}"}
        for anonymous_id, sent in (
            ("ada", cookie), (other + "1", cookie), (prefix + "1", {}), (other + "1", forged),
            ("", cookie), (prefix[:-1], cookie),
        ):  # fmt: skip
            answer = await panel_of(shop, anonymous_id, sent)
            assert answer.status_code in (400, 404), (anonymous_id, answer.text)
            assert "mug" not in answer.text.lower()

    play(scene, demo_page="on")


def test_linking_a_foreign_profile_to_a_demo_visitor_closes_the_panel(play):
    async def scene(shop):
        prefix, cookie = await enter(shop)
        await shop.track("Product Viewed", item="mug-1")  # of ada, a customer of the shop
        await say(shop, "track", anonymousId="device-of-eve", event="Product Viewed",
                  properties={"product_id": "bowl-1"})  # fmt: skip
        await say(shop, "identify", anonymousId=prefix + "1", userId="ada")
        await say(shop, "alias", previousId="ada", userId=prefix + "x")
        await say(shop, "identify", anonymousId=prefix + "2", userId=prefix + "x")
        await say(shop, "identify", anonymousId="device-of-eve", userId=prefix + "y")
        await say(shop, "identify", anonymousId=prefix + "3", userId=prefix + "y")
        for device in ("1", "2", "3", "x", "y"):
            answer = await panel_of(shop, prefix + device, cookie)
            assert answer.status_code == 404, answer.text

    play(scene, demo_page="on")


def test_the_shelf_finds_items_by_words_category_and_id(play):
    async def scene(shop):
        async def ids(**asked):
            found = (await shop.get("/demo/shelf", key=None, params=asked)).json()
            return [item["item_id"] for item in found["items"]]

        assert await ids(q="bowl 3") == ["bowl-3"]
        assert set(await ids(category="mugs")) == {f"mug-{n}" for n in range(6)}
        assert await ids(ids=["gone-mug", "nothing"]) == ["gone-mug"]
        assert await ids(q="nothing like it") == []
        assert len(await ids(limit=3)) == 3

    play(scene, demo_page="on")
