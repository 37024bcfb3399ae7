import json
from pathlib import Path

import pytest
from little_shop import BOWLS, MUGS

from domain.settings import Settings
from serving.app import create_app
from serving.explain import VERDICTS
from serving.question import SOURCES
from serving.reasons import KINDS

PAGE = Path(__file__).parents[2] / "docs" / "api.md"
URL, LIST = "/v1/recommendations/explain", "/v1/recommendations"


async def why(shop, item_id, **asked):
    asked = {k: json.dumps(v) if isinstance(v, dict | bool) else v for k, v in asked.items()}
    found = await shop.get(URL, params={"customer_id": "ada", "item_id": item_id, **asked})
    assert found.status_code == 200, found.text
    return found.json()


def test_each_thing_that_keeps_an_item_out_has_its_verdict(play):
    async def scene(shop):
        await shop.track("Order Completed", "ada", "mug-1")
        await shop.track("Product Viewed", "ada", "mug-2")
        cheap = {"price": {"<=": 9}, "not": {"category": "bowls"}}
        expected = [
            ("teapot", {}, "not_in_catalogue"),
            ("gone-mug", {}, "out_of_stock"),
            ("mug-1", {}, "bought"),
            ("mug-2", {"exclude_seen": True}, "seen"),
            ("mug-3", {"exclude": ["mug-3"]}, "excluded"),
            ("mug-3", {"context_items": ["mug-3"]}, "on_the_page"),
            ("mug-5", {"filter": cheap}, "filtered"),
            ("mug-1", {"exclude_purchased": False, "limit": 50}, "returned"),
            ("bowl-5", {"limit": 1}, "ranked_lower"),
        ]
        for item_id, asked, verdict in expected:
            assert (await why(shop, item_id, **asked))["verdict"] == verdict, item_id
        parts = [h["part"] for h in (await why(shop, "bowl-5", filter=cheap))["hindrances"]]
        assert parts == ["filter.price.<=", "filter.not"]
        lower = await why(shop, "bowl-5", limit=1)
        assert lower["score"] < lower["needed"] and lower["rank"] > 1
        assert lower["sources"][0]["source"] == lower["source"] == "model"

    play(scene)


def test_it_agrees_with_the_answer_given(play):
    async def scene(shop):
        await shop.track("Product Viewed", "ada", "bowl-1")
        answer = (await shop.post(LIST, {"customer_id": "ada", "limit": 4})).json()
        shown = [item["item_id"] for item in answer["items"]]
        for item_id in (*MUGS, *BOWLS, "new-bowl"):
            found = await why(shop, item_id, limit=4)
            assert found["returned"] == shown
            assert (found["verdict"] == "returned") == (item_id in shown)
            if item_id in shown:
                item = answer["items"][found["rank"] - 1]
                assert item["item_id"] == item_id and item["score"] == found["score"]
                assert item["reasons"] == found["reasons"]

    play(scene)


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({}, "item_id"),
        ({"item_id": "x", "limit": 101}, "limit"),
        ({"item_id": "x", "filter": "{"}, "filter"),
        ({"item_id": "x", "filter": '["mugs"]'}, "filter"),
        ({"item_id": "x", "filter": '{"categori": "mugs"}'}, "filter.categori"),
        ({"item_id": "x", "exclude_purchased": "-1"}, "exclude_purchased"),
        ({"item_id": "x", "colour": "red"}, "colour"),
    ],
)
def test_a_wrong_question_names_its_field(play, asked, field):
    async def scene(shop):
        found = await shop.get(URL, params=asked)
        assert found.status_code == 400 and found.json()["field"].startswith(field), found.text

    play(scene)


def test_what_was_bought_long_ago_may_come_again(play):
    async def scene(shop):
        await shop.track("Order Completed", "ada", "mug-1", timestamp="2026-01-01T00:00:00Z")
        await shop.track("Order Completed", "ada", "mug-2")
        for window, gone in ((True, {"mug-1", "mug-2"}), (7, {"mug-2"}), (False, set())):
            asked = {"customer_id": "ada", "limit": 50, "exclude_purchased": window}
            answer = (await shop.post(LIST, asked)).json()
            assert {"mug-1", "mug-2"} - {i["item_id"] for i in answer["items"]} == gone

    play(scene)


def test_the_vocabulary_stands_in_the_api_page(tmp_path):
    page = PAGE.read_text(encoding="utf-8")
    for words in (KINDS, SOURCES, VERDICTS):
        for name, meaning in words.items():
            assert f"| `{name}` | {meaning} |" in page
    assert URL in create_app(Settings(home=tmp_path)).openapi()["paths"]
