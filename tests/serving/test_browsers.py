"""Pages of other shops' origins, and the ways in which SDKs and beacons call."""

import json

import pytest

from serving.browsers import is_for_browsers

ORIGIN = {"Origin": "https://shop.example"}
ASKING = ORIGIN | {
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "content-type,authorization",
}
TRACK = {"userId": "ada", "event": "search"}


def test_a_preflight_is_answered_for_what_pages_may_call(play):
    async def scene(shop):
        for path in ("/v1/batch", "/v1/t", "/v1/recommendations", "/v1/decide", "/api/s/track"):
            found = await shop.ask("OPTIONS", path, None, headers=ASKING)
            assert found.status_code == 200, path
            assert found.headers["Access-Control-Allow-Origin"] == ORIGIN["Origin"]
            assert "authorization" in found.headers["Access-Control-Allow-Headers"]
            assert found.headers["Access-Control-Allow-Credentials"] == "true"
        for path in ("/v1/profiles/ada", "/v1/segments", "/metrics"):
            found = await shop.ask("OPTIONS", path, None, headers=ASKING)
            assert "Access-Control-Allow-Origin" not in found.headers, path

    play(scene)


def test_answers_and_faults_can_be_read_by_the_page(play):
    async def scene(shop):
        for key, status in (("write", 200), ("pk_wrong", 401)):
            found = await shop.post("/v1/track", TRACK, key, headers=ORIGIN)
            assert found.status_code == status
            assert found.headers["Access-Control-Allow-Origin"] in ("*", ORIGIN["Origin"])
            assert "Retry-After" in found.headers["Access-Control-Expose-Headers"]

    play(scene)


def test_the_origins_can_be_named(play):
    async def scene(shop):
        named = await shop.post(
            "/v1/track", TRACK, "write", headers={"Origin": "https://b.example"}
        )
        other = await shop.post("/v1/track", TRACK, "write", headers=ORIGIN)
        assert named.headers["Access-Control-Allow-Origin"] == "https://b.example"
        assert "Access-Control-Allow-Origin" not in other.headers

    play(scene, cors_origins="https://a.example, https://b.example")


def test_what_needs_the_secret_key_is_not_for_pages():
    assert not any(
        map(is_for_browsers, ("/v1/profiles/a", "/v1/next-best-action", "/v1/segments", "/docs"))
    )


def test_a_beacon_has_no_headers_of_its_own(play):
    """`navigator.sendBeacon(url, text)` sends text/plain and cannot carry a key but in the rest."""

    async def scene(shop):
        key = shop.keys.write_key
        plain = {"Content-Type": "text/plain;charset=UTF-8"} | ORIGIN
        inside = json.dumps(TRACK | {"writeKey": key})
        batch = json.dumps({"batch": [TRACK | {"type": "track"}]})
        asked = [
            ("/v1/track", inside, plain),
            ("/v1/t", inside, {}),
            (f"/v1/track?writeKey={key}", json.dumps(TRACK), plain),
            (f"/beacon/v1/batch?writeKey={key}", batch, plain),
        ]
        for path, content, headers in asked:
            found = await shop.ask("POST", path, None, content=content, headers=headers)
            assert found.status_code == 200, found.text

    play(scene)


LETTERS = {"track": "t", "identify": "i", "page": "p", "screen": "s", "group": "g", "alias": "a"}


@pytest.mark.parametrize("kind", LETTERS)
def test_every_call_goes_by_the_names_of_the_other_sdks(play, kind):
    async def scene(shop):
        body = {"userId": "ada", "previousId": "dev", "event": "search"}
        calls = [f"/v1/{kind}", f"/v1/{LETTERS[kind]}", f"/api/s/{kind}", f"/api/s/s2s/{kind}"]
        answers = [await shop.post(path, body, "write") for path in calls]
        assert [a.status_code for a in answers] == [200] * 4
        kinds = {e.kind for e in shop.runtime.log.events_of("ada")}
        assert len(kinds) == 1 and shop.runtime.log.summary().events == 4

    play(scene)


def test_a_batch_goes_by_the_names_of_the_other_sdks(play):
    async def scene(shop):
        body = {"batch": [TRACK | {"type": "track"}]}
        for path in ("/v1/import", "/v1/b", "/beacon/v1/batch", "/api/s/batch", "/api/s/s2s/batch"):
            assert (await shop.post(path, body, "write")).status_code == 200, path
        key = {"X-Write-Key": f"{shop.keys.write_key}:"}
        found = await shop.post("/api/s/s2s/track", TRACK, None, headers=key)
        assert found.status_code == 200

    play(scene)
