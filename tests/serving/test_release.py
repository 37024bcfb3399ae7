import asyncio
import json
import shutil

from little_shop import MUGS, point_at, write_items

URL = "/v1/recommendations"


async def until(condition):
    for _ in range(300):
        if await condition():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it never happened")


def copy_release(shop, name):
    folder = shop.home / "releases" / name
    shutil.copytree(shop.home / "releases" / "r1", folder)
    return folder


def test_a_new_release_is_taken_up_without_a_failed_request(play):
    async def scene(shop):
        seen, failed, done = set(), [], asyncio.Event()

        async def ask_on():
            while not done.is_set():
                found = await shop.post(URL, {"customer_id": "ada", "limit": 3}, "write")
                if found.status_code != 200 or not found.json()["items"]:
                    failed.append(found.text)
                seen.add(found.json()["release_id"])
                await asyncio.sleep(0.001)  # without a socket nothing else lets others in

        asking = [asyncio.create_task(ask_on()) for _ in range(4)]
        for name in ("r2", "r3", "r4"):
            write_items(copy_release(shop, name), MUGS)
            point_at(shop.home, name)

            async def taken(name=name):
                return name in seen

            await until(taken)
        done.set()
        await asyncio.gather(*asking)
        assert not failed and seen == {"r1", "r2", "r3", "r4"}

        async def counted():
            return "nextbest_release_swaps_total 3.0" in (await shop.get("/metrics", None)).text

        await until(counted)

    play(scene)


def test_a_broken_release_does_not_replace_a_good_one(play):
    async def scene(shop):
        (copy_release(shop, "r2") / "items.parquet").write_bytes(b"broken")
        for name in ("r2", "r9", "../elsewhere"):
            point_at(shop.home, name)
            shop.runtime.refresh()
            assert (await shop.get("/health/ready", None)).json()["release_id"] == "r1"
        copy_release(shop, "r3")
        point_at(shop.home, "r3")
        shop.runtime.refresh()
        assert (await shop.get("/health/ready", None)).json()["release_id"] == "r3"

    play(scene, release_poll_seconds=3600)


def test_the_first_release_ends_the_fallback(play, templates):
    async def scene(shop):
        before = (await shop.get("/health/ready", None)).json()
        assert before == {
            "status": "ready", "release_id": None, "release_created_at": None, "models": {},
            "items": 0, "faults": [],
        }  # fmt: skip
        shutil.copytree(templates[True] / "releases", shop.home / "releases")
        shop.runtime.refresh()
        after = (await shop.get("/health/ready", None)).json()
        assert after["release_id"] == "r1"
        assert after["models"] == {"recommend": "3", "churn": "2"}

    play(scene, release=False, release_poll_seconds=3600)


def test_the_release_says_how_acts_are_weighed(play):
    async def scene(shop):
        about = shop.home / "releases/r1/release.json"
        plain = json.loads(about.read_text())
        plain["models"]["recommend"] |= {"weights": {"purchase": 1.0}, "half_life_days": 30}
        folder = copy_release(shop, "r2")
        (folder / "release.json").write_text(json.dumps(plain))
        await shop.track("Product Viewed", "ada", "bowl-0")
        assert (await shop.post(URL, {"customer_id": "ada"})).json()["fallback"] is None
        point_at(shop.home, "r2")
        shop.runtime.refresh()
        assert (await shop.post(URL, {"customer_id": "ada"})).json()["fallback"] == "popular"

    play(scene, release_poll_seconds=3600)


def test_live_and_metrics_need_no_key(play):
    async def scene(shop):
        assert (await shop.get("/health/live", None)).json() == {"status": "live"}
        await shop.post(URL, {}, "write")
        text = (await shop.get("/metrics", None)).text
        assert 'nextbest_http_requests_total{method="POST",route="/v1/recommendations"' in text
        assert 'nextbest_answers_total{fallback="popular",kind="recommendations"} 1.0' in text

    play(scene)
