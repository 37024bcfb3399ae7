import gzip
import json
from datetime import UTC, datetime, timedelta

import pytest

from domain.errors import InvalidEvent
from serving.collector import to_event
from serving.instants import happened_at

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def event(**message):
    return to_event({"type": "track", "userId": "ada", "event": "search"} | message, NOW)


def test_names_of_segment_and_our_own_are_understood():
    assert event(event="Order Completed").kind == "purchase"
    assert event(event="Add To Cart").kind == "add-to-cart"
    assert event(event="item-view").kind == "item-view"
    assert event(event="Custom Thing").kind == "Custom Thing"
    assert event(type="identify").kind == "identify"
    assert event(type="page").kind == event(type="screen").kind == "page-view"


def test_products_money_and_context_are_read():
    found = event(
        event="Order Completed",
        messageId="m-1",
        anonymousId="dev",
        properties={
            "order_id": 17,
            "currency": "eur",
            "decision_id": "d-1",
            "coupon": "SPRING",
            "products": [
                {"product_id": "a", "quantity": 2, "price": "3.50", "category": "mugs"},
                {"sku": 42, "price": 1},
            ],
        },
        context={
            "campaign": {"name": "spring", "medium": "email"},
            "device": {"type": "iOS"},
            "consent": {"categoryPreferences": {"Marketing": True}},
        },
    )
    assert [(n.item_id, n.quantity, n.unit_price) for n in found.lines] == [
        ("a", 2.0, 3.5),
        ("42", 1.0, 1.0),
    ]
    assert found.value == 8.0 and found.currency == "EUR" and found.order_id == "17"
    assert (found.campaign, found.channel, found.device) == ("spring", "email", "mobile")
    assert found.consent == {"marketing": True} and found.decision_id == "d-1"
    assert found.properties["coupon"] == "SPRING" and "products" not in found.properties


def test_a_refund_is_never_negative_and_keeps_its_kind():
    found = event(event="Order Refunded", properties={"revenue": -12.5})
    assert (found.kind, found.value) == ("product-return", 12.5)


def test_traits_get_the_names_of_the_standard_traits():
    traits = {"firstName": "Ada", "address": {"country": "DE", "street": "x"}, "plan": "gold"}
    found = event(type="identify", traits=traits)
    assert found.traits["first_name"] == "Ada" and found.traits["country"] == "DE"
    assert found.traits["plan"] == "gold"


def test_traits_of_an_identify_call_may_stand_in_the_context_alone():
    context = {"traits": {"userId": "ada", "plan": "free", "city": "Rome"}}
    found = event(type="identify", context=context, traits={"plan": "gold"})
    assert found.traits == {"plan": "gold", "city": "Rome"}


def test_an_alias_links_the_previous_id():
    found = event(type="alias", previousId="dev")
    assert (found.customer_id, found.anonymous_id) == ("ada", "dev")


def test_an_alias_of_an_id_with_itself_is_kept_and_links_nothing():
    found = event(type="alias", previousId="ada", anonymousId="dev")
    assert (found.kind, found.customer_id, found.anonymous_id) == ("alias", "ada", None)


def test_a_sender_that_does_not_name_itself_is_known_by_its_page_or_app():
    page, app = {"page": {"url": "https://shop.example/"}}, {"app": {"name": "Shop"}}
    assert event(context=page).channel == event(context=page | app).channel == "web"
    assert event(context=app).channel == event(type="screen").channel == "app"
    assert event(context={"page": {}, "app": {}}).channel is None
    assert event(context=page, channel="server").channel is None


def at(**message):
    return happened_at(message, NOW)


def test_the_time_is_corrected_by_the_clock_of_the_sender():
    hour = timedelta(hours=1)
    skewed = at(originalTimestamp="2026-03-01T20:00:00Z", sentAt="2026-03-01T21:00:00Z")
    assert skewed == NOW - hour
    assert at(timestamp="2026-03-01T12:30:00+02:00") == NOW - 1.5 * hour
    assert at(timestamp="2030-01-01T00:00:00Z") == NOW
    assert at(originalTimestamp="2026-03-01T10:00:00Z", sentAt="2026-03-01T09:00:00Z") == NOW
    assert at() == NOW
    both = {"timestamp": "2020-01-01T10:00:00Z", "originalTimestamp": "2026-03-01T10:00:00Z"}
    assert at(**both, sentAt="2026-03-01T10:00:01Z") == datetime(2020, 1, 1, 10, tzinfo=UTC)
    assert happened_at({"originalTimestamp": "2026-03-01T10:00:00Z"}, NOW, NOW - hour) == (
        NOW - hour
    )


@pytest.mark.parametrize(
    ("message", "field"),
    [
        ({"event": None}, "event"),
        ({"event": ""}, "event"),
        ({"event": "x" * 101}, "event"),
        ({"event": 5.5}, "event"),
        ({"userId": None}, "userId"),
        ({"userId": "u" * 257}, "userId"),
        ({"userId": ["ada"]}, "userId"),
        ({"messageId": "m" * 101}, "messageId"),
        ({"timestamp": "2026-03-01T12:00:00"}, "timestamp"),
        ({"timestamp": "yesterday"}, "timestamp"),
        ({"timestamp": 12345}, "timestamp"),
        ({"sentAt": "2026-03-01T12:00:00", "originalTimestamp": "2026-03-01T12:00:00Z"}, "sentAt"),
        ({"type": "buy"}, "type"),
        ({"type": "alias"}, "previousId"),
        ({"properties": []}, "properties"),
        ({"properties": {"revenue": "much"}}, "revenue"),
        ({"properties": {"revenue": -1}}, "value"),
        ({"properties": {"revenue": True}}, "revenue"),
        ({"properties": {"currency": "EURO"}}, "currency"),
        ({"properties": {"products": "mug"}}, "products"),
        ({"properties": {"products": [{"price": 1}]}}, "products[0].product_id"),
        ({"properties": {"product_id": "a", "quantity": -1}}, "quantity"),
        ({"properties": {"product_id": {"a": 1}}}, "product_id"),
        (
            {"context": {"consent": {"categoryPreferences": {"marketing": "yes"}}}},
            "context.consent.categoryPreferences",
        ),
    ],
)
def test_what_cannot_be_read_names_its_field(message, field):
    with pytest.raises(InvalidEvent) as fault:
        event(**message)
    assert fault.value.field == field


def test_the_same_event_sent_twice_counts_once(play):
    async def scene(shop):
        first = await shop.track("Order Completed", "ada", "mug-1", messageId="m-1")
        second = await shop.track("Order Completed", "ada", "mug-1", messageId="m-1")
        assert (first["status"], second["status"]) == ("stored", "duplicate")
        profile = (await shop.get("/v1/profiles/ada")).json()
        assert profile["behaviour"]["order_count"] == 1

    play(scene)


def test_a_bad_event_never_loses_the_good_ones(play):
    async def scene(shop):
        good = {"type": "track", "userId": "ada", "event": "search"}
        batch = [
            good | {"messageId": "a"},
            good | {"messageId": "b", "timestamp": "2026-03-01T12:00:00"},
            good | {"messageId": "c", "properties": {"x": "y" * 40_000}},
            "no object",
            good | {"messageId": "a"},
            good | {"messageId": "d"},
        ]
        found = await shop.post("/v1/batch", {"batch": batch}, "write")
        body = found.json()
        assert found.status_code == 200 and body["success"] is False
        assert (body["stored"], body["duplicate"], body["rejected"]) == (2, 1, 3)
        results = [(r["messageId"], r["status"], r.get("code")) for r in body["results"]]
        assert results == [
            ("a", "stored", None),
            ("b", "rejected", "invalid_event"),
            ("c", "rejected", "too_large"),
            (None, "rejected", "invalid_event"),
            ("a", "duplicate", None),
            ("d", "stored", None),
        ]
        assert body["results"][1]["field"] == "timestamp"

    play(scene)


def test_the_write_key_comes_in_any_of_four_ways_and_the_body_may_be_gzip(play):
    async def scene(shop):
        key = shop.keys.write_key
        body = {"userId": "ada", "event": "search"}
        async with shop.client(None) as client:
            asked = [
                client.post("/v1/track", json=body, auth=(key, "")),
                client.post("/v1/track", json=body, headers={"Authorization": f"Bearer {key}"}),
                client.post("/v1/track", json=body | {"writeKey": key}),
                client.post(
                    "/v1/track",
                    content=gzip.compress(json.dumps(body | {"writeKey": key}).encode()),
                    headers={"Content-Encoding": "gzip"},
                ),
            ]
            assert [(await one).status_code for one in asked] == [200] * 4
            bomb = gzip.compress(b" " * 10_000_000)
            headers = {"Content-Encoding": "gzip", "Authorization": f"Bearer {key}"}
            found = await client.post("/v1/track", content=bomb, headers=headers)
            assert (found.status_code, found.json()["code"]) == (413, "too_large")

    play(scene)


def test_every_kind_of_call_is_taken(play):
    async def scene(shop):
        for kind in ("identify", "page", "screen", "group"):
            found = await shop.post(f"/v1/{kind}", {"anonymousId": "dev"}, "write")
            assert found.status_code == 200, found.text
        found = await shop.post("/v1/alias", {"userId": "ada", "previousId": "dev"}, "write")
        assert found.status_code == 200
        assert (await shop.get("/v1/profiles/dev")).json()["profile_id"] == "ada"

    play(scene)


def test_events_are_there_after_a_restart(play):
    async def before(shop):
        await shop.track("Order Completed", "ada", "mug-1")

    async def after(shop):
        profile = (await shop.get("/v1/profiles/ada")).json()
        assert profile["behaviour"]["order_count"] == 1

    play(before)
    play(after)
