"""What a rule does to the lists of its placement, over the real app."""

from datetime import UTC, datetime, timedelta

import pytest
from little_shop import BOWLS, MUGS, ago

URL, HOME = "/v1/recommendations", "/v1/placements/home"


def ids(answer):
    return [item["item_id"] for item in answer["items"]]


async def ruled(shop, rule, **asked):
    """Return the list of a placement with that rule."""
    found = await shop.ask("PUT", HOME, json=rule)
    assert found.status_code == 200, found.text
    body = {"customer_id": "ada", "placement": "home", "limit": 4, "log": False} | asked
    found = await shop.post(URL, body, "write")
    assert found.status_code == 200, found.text
    return found.json()


def test_a_placement_without_a_rule_is_a_name_and_says_so(play):
    async def scene(shop):
        body = {"customer_id": "ada", "placement": "never-heard-of"}
        found = (await shop.post(URL, body, "write")).json()
        assert found["rules"] is None and found["placement"] == "never-heard-of"

    play(scene)


def test_a_pin_wins_over_the_model_and_says_so_and_the_rest_keeps_its_order(play):
    async def scene(shop):
        await shop.track("Product Viewed", "ada", "bowl-0")
        plain = await ruled(shop, {})
        answer = await ruled(shop, {"pins": [{"item_id": "mug-3", "position": 2}]})
        others = [i for i in ids(plain) if i != "mug-3"][:3]
        assert ids(answer) == [others[0], "mug-3", *others[1:]]
        assert answer["items"][1]["reasons"][0]["kind"] == "rule"
        assert answer["rules"]["pinned"] == ["mug-3"] and answer["rules"]["faults"] == []

    play(scene)


@pytest.mark.parametrize(
    "asked",
    [
        {"exclude": ["mug-3"]},
        {"filter": {"category": "bowls"}},
        {"context_items": ["mug-3"]},
    ],
)
def test_a_pin_never_wins_over_what_the_request_rules_out(play, asked):
    async def scene(shop):
        answer = await ruled(shop, {"pins": [{"item_id": "mug-3", "position": 1}]}, **asked)
        assert "mug-3" not in ids(answer) and answer["rules"]["pinned"] == []

    play(scene)


def test_a_pin_never_wins_over_stock_purchases_or_the_filter_of_its_own_rule(play):
    async def scene(shop):
        await shop.track("Order Completed", "ada", "mug-0")
        pins = [
            {"item_id": item, "position": place}
            for place, item in enumerate(["gone-mug", "mug-0", "bowl-1", "mug-2"], start=1)
        ]
        answer = await ruled(shop, {"pins": pins, "filter": {"category": "mugs"}})
        assert answer["rules"]["pinned"] == ["mug-2"] and ids(answer)[3] == "mug-2"
        assert set(ids(answer)) <= set(MUGS) - {"mug-0"}

    play(scene)


def test_pins_for_a_customer_go_before_those_for_a_segment_and_for_everybody(play):
    async def scene(shop):
        rule = {"combinator": "and", "rules": [
            {"field": "trait_plan", "operator": "=", "value": "gold"}]}  # fmt: skip
        await shop.post("/v1/segments", {"name": "Gold", "key": "gold", "rule": rule})
        pins = [
            {"item_id": "mug-1", "position": 1},
            {"item_id": "mug-2", "position": 1, "segment": "gold"},
            {"item_id": "mug-3", "position": 1, "customer_id": "ada"},
        ]
        assert ids(await ruled(shop, {"pins": pins}))[:2] == ["mug-3", "mug-1"]
        identify = {"userId": "ada", "traits": {"plan": "gold"}}
        await shop.post("/v1/identify", identify, "write")
        assert ids(await ruled(shop, {"pins": pins}))[:3] == ["mug-3", "mug-2", "mug-1"]
        assert ids(await ruled(shop, {"pins": pins}, customer_id="bob"))[0] == "mug-1"

    play(scene)


def test_rules_pins_and_boosts_hold_within_their_dates_only(play):
    async def scene(shop):
        past, later = ago(days=1), ago(days=-1)
        pins = [
            {"item_id": "mug-4", "position": 1, "to": past},
            {"item_id": "mug-5", "position": 1, "from": past, "to": later},
        ]
        answer = await ruled(shop, {"pins": pins})
        assert ids(answer)[0] == "mug-5" and "mug-4" not in ids(answer)
        answer = await ruled(shop, {"pins": pins, "from": later})
        assert answer["rules"]["pinned"] == [] and "from, to" in answer["rules"]["faults"][0]

    play(scene)


def test_a_boost_lifts_and_a_bury_sinks_also_what_was_far_down(play):
    async def scene(shop):
        await shop.track("Product Viewed", "ada", "bowl-0")
        assert set(ids(await ruled(shop, {}))) <= {*BOWLS, "new-bowl"}
        boost = {"boosts": [{"filter": {"item_id": ["mug-2"]}, "factor": 100}]}
        answer = await ruled(shop, boost)
        assert ids(answer)[0] == "mug-2" and answer["items"][0]["reasons"][0]["kind"] == "rule"
        top = ids(await ruled(shop, {}))[0]
        bury = {"boosts": [{"filter": {"item_id": top}, "factor": 0.001}]}
        assert ids(await ruled(shop, bury, limit=50))[-1] == top

    play(scene)


def test_caps_hold_and_the_list_is_still_as_long_as_it_can_be(play):
    async def scene(shop):
        await shop.track("Product Viewed", "ada", "bowl-0")
        rule = {"caps": [{"attribute": "category", "at_most": 3}]}
        answer = await ruled(shop, rule, limit=10)
        assert len(ids(answer)) == 6  # 3 of each kind
        assert sum(i["category"] == "mugs" for i in answer["items"]) == 3

    play(scene)


@pytest.mark.parametrize("over", ["category", "vectors"])
def test_diversity_mixes_what_is_alike(play, over):
    async def scene(shop):
        await shop.track("Product Viewed", "ada", "bowl-0")
        spread = {"diversity": {"lambda": 0.2, "over": over}}
        found = {i["category"] for i in (await ruled(shop, spread))["items"][:2]}
        assert found == {"mugs", "bowls"}
        keep = {"diversity": {"lambda": 1, "over": over}}
        assert ids(await ruled(shop, keep)) == ids(await ruled(shop, {}))

    play(scene)


def test_a_share_of_the_list_is_new(play):
    async def scene(shop):
        await shop.track("Product Viewed", "ada", "bowl-0")
        bury = {"boosts": [{"filter": {"item_id": "new-bowl"}, "factor": 0.001}]}
        assert "new-bowl" not in ids(await ruled(shop, bury))
        answer = await ruled(shop, bury | {"freshness": {"share": 0.25}})
        assert "new-bowl" in ids(answer)
        answer = await ruled(shop, {"freshness": {"share": 0.5, "filter": {"category": "mugs"}}})
        assert sum(i["category"] == "mugs" for i in answer["items"]) == 2

    play(scene)


def test_sources_decide_where_items_come_from(play):
    async def scene(shop):
        await shop.track("Product Viewed", "ada", "bowl-0")
        trending = (await shop.get("/v1/items/trending?limit=4", "write")).json()
        answer = await ruled(shop, {"sources": [{"name": "trending"}]})
        assert ids(answer) == ids(trending)
        both = {"sources": [{"name": "trending"}, {"name": "model", "weight": 3}]}
        assert ids(await ruled(shop, both)) != ids(answer)

    play(scene)


def test_what_was_shown_often_enough_is_not_shown_again(play):
    async def scene(shop):
        rule = {"repeat": {"times": 2, "days": 1}}
        first = ids(await ruled(shop, rule, log=True))
        assert ids(await ruled(shop, rule, log=True)) == first  # once so far
        assert not set(ids(await ruled(shop, rule))) & set(first)  # not yet in the log
        await shop.runtime.exposures.flush()
        assert not set(ids(await ruled(shop, rule))) & set(first)
        assert ids(await ruled(shop, rule, customer_id="bob")) == first
        elsewhere = {"customer_id": "ada", "placement": "footer", "limit": 4}
        await shop.ask("PUT", "/v1/placements/footer", json=rule)
        assert ids((await shop.post(URL, elsewhere)).json()) == first
        rule["repeat"]["everywhere"] = True
        await shop.ask("PUT", "/v1/placements/footer", json=rule)
        assert not set(ids((await shop.post(URL, elsewhere)).json())) & set(first)

    play(scene)


def test_decide_applies_the_rule_of_each_placement(play):
    async def scene(shop):
        await ruled(shop, {"pins": [{"item_id": "mug-5", "position": 1}]})
        lists = [{"placement": "home", "limit": 3}, {"placement": "other", "limit": 3}]
        body = {"customer_id": "ada", "want": {"recommendations": lists}}
        home, other = (await shop.post("/v1/decide", body, "write")).json()["recommendations"]
        assert ids(home)[0] == "mug-5" and home["rules"]["version"] == 1
        assert other["rules"] is None and not set(ids(home)) & set(ids(other))

    play(scene)


def test_a_rule_that_outlived_its_items_does_what_it_can_and_says_what_it_cannot(play):
    async def scene(shop):
        plain = {
            "pins": [{"item_id": "sold-out-for-good", "position": 1}],
            "boosts": [{"filter": {"season": "summer"}, "factor": 2}],
        }
        shop.runtime.placements.put("home", plain, datetime.now(UTC), "earlier")
        body = {"customer_id": "ada", "placement": "home", "limit": 4}
        answer = (await shop.post(URL, body, "write")).json()
        assert len(ids(answer)) == 4
        assert [f.partition(":")[0] for f in answer["rules"]["faults"]] == ["boosts[0]", "pins[0]"]
        shop.runtime.placements.put("home", {"filter": {"season": "x"}}, datetime.now(UTC), "e")
        answer = (await shop.post(URL, body, "write")).json()
        assert ids(answer) == [] and "unknown attribute" in answer["rules"]["faults"][0]

    play(scene)


def test_every_change_is_on_record(play):
    async def scene(shop):
        began = datetime.now(UTC) - timedelta(seconds=1)
        first = {"caps": [{"attribute": "brand", "at_most": 2}]}
        await shop.ask("PUT", HOME + "?by=grace", json=first)
        kept = (await shop.ask("PUT", HOME + "?by=ada", json={"note": "no caps"})).json()
        assert (await shop.get(HOME)).json() == kept and kept["changed_by"] == "ada"
        assert (await shop.ask("DELETE", HOME)).status_code == 204
        assert (await shop.get(HOME)).status_code == 404
        told = (await shop.get(HOME + "/history")).json()["changes"]
        assert [(c["by"], c["before"], c["after"]) for c in told] == [
            ("secret key", {"note": "no caps"}, None),
            ("ada", first, {"note": "no caps"}),
            ("grace", None, first),
        ]
        assert all(datetime.fromisoformat(c["at"]) > began for c in told)
        assert [c["version"] for c in told] == [3, 2, 1]

    play(scene)


def test_a_name_may_have_slashes_and_is_listed_before_it_showed_anything(play):
    async def scene(shop):
        await shop.ask("PUT", "/v1/placements/shop/home", json={})
        listed = (await shop.get("/v1/placements")).json()["placements"]
        assert listed == [
            {"placement": "shop/home", "exposures": 0, "first_at": None, "last_at": None,
             "version": 1}
        ]  # fmt: skip
        assert (await shop.get("/v1/placements/shop/home")).json()["name"] == "shop/home"
        refused = await shop.ask("PUT", "/v1/placements/shop/x/history", json={})
        assert refused.status_code == 400 and refused.json()["field"] == "name"

    play(scene)


def test_a_dry_run_shows_what_would_move_and_why_and_keeps_nothing(play):
    async def scene(shop):
        await shop.track("Product Viewed", "ada", "bowl-0")
        kept = await ruled(shop, {"pins": [{"item_id": "mug-1", "position": 1}]})
        rule = {"pins": [{"item_id": "mug-2", "position": 1}], "filter": {"not": {"brand": "x"}}}
        body = {"customer_id": "ada", "limit": 4, "rule": rule}
        found = (await shop.post(HOME + "/dry-run", body)).json()
        assert [i["item_id"] for i in found["now"]] == ids(kept)
        assert [i["item_id"] for i in found["then"]] == ["mug-2", *ids(kept)[1:]]
        moved = {m["item_id"]: (m["before"], m["after"], m["why"]) for m in found["moved"]}
        assert moved == {
            "mug-2": (None, 1, ["pins[0]: pinned by the shop"]),
            "mug-1": (1, None, ["no longer pins[0]: pinned by the shop"]),
        }
        assert (await shop.get(HOME)).json()["version"] == 1
        await shop.runtime.exposures.flush()
        assert (await shop.get("/v1/placements")).json()["placements"][0]["exposures"] == 0

    play(scene)


def test_who_is_erased_is_in_no_rule_and_no_record_any_more(play):
    async def scene(shop):
        await shop.track("Product Viewed", "ada-to-go", "bowl-0")
        pins = [
            {"item_id": "mug-1", "position": 1, "customer_id": "ada-to-go"},
            {"item_id": "mug-2", "position": 2},
        ]
        await shop.ask("PUT", HOME, json={"pins": pins})
        export = (await shop.get("/v1/profiles/ada-to-go/export")).json()
        assert [(p["placement"], p["item_id"]) for p in export["pins"]] == [("home", "mug-1")]
        assert (await shop.ask("DELETE", "/v1/profiles/ada-to-go")).status_code == 200
        assert (await shop.get(HOME)).json()["rule"] == {"pins": pins[1:]}
        assert "ada-to-go" not in (await shop.get(HOME + "/history")).text
        for file in shop.home.glob("control.sqlite*"):
            assert b"ada-to-go" not in file.read_bytes()

    play(scene)


def test_explain_walks_the_rules_too(play):
    async def scene(shop):
        pins = [{"item_id": "mug-1", "position": 1}, {"item_id": "bowl-1", "position": 2}]
        answer = await ruled(shop, {"pins": pins, "filter": {"category": "mugs"}})
        url = "/v1/recommendations/explain"
        asked = {"customer_id": "ada", "placement": "home", "limit": 4}
        found = (await shop.get(url, params=asked | {"item_id": "mug-1"})).json()
        assert (found["verdict"], found["rank"]) == ("returned", 1)
        assert found["returned"] == ids(answer)
        assert [step["rule"] for step in found["rules"]] == ["pins[0]"]
        found = (await shop.get(url, params=asked | {"item_id": "bowl-1"})).json()
        assert found["verdict"] == "ruled_out" and found["hindrances"][0]["part"] == "filter"

    play(scene)
