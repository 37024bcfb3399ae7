"""What SDKs ask for before they send: where to, and that nothing else is to be loaded."""

import base64

import pytest

ORIGIN = {"Origin": "https://shop.example"}


def test_segment_settings_lead_all_calls_back_to_this_host(play):
    async def scene(shop):
        key = shop.keys.write_key
        found = await shop.get(f"/v1/projects/{key}/settings", None, headers=ORIGIN)
        assert found.status_code == 200
        assert found.headers["Access-Control-Allow-Origin"] == ORIGIN["Origin"]
        body = found.json()
        assert body["integrations"] == {
            "Segment.io": {"apiKey": key, "apiHost": "t/v1", "protocol": "http"}
        }
        assert body["metrics"]["sampleRate"] == 0 and body["plan"] == {}

    play(scene)


@pytest.mark.parametrize("path", ["/sourceConfig", "/sourceConfig/"])
def test_a_rudderstack_source_is_enabled_and_has_no_destinations(play, path):
    async def scene(shop):
        key = shop.keys.write_key
        basic = base64.b64encode(f"{key}:".encode()).decode()
        for query, headers in (
            (f"?writeKey={key}&p=npm&v=3", ORIGIN),
            ("?p=android", {"Authorization": f"Basic {basic}"} | ORIGIN),
        ):
            found = await shop.get(path + query, None, headers=headers)
            assert found.status_code == 200, found.text
            assert found.headers["Access-Control-Allow-Origin"] == ORIGIN["Origin"]
            source = found.json()["source"]
            assert (source["enabled"], source["destinations"]) == (True, [])
            assert source["id"] and isinstance(source["config"], dict)

    play(scene)


def test_who_has_no_key_is_told_at_once(play):
    async def scene(shop):
        for path in (
            "/v1/projects/pk_wrong/settings",
            "/sourceConfig/",
            "/sourceConfig?writeKey=x",
        ):
            found = await shop.get(path, None, headers=ORIGIN)
            assert (found.status_code, found.json()["code"]) == (401, "not_authenticated")
            assert found.headers["Access-Control-Allow-Origin"] == ORIGIN["Origin"]

    play(scene)


def test_a_preflight_may_ask_with_the_headers_that_the_sdks_send(play):
    headers = ORIGIN | {
        "Access-Control-Request-Method": "GET",
        "Access-Control-Request-Headers": "authorization,anonymousid,x-write-key,x-retry-count",
    }

    async def scene(shop):
        for path in ("/sourceConfig/", "/v1/projects/pk/settings", "/v1/track", "/api/s/track"):
            found = await shop.ask("OPTIONS", path, None, headers=headers)
            assert found.status_code == 200, path
            allowed = found.headers["Access-Control-Allow-Headers"].lower()
            assert all(name in allowed for name in ("anonymousid", "x-write-key", "x-retry-count"))

    play(scene)
