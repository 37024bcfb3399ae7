"""Each bad call to /v1/decide: which status, which code, which field; and nothing has happened."""

ADA = {"customer_id": "ada"}
ONE = {"placement": "home"}
EVENT = {"type": "track", "event": "search", "messageId": "m-1"}


def lists(*wanted):
    return {"want": {"recommendations": list(wanted)}}


def of(number, name):
    return f"want.recommendations[{number}].{name}"


BAD = "invalid_input"
CASES = [
    # key, body, status, code, field
    (None, ADA, 401, "not_authenticated", None),
    ("pk_wrong", ADA, 401, "not_authenticated", None),
    ("write", ADA | {"want": {"action": True}}, 403, "not_allowed", "want.action"),
    ("write", ADA | {"want": {"action": {}}}, 403, "not_allowed", "want.action"),
    ("write", ADA | {"want": {"segments": True}}, 403, "not_allowed", "want.segments"),
    ("write", ADA | {"want": {"scores": True}}, 403, "not_allowed", "want.scores"),
    ("secret", {"want": {"action": True}}, 400, BAD, "customer_id"),
    ("secret", {"want": {"scores": True}}, 400, BAD, "customer_id"),
    ("secret", ADA | {"want": {"action": {"channels": ["fax"]}}}, 400, BAD, "want.action.channels"),
    ("secret", ADA | {"want": {"action": {"channels": []}}}, 400, BAD, "want.action.channels"),
    ("secret", ADA | {"want": {"action": {"what": 1}}}, 400, BAD, "want.action.what"),
    ("secret", ADA | {"want": {"action": 5}}, 400, BAD, "want.action"),
    ("write", ADA | {"want": {"colour": 1}}, 400, BAD, "want.colour"),
    ("write", ADA | {"want": []}, 400, BAD, "want"),
    ("write", ADA | {"colour": 1}, 400, BAD, "colour"),
    ("write", {"customer_id": ""}, 400, BAD, "customer_id"),
    ("write", {"anonymous_id": "x" * 300}, 400, BAD, "anonymous_id"),
    ("write", ADA | {"events": [EVENT] * 101}, 400, BAD, "events"),
    ("write", ADA | {"events": EVENT}, 400, BAD, "events"),
    ("write", ADA | {"sentAt": "yesterday"}, 400, "invalid_event", "sentAt"),
    ("write", ADA | {"call_id": ""}, 400, BAD, "call_id"),
    ("write", ADA | {"context_items": [""]}, 400, BAD, "context_items[0]"),
    ("write", lists(*[ONE] * 21), 400, BAD, "want.recommendations"),
    ("write", lists({"limit": 3}), 400, BAD, of(0, "placement")),
    ("write", lists(ONE, ONE | {"limit": 0}), 400, BAD, of(1, "limit")),
    ("write", lists(ONE, ONE | {"exclude": [1]}), 400, BAD, of(1, "exclude[0]")),
    ("write", lists(ONE, ONE | {"filter": {"color": 1}}), 400, BAD, of(1, "filter.color")),
    ("write", lists(ONE | {"filter": {"price": "a"}}), 400, BAD, of(0, "filter.price")),
    ("write", [1], 400, BAD, None),
    ("write", {"x": "y" * 600_000}, 413, "too_large", None),
]  # fmt: skip


def test_each_bad_call_says_what_is_wrong_where_and_stores_nothing(play):
    async def scene(shop):
        wrong = []
        for key, body, *expected in CASES:
            if isinstance(body, dict) and "events" not in body:
                body = body | {"events": [EVENT]}
            found = await shop.post("/v1/decide", body, key)
            answer = found.json()
            got = [found.status_code, answer["code"], answer.get("field")]
            if got != expected or not answer["message"]:
                wrong.append((key, str(body)[:80], expected, got, answer["message"]))
        assert not wrong
        assert shop.runtime.log.last_seq() == 0

    play(scene)


PERFORMANCE = "/v1/placements/home/performance"
PLACEMENT_CASES = [
    ("/v1/placements", None, 401, "not_authenticated", None),
    ("/v1/placements", "write", 403, "not_allowed", None),
    (PERFORMANCE, "write", 403, "not_allowed", None),
    (PERFORMANCE, "secret", 404, "not_found", "placement"),
    (PERFORMANCE + "?from=monday", "secret", 400, "invalid_event", "from"),
    (PERFORMANCE + "?to=2026-03-01T00:00:00", "secret", 400, "invalid_event", "to"),
    (PERFORMANCE + "?from=2030-01-01T00:00:00Z", "secret", 400, BAD, "from"),
    (PERFORMANCE + "?days=0", "secret", 400, BAD, "days"),
    (PERFORMANCE + "?rule=luck", "secret", 400, BAD, "rule"),
]


def test_each_bad_question_about_a_placement_says_what_is_wrong(play):
    async def scene(shop):
        wrong = []
        for path, key, *expected in PLACEMENT_CASES:
            found = await shop.get(path, key)
            answer = found.json()
            got = [found.status_code, answer["code"], answer.get("field")]
            if got != expected or not answer["message"]:
                wrong.append((path, expected, got, answer["message"]))
        assert not wrong

    play(scene)
