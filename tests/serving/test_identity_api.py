"""Merges, export and erasure over HTTP: what joined whom, what is held, and that it goes."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from little_shop import PROFILES
from traces import redis_traces, traces

from domain.settings import EMBEDDED

MAIL = "vic@gone.example"
SAID = [
    {"type": "identify", "messageId": "vm-1", "userId": "c-7vic", "anonymousId": "vic-phone",
     "traits": {"email": MAIL, "plan": "gold"}, "timestamp": "2026-01-01T10:00:00Z"},
    {"type": "identify", "messageId": "vm-2", "userId": "c-9vic", "traits": {"email": MAIL.upper()},
     "timestamp": "2026-01-02T10:00:00Z"},
    {"type": "track", "event": "Order Completed", "messageId": "vm-3", "userId": "c-9vic",
     "timestamp": "2026-01-03T10:00:00Z",
     "properties": {"revenue": 9, "products": [{"product_id": "mug-1", "price": 9}]}},
    {"type": "track", "event": "Product Viewed", "messageId": "om-1", "userId": "c-1",
     "properties": {"product_id": "mug-2"}, "timestamp": "2026-01-03T10:00:00Z"},
]  # fmt: skip
TEXTS = ["c-7vic", "c-9vic", "vic-phone", MAIL, MAIL.upper(), "vm-"]


def put_in_release(home: Path) -> None:
    """Let the person take the place of one of the profiles."""
    folder = home / "releases" / "r1"
    table = pq.read_table(folder / "profiles.parquet")
    ids = ["c-7vic" if i == PROFILES[7] else i for i in table["profile_id"].to_pylist()]
    place = table.column_names.index("profile_id")
    pq.write_table(table.set_column(place, "profile_id", [ids]), folder / "profiles.parquet")
    with np.load(folder / "customers.npz") as arrays:
        np.savez(folder / "customers.npz", profile_ids=np.array(ids), vectors=arrays["vectors"])


@pytest.fixture
def anywhere(play, place):
    """Run a scene with log and states in SQLite, and in Redis."""

    def run(scene):
        play(scene, event_log=place.event_log, online_store=place.online_store)

    return run


def traces_in(shop):
    log = shop.runtime.settings.event_log
    return traces(shop.home, TEXTS) + ([] if log == EMBEDDED else redis_traces(log, TEXTS))


async def told(shop):
    async with shop.client(shop.keys.secret_key) as api:
        answer = await api.post("/v1/batch", json={"batch": SAID})
        assert answer.json()["stored"] == 4, answer.text


def test_a_merge_is_shown_and_can_be_undone(anywhere):
    async def scene(shop):
        await told(shop)
        async with shop.client(shop.keys.secret_key) as api:
            answer = (await api.get("/v1/profiles/vic-phone/merges")).json()
            assert (answer["profile_id"], answer["ids"]) == ("c-7vic", ["c-7vic", "c-9vic"])
            (merge,) = answer["merges"]
            assert (merge["reason"], merge["message_id"]) == ("email", "vm-2")
            assert (await api.get("/v1/profiles/c-9vic")).json()["profile_id"] == "c-7vic"
            path = f"/v1/profiles/c-9vic/merges/{merge['merge_id']}/undo"
            undone = (await api.post(path)).json()
            assert undone["profiles"] == {"c-7vic": "c-7vic", "c-9vic": "c-9vic"}
            alone = (await api.get("/v1/profiles/c-9vic")).json()
            assert alone["profile_id"] == "c-9vic" and alone["behaviour"]["order_count"] == 1
            assert (await api.get("/v1/profiles/c-7vic")).json()["behaviour"]["order_count"] == 0
            assert (await api.post(path)).status_code == 409
            assert (await api.post(path.replace(merge["merge_id"], "x"))).status_code == 404
            assert (await api.get("/v1/profiles/nobody-at-all/merges")).status_code == 404

    anywhere(scene)


def test_ids_and_keys_that_name_nobody_join_no_strangers(anywhere):
    async def scene(shop):
        async with shop.client(shop.keys.secret_key) as api:
            for device in ("tab-1", "tab-2"):  # a site that writes its missing user as a word
                said = {"userId": "null", "anonymousId": device, "event": "search"}
                assert (await api.post("/v1/track", json=said)).status_code == 200
            for who, mail in (("u-1", "undefined@null.com"), ("u-2", "undefined@null.com")):
                traits = {"email": mail, "phone": "0000000000", "crm_id": "N/A"}
                await api.post("/v1/identify", json={"userId": who, "traits": traits})
            for own in ("tab-1", "tab-2", "u-1", "u-2"):
                assert (await api.get(f"/v1/profiles/{own}")).json()["profile_id"] == own
            assert (await api.get("/v1/profiles/null")).status_code == 404
            zeros = {"anonymousId": "00000000-0000-0000-0000-000000000000", "event": "search"}
            refused = await api.post("/v1/track", json=zeros)
            assert refused.status_code == 400 and "names nobody" in refused.json()["message"]
            alias = {"userId": "u-1", "previousId": "undefined"}
            assert (await api.post("/v1/alias", json=alias)).status_code == 400

    anywhere(scene)


def test_everything_held_can_be_taken_along(anywhere):
    async def scene(shop):
        await told(shop)
        async with shop.client(shop.keys.secret_key) as api:
            held = (await api.get("/v1/profiles/c-9vic/export")).json()
            assert held["ids"] == ["c-7vic", "c-9vic", "vic-phone"]
            assert {e["message_id"] for e in held["events"]} == {"vm-1", "vm-2", "vm-3"}
            assert held["traits"]["plan"]["value"] == "gold" and len(held["merges"]) == 1
            assert (await api.get("/v1/profiles/nobody-at-all/export")).status_code == 404

    anywhere(scene)


def test_an_erased_person_is_gone_from_files_answers_and_memory(anywhere):
    async def scene(shop):
        await told(shop)
        async with shop.client(shop.keys.secret_key) as api:
            seed = {"seed": ["c-7vic"], "limit": 3}
            before = await api.post("/v1/lookalikes", json=seed)
            done = (await api.delete("/v1/profiles/c-9vic")).json()
            assert done["erased"] and set(done["ids"]) == {"c-7vic", "c-9vic", "vic-phone"}
            assert traces_in(shop) == []
            assert (before.status_code, (await api.post("/v1/lookalikes", json=seed)).status_code) \
                == (200, 404)  # fmt: skip
            for known in ("c-7vic", "c-9vic", "vic-phone"):
                assert (await api.get(f"/v1/profiles/{known}")).status_code == 404
            again = await api.delete("/v1/profiles/c-7vic")
            assert again.status_code == 404 and "erased already" in again.json()["message"]
            assert (await api.get("/v1/profiles/c-1")).status_code == 200

    anywhere(lambda shop: _with_release(shop, scene))


async def _with_release(shop, scene):
    put_in_release(shop.home)
    (shop.home / "releases" / "erased").write_text("read it again")
    shop.app.state.runtime.refresh()
    await scene(shop)


def test_replays_are_rejected_and_say_why(anywhere):
    async def scene(shop):
        await told(shop)
        async with shop.client(shop.keys.secret_key) as api:
            await api.delete("/v1/profiles/c-7vic")
            results = (await api.post("/v1/batch", json={"batch": SAID})).json()["results"]
            assert [r["status"] for r in results] == ["rejected"] * 3 + ["duplicate"]
            assert results[0]["code"] == "erased"
            one = await api.post("/v1/track", json=SAID[2])
            assert one.status_code == 410
            decided = {"customer_id": "c-7vic", "events": [SAID[2]]}
            await api.post("/v1/decide", json=decided)
        await shop.app.state.runtime.exposures.flush()
        assert traces_in(shop) == []

    anywhere(scene)


def test_the_write_key_may_do_none_of_it(play):
    async def scene(shop):
        async with shop.client(shop.keys.write_key) as api:
            for method, path in (
                ("GET", "merges"), ("GET", "export"), ("POST", "merges/x/undo"),
            ):  # fmt: skip
                asked = await api.request(method, f"/v1/profiles/c-1/{path}")
                assert asked.status_code == 403
            assert (await api.delete("/v1/profiles/c-1")).status_code == 403

    play(scene)
