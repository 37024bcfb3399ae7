from little_shop import ago

URL = "/v1/next-best-action"
YES = {"consent": {"categoryPreferences": {"marketing": True}}}
NO = {"consent": {"categoryPreferences": {"marketing": False}}}


async def fill_cart(shop, context):
    hour_ago = ago(hours=1)  # a cart is left once the visit is over
    await shop.track("Product Added", "ada", "mug-1", context=context, timestamp=hour_ago)


def codes(answer):
    return {r["action"]: r["code"] for r in answer["refused"]}


def test_the_action_that_brings_most_is_chosen_and_kept_as_an_exposure(play):
    async def scene(shop):
        await fill_cart(shop, YES)
        body = (await shop.post(URL, {"customer_id": "ada"})).json()
        best = body["action"]
        assert best["action"] == "cart_reminder_email" and best["channel"] == "email"
        assert best["expected_value"] == round(best["p_accept"] * best["value"] - best["cost"], 6)
        assert body["reasons"] and body["alternatives"] and body["propensity"] == 1.0
        assert body["logged"] is True and body["stratum"] == "lead/fresh"
        event = (await shop.get("/v1/profiles/ada")).json()["events"][0]
        assert event["kind"] == "action-shown" and event["decision_id"] == body["decision_id"]
        assert event["properties"] == {
            "action": "cart_reminder_email", "propensity": 1.0, "control": False
        }  # fmt: skip
        again = (await shop.post(URL, {"customer_id": "ada"})).json()
        assert codes(again)["cart_reminder_email"] == "cooling_down"

    play(scene)


def test_consent_is_checked_first_and_the_strictest_answer_counts(play):
    async def scene(shop):
        await fill_cart(shop, YES)
        await shop.track("search", "ada", anonymousId="dev", context=NO)
        body = (await shop.post(URL, {"customer_id": "ada", "log": False})).json()
        assert codes(body)["cart_reminder_email"] == "no_consent"
        assert codes(body)["win_back_coupon_10"] == "no_consent"
        assert body["action"]["channel"] == "web" and body["logged"] is False

    play(scene)


def test_silence_is_an_answer(play):
    async def scene(shop):
        await fill_cart(shop, NO)
        body = (await shop.post(URL, {"customer_id": "ada", "channels": ["email"]})).json()
        assert body["action"] is None and body["logged"] is False
        assert body["reasons"][0].startswith("silence")
        assert codes(body)["free_shipping"] == "channel_closed"

    play(scene)


def test_responses_of_customers_like_this_one_move_the_rate(play):
    async def scene(shop):
        await shop.track("Product Viewed", "ada", "mug-1")  # a fresh visitor
        rule = {
            "combinator": "and",
            "rules": [{"field": "event_count", "operator": ">=", "value": 1}],
        }
        await shop.ask("DELETE", "/v1/segments/leads")
        await shop.post("/v1/segments", {"name": "Leads", "key": "leads", "rule": rule})
        body = (await shop.post(URL, {"customer_id": "ada", "log": False})).json()
        offer = body["action"]
        assert offer["action"] == "welcome_offer" and offer["shown"] == 200
        assert 0.3 < offer["p_accept"] < 0.5  # 100 of 200, shrunk to 4 %
        low, high = offer["p_accept_interval"]
        assert low < offer["p_accept"] < high
        assert body["fallback"] is None and body["model_versions"] == {"responses": "r1"}

    play(scene)


def test_an_edited_catalogue_counts_and_a_broken_one_does_not(play):
    async def scene(shop):
        file = shop.home / "actions.toml"
        await fill_cart(shop, YES)
        text = file.read_text()
        file.write_text(text.replace('key = "cart_reminder_email"', 'key = "cart_mail"'))
        shop.runtime.refresh()
        body = (await shop.post(URL, {"customer_id": "ada", "log": False})).json()
        assert body["action"]["action"] == "cart_mail"
        file.write_text("broken")
        shop.runtime.refresh()
        body = (await shop.post(URL, {"customer_id": "ada", "log": False})).json()
        assert body["action"]["action"] == "cart_mail"

    play(scene, release_poll_seconds=3600)


def test_unknown_customers_and_missing_responses_are_named(play):
    async def scene(shop):
        body = (await shop.post(URL, {"customer_id": "nobody"})).json()
        assert body["fallback"] == "unknown_customer" and body["logged"] is False
        assert (await shop.get("/v1/profiles/nobody")).status_code == 404
        await shop.track("search", "ada", timestamp=ago(days=2))
        body = (await shop.post(URL, {"customer_id": "ada"})).json()
        assert body["fallback"] == "prior"

    play(scene, release=False)
