from little_shop import BOWLS, MUGS

URL = "/v1/rerank"


def ids(answer):
    return [item["item_id"] for item in answer["items"]]


def test_given_items_come_back_each_once_in_the_order_of_taste_with_reasons(play):
    async def scene(shop):
        await shop.track("Product Viewed", "ada", "bowl-0")
        body = {"customer_id": "ada", "item_ids": [*MUGS, *BOWLS, *MUGS]}
        answer = (await shop.post(URL, body, "write")).json()
        assert sorted(ids(answer)) == sorted([*MUGS, *BOWLS]) and answer["unknown"] == []
        assert set(ids(answer)[:6]) == set(BOWLS)
        assert answer["items"][0]["reasons"][0]["item_id"] == "bowl-0"
        assert answer["decision_id"].startswith("d-") and answer["logged"] is False
        whole = {"customer_id": "ada", "limit": 12, "exclude": ["new-bowl"]}
        assert ids((await shop.post("/v1/recommendations", whole)).json()) == ids(answer)

    play(scene)


def test_what_was_bought_stays_and_what_is_out_of_stock_stands_behind(play):
    async def scene(shop):
        await shop.track("Order Completed", "ada", "mug-1")
        body = {"customer_id": "ada", "item_ids": ["gone-mug", "bowl-1", "mug-1"]}
        answer = (await shop.post(URL, body, "write")).json()
        assert ids(answer) == ["mug-1", "bowl-1", "gone-mug"]
        assert answer["items"][2]["reasons"][0]["kind"] == "out_of_stock"

    play(scene)


def test_unknown_ids_are_named_and_kept_at_the_end_or_dropped(play):
    async def scene(shop):
        given = ["nix", "mug-1", "nada"]
        kept = (await shop.post(URL, {"item_ids": given}, "write")).json()
        assert ids(kept) == ["mug-1", "nix", "nada"] and kept["unknown"] == ["nix", "nada"]
        dropped = (await shop.post(URL, {"item_ids": given, "unknown": "drop"}, "write")).json()
        assert ids(dropped) == ["mug-1"] and dropped["unknown"] == ["nix", "nada"]
        none = (await shop.post(URL, {"item_ids": ["nix"]}, "write")).json()
        assert ids(none) == ["nix"] and none["fallback"] == "popular"

    play(scene)


def test_a_named_placement_counts_it_as_shown(play):
    async def scene(shop):
        body = {"customer_id": "ada", "item_ids": ["mug-1", "bowl-1"], "placement": "search"}
        assert (await shop.post(URL, body, "write")).json()["logged"] is True
        await shop.runtime.exposures.flush()
        listed = (await shop.get("/v1/placements")).json()["placements"]
        assert [(p["placement"], p["exposures"]) for p in listed] == [("search", 1)]

    play(scene)
