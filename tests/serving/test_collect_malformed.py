"""Everything that can be wrong with what is sent: which status, which code, which field."""

import gzip
import json
import zlib

GOOD = {"type": "track", "userId": "ada", "event": "search"}
PRODUCT = {"product_id": "mug-1", "price": 5}
PREFERENCES = "context.consent.categoryPreferences"
FAR = "9999-12-31T23:59:59Z"
NAIVE = "2026-03-01T12:00:00"


def bought(**product):
    return {"event": "Order Completed", "properties": {"products": [PRODUCT, PRODUCT | product]}}


def with_consent(preferences):
    return {"context": {"consent": {"categoryPreferences": preferences}}}


def nested(levels):
    inner = 1
    for _ in range(levels):
        inner = [inner]
    return inner


EVENTS = [
    # what is wrong with one event, the field that is named
    ({"timestamp": NAIVE}, "timestamp"),
    ({"timestamp": ""}, "timestamp"),
    ({"timestamp": True}, "timestamp"),
    ({"timestamp": "2026-02-30T12:00:00Z"}, "timestamp"),
    ({"timestamp": "2026-03-01T12:00:00+99:00"}, "timestamp"),
    ({"timestamp": "yesterday"}, "timestamp"),
    ({"timestamp": 1_772_366_400}, "timestamp"),
    ({"timestamp": {"at": 1}}, "timestamp"),
    ({"timestamp": "1969-12-31T23:59:59Z"}, "timestamp"),
    ({"timestamp": "0001-01-01T00:00:00+14:00"}, "timestamp"),
    ({"originalTimestamp": NAIVE}, "originalTimestamp"),
    ({"originalTimestamp": "2026-03-01T12:00:00Z", "sentAt": NAIVE}, "sentAt"),
    ({"originalTimestamp": "0001-01-01T00:00:00Z", "sentAt": FAR}, "originalTimestamp"),
    ({"originalTimestamp": "2026-03-01T12:00:00Z", "sentAt": "2199-01-01T00:00:00Z"}, "timestamp"),
    ({"sentAt": 5}, "sentAt"),
    ({"timestamp": "2026-03-01T12:00:00Z", "sentAt": "soon"}, "sentAt"),
    ({"messageId": ""}, "messageId"),
    ({"messageId": "m" * 101}, "messageId"),
    ({"messageId": ["m"]}, "messageId"),
    ({"messageId": 1.5}, "messageId"),
    ({"messageId": True}, "messageId"),
    ({"messageId": 10**120}, "messageId"),
    ({"messageId": "a\u0000b"}, "messageId"),
    ({"userId": None}, "userId"),
    ({"userId": ""}, "userId"),
    ({"userId": True}, "userId"),
    ({"userId": {"id": "ada"}}, "userId"),
    ({"userId": "u" * 257}, "userId"),
    ({"userId": "\u0000stitched"}, "userId"),
    ({"userId": "ada\u0000"}, "userId"),
    ({"anonymousId": "\u0000"}, "anonymousId"),
    ({"anonymousId": "d" * 257}, "anonymousId"),
    ({"anonymousId": []}, "anonymousId"),
    ({"type": "buy"}, "type"),
    ({"type": None}, "type"),
    ({"type": ["track"]}, "type"),
    ({"event": None}, "event"),
    ({"event": ""}, "event"),
    ({"event": "  "}, "event"),
    ({"event": "e" * 101}, "event"),
    ({"event": 7.5}, "event"),
    ({"event": {"name": "search"}}, "event"),
    ({"type": "alias"}, "previousId"),
    ({"type": "identify", "traits": ["gold"]}, "traits"),
    ({"type": "identify", "traits": "gold"}, "traits"),
    ({"type": "group", "traits": 5}, "traits"),
    ({"type": "group", "groupId": {}}, "groupId"),
    ({"context": {"traits": "gold"}}, "context.traits"),
    ({"context": "web"}, "context"),
    ({"context": []}, "context"),
    ({"context": {"consent": True}}, "context.consent"),
    (with_consent("all"), PREFERENCES),
    (with_consent(["marketing"]), PREFERENCES),
    (with_consent({"marketing": "yes"}), PREFERENCES),
    (with_consent({"marketing": 1}), PREFERENCES),
    ({"properties": "none"}, "properties"),
    ({"properties": {"revenue": "much"}}, "revenue"),
    ({"properties": {"revenue": -1}}, "value"),
    ({"properties": {"revenue": "1e999"}}, "value"),
    ({"properties": {"revenue": 10**400}}, "revenue"),
    ({"properties": {"revenue": True}}, "revenue"),
    ({"properties": {"currency": "EURO"}}, "currency"),
    ({"properties": {"order_id": [1]}}, "order_id"),
    ({"properties": {"products": "mug"}}, "products"),
    ({"properties": {"products": {"product_id": "mug"}}}, "products"),
    ({"properties": {"products": [PRODUCT] * 501}}, "products"),
    ({"properties": {"products": [PRODUCT, "mug"]}}, "products[1].product_id"),
    ({"properties": PRODUCT | {"price": -1}}, "price"),
    (bought(price=-1), "products[1].price"),
    (bought(price="cheap"), "products[1].price"),
    (bought(quantity="two"), "products[1].quantity"),
    (bought(quantity=-2), "products[1].quantity"),
    (bought(quantity="nan"), "products[1].quantity"),
    (bought(product_id=["mug"]), "products[1].product_id"),
    (bought(product_id="p" * 101), "products[1].product_id"),
    ({"properties": {"a": [0, {"b": float("nan")}]}}, "properties.a[1].b"),
    ({"properties": {"a": float("inf")}}, "properties.a"),
    ({"properties": {"a": {"b": {"c": [float("nan")]}}}}, "properties.a.b.c[0]"),
    ({"type": "identify", "traits": {"age": float("-inf")}}, "traits.age"),
    ({"userId": "\ud800"}, "userId"),
    ({"properties": {"title": ["half \udc00 a smile"]}}, "properties.title[0]"),
    ({"properties": {"\ud83d": 1}}, "properties"),
    ({"properties": {"deep": nested(40)}}, "properties"),
    ({"properties": {"deep": nested(400)}}, "properties"),
    ({"properties": {"much": "x" * 33_000}}, None),
    ("no object", "event"),
    (None, "event"),
    ([GOOD], "event"),
]


def of(wrong):
    """Return a good event with something wrong in it, or the wrong thing itself."""
    return GOOD | {"messageId": "bad"} | wrong if isinstance(wrong, dict) else wrong


def test_a_bad_event_is_named_and_its_good_neighbours_are_stored(play):
    async def scene(shop):
        for n, (wrong, field) in enumerate(EVENTS):
            batch = [GOOD | {"messageId": f"{n}-a"}, of(wrong), GOOD | {"messageId": f"{n}-z"}]
            body = json.dumps({"batch": batch}).encode()  # with NaN and half characters
            found = await shop.ask("POST", "/v1/batch", "write", content=body)
            assert found.status_code == 200, (wrong, found.text)
            first, bad, last = found.json()["results"]
            assert first == {"messageId": f"{n}-a", "status": "stored"}, wrong
            assert last == {"messageId": f"{n}-z", "status": "stored"}, wrong
            assert bad["status"] == "rejected" and bad.get("field") == field, (wrong, bad)
            assert bad["code"] == ("too_large" if field is None else "invalid_event"), bad
            assert bad["message"] and len(bad["message"]) < 300
        assert shop.runtime.log.summary().events == 2 * len(EVENTS)

    play(scene)


def test_the_same_by_itself_is_answered_with_a_status(play):
    async def scene(shop):
        for wrong, field in EVENTS:
            if not isinstance(wrong, dict) or wrong.get("type", "track") is not GOOD["type"]:
                continue
            body = json.dumps(of(wrong)).encode()
            found = await shop.ask("POST", "/v1/track", "write", content=body)
            assert found.status_code == (413 if field is None else 400), wrong
            assert found.json().get("field") == field, wrong
        assert shop.runtime.log.summary().events == 0

    play(scene)


def text(body):
    return json.dumps(body).encode()


MANY = {"batch": [GOOD] * 2501}
GZIPPED = gzip.compress(text({"batch": [GOOD]}), mtime=0)
FULL = text({"batch": [GOOD]}).ljust(512_000)  # to the byte
OVERFULL = FULL + b" "
BODIES = [
    # path, key, headers, content, status, code, field
    ("batch", "write", {}, b"{", 400, "invalid_input", None),
    ("batch", "write", {}, b"", 400, "invalid_input", None),
    ("batch", "write", {}, b"\xff\xfe{}", 400, "invalid_input", None),
    ("batch", "write", {}, b"userId=ada", 400, "invalid_input", None),
    ("batch", "write", {}, text([GOOD]), 400, "invalid_input", None),
    ("batch", "write", {}, b"   ", 400, "invalid_input", None),
    ("batch", "write", {}, b"\x00\x00", 400, "invalid_input", None),
    ("batch", "write", {}, b'"batch"', 400, "invalid_input", None),
    ("batch", "write", {}, b'{"batch":[{"userId":"\xff","type":"track"}]}', 400, "invalid_input",
     None),
    ("batch", "write", {}, b'{"batch":[{"userId":"a\x00b"}]}', 400, "invalid_input", None),
    ("batch", "write", {}, text({"batch": [GOOD]}) + b"{}", 400, "invalid_input", None),
    ("batch", "write", {}, text({"batch": [GOOD]})[:-1], 400, "invalid_input", None),
    ("batch", "write", {}, b'{"batch":' * 50_000, 400, "invalid_input", None),
    ("batch", "write", {}, b"[" * 100_000, 400, "invalid_input", None),
    ("batch", "write", {}, b'{"a":' + b"9" * 5000 + b"}", 400, "invalid_input", None),
    ("batch", "write", {}, text({"batch": GOOD}), 400, "invalid_input", "batch"),
    ("batch", "write", {}, text({"batch": []}), 400, "invalid_input", "batch"),
    ("batch", "write", {}, text({"batch": None}), 400, "invalid_input", "batch"),
    ("batch", "write", {}, text({"batch": "all"}), 400, "invalid_input", "batch"),
    ("batch", "write", {}, text({"batch": {"0": GOOD}}), 400, "invalid_input", "batch"),
    ("batch", "write", {}, text({"batch": [GOOD], "Batch": []} | {"batch": 1}), 400,
     "invalid_input", "batch"),
    ("batch", "write", {}, text({"events": [GOOD]}), 400, "invalid_input", "batch"),
    ("batch", "write", {}, text(MANY), 413, "too_large", "batch"),
    ("batch", "write", {}, b" " * 512_001, 413, "too_large", None),
    ("batch", "write", {}, OVERFULL, 413, "too_large", None),
    ("batch", "write", {"Content-Encoding": "gzip"}, gzip.compress(OVERFULL), 413, "too_large",
     None),
    ("batch", "write", {}, text({"batch": [GOOD], "sentAt": "soon"}), 400, "invalid_event",
     "sentAt"),
    ("batch", "write", {}, text({"batch": [GOOD], "sentAt": NAIVE}), 400, "invalid_event",
     "sentAt"),
    ("batch", "write", {"Content-Encoding": "gzip"}, text({"batch": [GOOD]}), 400,
     "invalid_input", None),
    ("batch", "write", {"Content-Encoding": "gzip"}, gzip.compress(b"{}")[:-6], 400,
     "invalid_input", None),
    ("batch", "write", {"Content-Encoding": "gzip"}, GZIPPED[: len(GZIPPED) // 2], 400,
     "invalid_input", None),
    ("batch", "write", {"Content-Encoding": "gzip"}, GZIPPED[:5], 400, "invalid_input", None),
    ("batch", "write", {"Content-Encoding": "gzip"}, b"", 400, "invalid_input", None),
    ("batch", "write", {"Content-Encoding": "gzip"}, GZIPPED[:-8] + bytes(8), 400,
     "invalid_input", None),
    ("batch", "write", {"Content-Encoding": "gzip"}, GZIPPED + b"rubbish", 400,
     "invalid_input", None),
    ("batch", "write", {"Content-Encoding": "gzip"}, gzip.compress(b"\xff\xfe"), 400,
     "invalid_input", None),
    ("batch", "write", {}, GZIPPED, 400, "invalid_input", None),
    ("batch", "write", {"Content-Encoding": "br"}, b"{}", 400, "invalid_input",
     "Content-Encoding"),
    ("batch", "write", {"Content-Encoding": "deflate"}, zlib.compress(b"{}"), 400,
     "invalid_input", "Content-Encoding"),
    ("batch", "write", {"Content-Encoding": "zstd"}, b"{}", 400, "invalid_input",
     "Content-Encoding"),
    ("batch", "write", {"Content-Encoding": "gzip, gzip"}, gzip.compress(GZIPPED), 400,
     "invalid_input", "Content-Encoding"),
    ("batch", "write", {"Content-Encoding": "gzip"}, gzip.compress(b" " * 50_000_000), 413,
     "too_large", None),
    ("batch", None, {}, text({"batch": [GOOD]}), 401, "not_authenticated", None),
    ("batch", "pk_wrong", {}, text({"batch": [GOOD]}), 401, "not_authenticated", None),
    ("batch", None, {}, text({"batch": [GOOD], "writeKey": "pk_x"}), 401, "not_authenticated",
     None),
    ("batch", None, {}, text({"batch": [GOOD], "writeKey": "\ud800"}), 401, "not_authenticated",
     None),
    ("batch", None, {}, text({"batch": [GOOD], "writeKey": 5}), 401, "not_authenticated", None),
    ("batch", None, {"Authorization": "Basic %%%"}, text({}), 401, "not_authenticated", None),
    ("batch", None, {"Authorization": "Basic cGtfeA=="}, text({}), 401, "not_authenticated", None),
    ("batch?writeKey=pk_x", None, {}, text({"batch": [GOOD]}), 401, "not_authenticated", None),
    ("track", None, {"X-Write-Key": "pk_x"}, text(GOOD), 401, "not_authenticated", None),
    ("track", "write", {}, text([GOOD]), 400, "invalid_input", None),
    ("track", "write", {}, b"null", 400, "invalid_input", None),
    ("collect", "write", {}, text(GOOD), 404, "not_found", None),
]  # fmt: skip


def test_a_body_that_cannot_be_read(play):
    async def scene(shop):
        for path, key, headers, content, status, code, field in BODIES:
            found = await shop.ask("POST", f"/v1/{path}", key, content=content, headers=headers)
            body, about = found.json(), (path, key, headers, content[:60])
            assert (found.status_code, body["code"], body.get("field")) == (status, code, field), (
                about, body,
            )  # fmt: skip
        assert shop.runtime.log.summary().events == 0

    play(scene)


def test_what_looks_odd_but_is_fine(play):
    """Taken as it is: ids that are numbers, the future (as now), nulls, big numbers, no id."""
    odd = [
        {"userId": 17, "anonymousId": 18, "messageId": 19},
        {"timestamp": FAR},
        {"properties": None, "context": None},
        {"properties": {"a": None, "big": 10**40, "nul": "a\u0000b", "smile": "\U0001f600"}},
        {"properties": {"deep": nested(20)}},
        {"messageId": None},
        {"anonymousId": "ada"},
        {"context": {"campaign": "spring", "device": 5, "userAgent": 1}},
    ]

    async def scene(shop):
        body = {"batch": [GOOD | one for one in odd], "sentAt": None}
        found = (await shop.post("/v1/batch", body, "write")).json()
        assert found["stored"] == len(odd), found
        assert found["results"][0]["messageId"] == "19"
        assert shop.runtime.log.events_of("17")[0].anonymous_id == "18"
        assert shop.runtime.log.identities() == [("18", "17", shop.runtime.log.identities()[0][2])]

    play(scene)


def test_a_body_of_exactly_the_limit_is_taken(play):
    async def scene(shop):
        for n, (content, headers) in enumerate(
            [(FULL, {}), (gzip.compress(FULL), {"Content-Encoding": "gzip"})]
        ):
            found = await shop.ask("POST", "/v1/batch", "write", content=content, headers=headers)
            assert found.status_code == 200, found.text
            assert shop.runtime.log.summary().events == n + 1

    play(scene)


def test_whatever_the_content_type_says_the_body_is_json(play):
    async def scene(shop):
        types = ["text/plain", "application/x-www-form-urlencoded", "image/png", "",
                 "application/xml", "application/json; charset=latin-1"]  # fmt: skip
        for said in types:
            headers = {"Content-Type": said}
            found = await shop.ask(
                "POST", "/v1/track", "write", content=text(GOOD), headers=headers
            )
            assert found.status_code == 200, (said, found.text)
        assert shop.runtime.log.summary().events == len(types)

    play(scene)


def test_of_messages_with_one_id_the_first_counts_whatever_the_others_say(play):
    async def scene(shop):
        one = GOOD | {"messageId": "one"}
        batch = [one, one | {"event": "purchase", "userId": "eve"}, one | {"timestamp": NAIVE}]
        found = (await shop.post("/v1/batch", {"batch": batch}, "write")).json()
        assert [r["status"] for r in found["results"]] == ["stored", "duplicate", "rejected"]
        again = await shop.post("/v1/track", one | {"event": "purchase"}, "write")
        assert again.json()["status"] == "duplicate"
        (event,) = shop.runtime.log.events_of("ada")
        assert event.kind == "search" and not shop.runtime.log.events_of("eve")

    play(scene)


def test_of_a_field_that_stands_twice_the_last_counts(play):
    async def scene(shop):
        body = b'{"userId": "eve", "userId": "ada", "type": "track", "event": "search"}'
        found = await shop.ask("POST", "/v1/track", "write", content=body)
        assert found.status_code == 200
        assert shop.runtime.log.events_of("ada") and not shop.runtime.log.events_of("eve")

    play(scene)


def test_a_clock_that_is_far_off_moves_no_event_behind_its_receipt(play):
    async def scene(shop):
        asked = [
            {"originalTimestamp": "2099-01-01T00:00:00Z", "sentAt": "2001-01-01T00:00:00Z"},
            {"timestamp": "2001-01-01T00:00:10Z", "sentAt": "2001-01-01T00:00:00Z"},
            {"originalTimestamp": "1990-01-01T00:00:00Z", "sentAt": "1990-01-01T00:00:05Z"},
        ]
        batch = [GOOD | {"messageId": f"far-{n}"} | one for n, one in enumerate(asked)]
        found = (await shop.post("/v1/batch", {"batch": batch}, "write")).json()
        assert found["stored"] == 3, found
        late = [e.received_at - e.at for e in shop.runtime.log.events_of("ada")]
        assert sorted(lag.total_seconds() for lag in late) == [0, 0, 5]

    play(scene)


def test_half_a_character_written_as_bytes_costs_its_event_alone(play):
    async def scene(shop):
        bad = text(GOOD).replace(b"ada", b"\xed\xa0\x80")
        content = b'{"batch": [' + text(GOOD) + b"," + bad + b"]}"
        found = await shop.ask("POST", "/v1/batch", "write", content=content)
        assert found.status_code == 200, found.text
        first, second = found.json()["results"]
        assert first["status"] == "stored"
        assert (second["status"], second["field"]) == ("rejected", "userId")

    play(scene)
