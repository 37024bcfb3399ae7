"""Undocumented means red: every route stands in docs/api.md, with an example that works."""

import json
import re
import socket
from pathlib import Path

from domain.settings import Settings
from serving.app import create_app

PAGE = Path(__file__).parents[2] / "docs" / "api.md"
ROW = re.compile(r"^\| `([A-Z]+) (\S+)` \| (\S+) \| .* \| `(.+)` \|$", re.MULTILINE)
HOOK = "wh_5f0c2d7a91b34e68"
KEYS = {"public": "write", "public*": "write", "secret": "secret", "none": None}


def documented():
    return {(method, path): (key, example) for method, path, key, example in ROW.findall(text())}


def text():
    return PAGE.read_text(encoding="utf-8")


def test_every_route_of_the_app_is_in_the_table_and_no_other(tmp_path):
    paths = create_app(Settings(home=tmp_path)).openapi()["paths"]
    there = {(method.upper(), path) for path, methods in paths.items() for method in methods}
    assert set(documented()) == there


def test_every_example_works_with_the_key_it_is_said_to_need(play, monkeypatch):
    address = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("93.184.216.34", 443))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [address])  # no net is needed

    async def scene(shop):
        await shop.track("Order Completed", "c-1", "mug-1")
        await shop.track("Order Completed", "c-9", "mug-1")  # who is erased
        await shop.post("/v1/recommendations", {"customer_id": "c-1", "placement": "home"})
        await shop.runtime.exposures.flush()
        rule = {"field": "order_count", "operator": ">=", "value": 3}
        await shop.post("/v1/segments", {"name": "Loyal", "key": "loyal", "rule": rule})
        for name in ("home", "old"):
            await shop.ask("PUT", f"/v1/placements/{name}", json={"note": "there already"})
        for (method, path), (key, example) in sorted(documented().items()):
            example = example.replace("sku-42", "mug-1")
            body = {"json": json.loads(example)} if method in ("POST", "PUT") else {}
            filled = path.replace("{id}", HOOK).replace("{merge_id}", HOOK)
            filled = filled.replace("{profile_id}", "c-1").replace("{name}", "home")
            url = filled if method in ("POST", "PUT") else example
            found = await shop.ask(method, url, KEYS[key], **body)
            fine = (404,) if HOOK in url else (200, 201, 204)  # made by chance, as merges are
            assert found.status_code in fine, (method, path, found.text)
            if key == "secret":
                weaker = await shop.ask(method, url, "write", **body)
                assert weaker.status_code == 403, (method, path)
            if key != "none":
                nobody = await shop.ask(method, url, None, **body)
                assert nobody.status_code == 401, (method, path)

    play(scene)


def test_the_limits_that_the_page_names_are_those_of_the_code():
    from serving.payload import MAX_BATCH_EVENTS
    from serving.shapes.decide import MAX_EVENTS, MAX_PLACEMENTS

    plain = " ".join(text().split())
    assert f"at most {MAX_PLACEMENTS} lists and {MAX_EVENTS} events" in plain
    assert f"up to {MAX_BATCH_EVENTS:,} events" in plain
