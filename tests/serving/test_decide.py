import sqlite3

from little_shop import BOWLS, MUGS, ago

URL = "/v1/decide"
YES = {"consent": {"categoryPreferences": {"marketing": True}}}
TWO = [{"placement": "top", "limit": 3}, {"placement": "foot", "limit": 3}]


def viewed(item, **more):
    properties = {"product_id": item, "price": 5.0}
    return {"type": "track", "event": "Product Viewed", "properties": properties, **more}


def bought(item, **more):
    return viewed(item, **more) | {"event": "Order Completed"}


def ids(answer):
    return [item["item_id"] for item in answer["items"]]


async def lists(shop, body, key="write"):
    found = await shop.post(URL, body, key)
    assert found.status_code == 200, found.text
    return found.json()


def test_the_events_of_the_call_count_in_its_own_answer(play):
    async def scene(shop):
        body = await lists(
            shop,
            {
                "customer_id": "ada",
                "events": [viewed("bowl-0"), bought("bowl-1")],
                "want": {"recommendations": [{"placement": "home", "limit": 3}]},
            },
        )
        (home,) = body["recommendations"]
        assert home["fallback"] is None and set(ids(home)) <= set(BOWLS) - {"bowl-1"}
        assert body["events"]["stored"] == 2 and body["events"]["success"] is True
        assert home["decision_id"] == body["decision_id"] + "-1"
        assert body["features_age_seconds"] == 0 and body["model_versions"] == {"recommend": "3"}

    play(scene)


def test_they_count_too_where_another_process_folds_them(play, monkeypatch):
    async def scene(shop):
        await shop.track("Product Viewed", "ada", "mug-5", timestamp="2026-01-01T00:00:00Z")
        before = shop.runtime.people.profile("ada")
        monkeypatch.setattr(shop.runtime.people, "profile", lambda _: before)  # a stream behind
        for events in ([bought("bowl-1", messageId="m")], [bought("bowl-1", messageId="m")]):
            body = await lists(
                shop,
                {
                    "customer_id": "ada",
                    "events": events,
                    "want": {"recommendations": [{"placement": "home", "limit": 12}]},
                },
            )
            shown = body["recommendations"][0]
            texts = {r["text"] for i in shown["items"] for r in i["reasons"]}
            assert "because you bought Bowl 1" in texts and "bowl-1" not in ids(shown)
        assert body["events"]["duplicate"] == 1

    play(scene)


def test_events_without_ids_get_those_of_the_call_and_join_the_device_to_the_customer(play):
    async def scene(shop):
        first = {"anonymous_id": "dev", "events": [bought("bowl-0")]}
        await lists(shop, first)
        both = {"customer_id": "ada", "anonymous_id": "dev", "events": [viewed("bowl-2")]}
        body = await lists(
            shop, both | {"want": {"recommendations": [{"placement": "home", "limit": 14}]}}
        )
        assert "bowl-0" not in ids(body["recommendations"][0])  # bought on the device
        profile = (await shop.get("/v1/profiles/dev")).json()
        assert profile["profile_id"] == "ada" and profile["behaviour"]["order_count"] == 1

    play(scene)


def test_a_log_in_within_the_call_makes_the_device_its_customer(play):
    async def scene(shop):
        await shop.track("Order Completed", "ada", "bowl-0")
        event = viewed("bowl-2", userId="ada", anonymousId="dev")
        body = await lists(
            shop,
            {
                "anonymous_id": "dev",
                "events": [event],
                "want": {"recommendations": [{"placement": "home", "limit": 14}]},
            },
        )
        assert "bowl-0" not in ids(body["recommendations"][0])

    play(scene)


MAIL = {"email": "ada@here.example"}


def test_a_customer_who_turns_out_to_be_another_is_answered_as_both_at_once(play):
    async def scene(shop):
        await shop.track("Order Completed", "c-web", "bowl-0", context=YES)
        await shop.post("/v1/identify", {"userId": "c-web", "traits": MAIL}, "write")
        await shop.track("Order Completed", "c-app", "bowl-1")
        said = {"type": "identify", "userId": "c-app", "traits": MAIL, "messageId": "joins"}
        want = {"recommendations": [{"placement": "home", "limit": 14}], "segments": True}
        for who in ("c-app", "c-web"):  # before it is stored, and under either id
            asked = {"customer_id": who, "events": [said], "want": want}
            shown = (await lists(shop, asked, "secret"))["recommendations"][0]
            assert not {"bowl-0", "bowl-1"} & {*ids(shown)}, who
        assert (await shop.get("/v1/profiles/c-web")).json()["profile_id"] == "c-app"

    play(scene)


def test_an_alias_joins_two_customers_in_the_answer_of_its_own_call(play):
    async def scene(shop):
        for who, item in (("old", "bowl-0"), ("new", "bowl-1")):
            left = ago(hours=1)
            await shop.track("Product Added", who, item, context=YES, timestamp=left)
        reminded = {"customer_id": "old", "want": {"action": {"channels": ["email"]}}}
        first = await lists(shop, reminded, "secret")
        assert first["action"]["action"]["action"] == "cart_reminder_email"
        alias = {"type": "alias", "userId": "new", "previousId": "old"}
        asked = reminded | {"customer_id": "new", "events": [alias]}
        second = await lists(shop, asked, "secret")  # what was shown to the one, the other has seen
        codes = {r["action"]: r["code"] for r in second["action"]["refused"]}
        assert codes["cart_reminder_email"] == "cooling_down"

    play(scene)


def test_an_event_under_another_id_of_the_same_person_counts(play):
    async def scene(shop):
        for who in ("c-one", "c-two"):
            await shop.post("/v1/identify", {"userId": who, "traits": MAIL}, "write")
        asked = {
            "customer_id": "c-two",
            "events": [bought("bowl-3", userId="c-one")],
            "want": {"recommendations": [{"placement": "home", "limit": 14}]},
        }
        assert "bowl-3" not in ids((await lists(shop, asked))["recommendations"][0])

    play(scene)


def test_bad_events_lose_neither_the_good_ones_nor_the_decision(play):
    async def scene(shop):
        events = [viewed("bowl-0"), {"type": "buy"}, "none", viewed("x", timestamp="yesterday")]
        body = await lists(
            shop, {"customer_id": "ada", "events": events, "want": {"recommendations": TWO}}
        )
        assert [r["status"] for r in body["events"]["results"]] == ["stored"] + 3 * ["rejected"]
        assert [r.get("field") for r in body["events"]["results"]][1:] == [
            "type", "event", "timestamp"
        ]  # fmt: skip
        assert body["events"]["success"] is False
        assert body["recommendations"][0]["fallback"] is None

    play(scene)


def test_action_segments_and_scores_come_in_the_same_answer(play):
    async def scene(shop):
        left = viewed("mug-1", context=YES, timestamp=ago(hours=1))
        event = left | {"event": "Product Added"}
        want = {"action": {"channels": ["email"]}, "segments": True, "scores": True}
        asked = {"customer_id": "ada", "events": [event], "want": want}
        body = await lists(shop, asked, "secret")
        assert body["action"]["action"]["action"] == "cart_reminder_email"
        assert body["action"]["decision_id"] == body["decision_id"] + "-action"
        assert body["action"]["logged"] is True and body["action"]["propensity"] == 1.0
        assert body["segments"]["keys"] and body["segments"]["fallback"] is None
        assert body["scores"]["models"] == {} and body["scores"]["fallback"] == "no_scores"
        again = await lists(shop, {"customer_id": "ada", "want": {"action": True}}, "secret")
        codes = {r["action"]: r["code"] for r in again["action"]["refused"]}
        assert codes["cart_reminder_email"] == "cooling_down"

    play(scene)


def test_a_call_sent_again_with_its_call_id_counts_once(play):
    async def scene(shop):
        event = viewed("mug-1", context=YES) | {"event": "Product Added"}
        asked = {
            "customer_id": "ada",
            "call_id": "page-77",
            "events": [event],
            "want": {"recommendations": TWO, "action": True},
        }
        first, second = [await lists(shop, asked, "secret") for _ in range(2)]
        assert first["decision_id"] == second["decision_id"]
        assert first["events"]["stored"] == second["events"]["duplicate"] == 1
        assert first["action"]["action"] == second["action"]["action"] is not None
        await shop.runtime.exposures.flush()
        kinds = [e.kind for e in shop.runtime.log.events_of("ada")]
        assert kinds.count("recommendation-shown") == 2 and kinds.count("action-shown") == 1
        other = await lists(shop, asked | {"customer_id": "bob"}, "secret")
        assert other["decision_id"] != first["decision_id"]

    play(scene)


def test_without_events_or_ids_the_visitor_is_unknown(play):
    async def scene(shop):
        body = await lists(shop, {"want": {"recommendations": TWO}})
        assert [answer["fallback"] for answer in body["recommendations"]] == ["popular"] * 2
        assert ids(body["recommendations"][0]) == MUGS[:3]
        assert ids(body["recommendations"][1]) == MUGS[3:]
        empty = await lists(shop, {})
        assert empty["recommendations"] == [] and empty["action"] is None

    play(scene)


def test_context_items_of_the_call_count_for_every_list(play):
    async def scene(shop):
        body = await lists(shop, {"context_items": ["bowl-0"], "want": {"recommendations": TWO}})
        shown = [i for answer in body["recommendations"] for i in ids(answer)]
        assert "bowl-0" not in shown and shown[0] in BOWLS
        assert body["recommendations"][1]["fallback"] == "context_items"

    play(scene)


def break_store(shop, monkeypatch):
    def broken(*_, **__):
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr(shop.runtime.features, "read", broken)
    monkeypatch.setattr(shop.runtime.log, "_rows", broken)
    monkeypatch.setattr(shop.runtime.segments, "of", broken)
    monkeypatch.setattr(shop.runtime.intake, "_commits", None)


def test_a_broken_store_falls_back_with_200_and_says_so(play, monkeypatch):
    async def scene(shop):
        break_store(shop, monkeypatch)
        asked = {
            "customer_id": "ada",
            "events": [viewed("bowl-0"), "bad"],
            "want": {"recommendations": TWO, "action": True, "segments": True, "scores": True},
        }
        body = await lists(shop, asked, "secret")
        assert body["fallback"] == "unknown" and body["fallback_reason"]
        assert [a["fallback"] for a in body["recommendations"]] == ["popular"] * 2
        assert len(ids(body["recommendations"][0])) == 3
        assert body["action"]["fallback"] == "failed" and body["action"]["logged"] is False
        assert body["segments"]["fallback"] is None and body["segments"]["keys"] == []
        results = [(r["status"], r["code"]) for r in body["events"]["results"]]
        assert results == [("failed", "overloaded"), ("rejected", "invalid_event")]

    with monkeypatch.context() as patched:
        monkeypatch = patched
        play(scene_closing(scene, patched))


def scene_closing(scene, patched):
    """Run a scene and mend what it broke, so that the app can be closed."""

    async def run(shop):
        await scene(shop)
        patched.undo()

    return run


def test_a_failing_model_or_segment_store_takes_no_other_part_with_it(play, monkeypatch):
    async def scene(shop):
        def fail(*_, **__):
            raise RuntimeError("broken")

        await shop.track("Product Viewed", "ada", "bowl-0")
        monkeypatch.setattr("serving.placing.recommend", fail)
        monkeypatch.setattr(shop.runtime.segments, "of", fail)
        want = {"recommendations": TWO, "segments": True, "action": True}
        body = await lists(shop, {"customer_id": "ada", "want": want}, "secret")
        assert [a["fallback"] for a in body["recommendations"]] == ["popular"] * 2
        assert body["segments"]["fallback"] == "failed" and body["action"]["fallback"] == "failed"
        assert body["fallback"] is None

    play(scene)
