import json
import sqlite3
from datetime import UTC, datetime

from domain.events import Event

SCORE = {
    "probability": 0.8, "unit": "probability", "interval": [0.7, 0.9], "percentile": 95,
    "tier": "A", "factors": [], "model_version": "2", "scored_at": "2026-03-01T10:15:00+00:00",
    "reliability": "high", "reliability_reason": "",
}  # fmt: skip


def test_a_profile_shows_traits_behaviour_scores_segments_and_events(play):
    async def scene(shop):
        identify = {"userId": "ada", "anonymousId": "dev", "traits": {"country": "DE", "plan": "x"}}
        await shop.post("/v1/identify", identify, "write")
        await shop.track("Order Completed", "ada", "mug-1", messageId="m-1")
        shop.runtime.features.write_scores(
            [("ada", json.dumps({"churn": SCORE}), datetime.now(UTC))]
        )
        body = (await shop.get("/v1/profiles/ada?events=1")).json()
        assert body["traits"] == {"country": "DE", "plan": "x"}
        assert body["behaviour"]["order_count"] == 1 and body["behaviour"]["country"] == "DE"
        assert body["scores"] == {"churn": SCORE}
        assert {"active-visitors", "first-time-buyers", "likely-to-churn"} <= set(body["segments"])
        (event,) = body["events"]
        assert event["message_id"] == "m-1" and event["items"][0]["item_id"] == "mug-1"
        assert body["features_age_seconds"] < 60 and body["fallback"] is None
        assert (await shop.get("/v1/profiles/dev")).json()["profile_id"] == "ada"

    play(scene)


def test_a_profile_shows_the_latest_session_the_tops_and_the_last_touched_items(play):
    async def scene(shop):
        campaign = {"context": {"campaign": {"name": "spring"}}}
        await shop.track("Product Viewed", "ada", "mug-1", channel="client", **campaign)
        await shop.track("Product Added", "ada", "bowl-1", channel="client")
        await shop.track("Product Viewed", "ada", "bowl-2", channel="mobile")
        body = (await shop.get("/v1/profiles/ada")).json()
        touched = [(i["item_id"], i["kind"]) for i in body["interactions"]]
        assert touched == [
            ("bowl-2", "item-view"), ("bowl-1", "add-to-cart"), ("mug-1", "item-view"),
        ]  # fmt: skip
        assert all(datetime.fromisoformat(i["at"]) <= datetime.now(UTC)
                   for i in body["interactions"])  # fmt: skip
        session = body["session"]
        assert (session["events"], session["items"], session["campaign"]) == (3, 3, "spring")
        assert session["started_at"] <= session["last_event_at"]
        assert body["top"]["touchpoint"] == ["web", "app"]
        assert body["top"]["campaign"] == ["spring"]
        for number in range(60):
            await shop.track("Product Viewed", "ada", f"mug-{number}")
        assert len((await shop.get("/v1/profiles/ada")).json()["interactions"]) == 50

    play(scene)


def test_who_did_nothing_yet_has_no_session(play):
    async def scene(shop):
        await shop.post("/v1/identify", {"userId": "bob", "traits": {"plan": "x"}}, "write")
        body = (await shop.get("/v1/profiles/bob")).json()
        assert body["session"] is None and body["interactions"] == []
        assert set(map(len, body["top"].values())) == {0}

    play(scene)


def test_without_the_feature_store_the_log_still_knows(play, monkeypatch):
    async def scene(shop):
        await shop.track("Order Completed", "ada", "bowl-1")

        def fail(*_):
            raise sqlite3.OperationalError("disk I/O error")

        monkeypatch.setattr(type(shop.runtime.features), "read", fail)
        body = (await shop.get("/v1/profiles/ada")).json()
        assert body["behaviour"]["order_count"] == 1 and body["fallback"] == "log"
        listed = (await shop.post("/v1/recommendations", {"customer_id": "ada"})).json()
        assert listed["fallback"] is None and listed["features_age_seconds"] is None
        assert "bowl-1" not in [i["item_id"] for i in listed["items"]]

    play(scene)


def test_a_trait_that_no_64_bits_hold_is_shown_all_the_same(play):
    async def scene(shop):
        await shop.track("search", "ada")
        at = datetime.now(UTC)
        big = Event("m-big", "identify", at, at, customer_id="ada", traits={"serial": 10**25})
        await shop.runtime.intake.record([big])
        found = await shop.get("/v1/profiles/ada")
        assert found.status_code == 200 and found.json()["traits"]["serial"] == 10**25

    play(scene)
