"""Each endpoint's bad input: which status, which code, which field."""

import pytest

RULE = {"combinator": "and", "rules": [{"field": "order_count", "operator": ">=", "value": 1}]}
BAD_RULE = {"combinator": "and", "rules": [{"field": "nonsense", "operator": "=", "value": 1}]}
RULE_FIELD = "rule.rules[0].field"
SEGMENTS, PREVIEW = "/v1/segments", "/v1/segments/preview"
RECOMMEND, NBA, LOOKALIKES = "/v1/recommendations", "/v1/next-best-action", "/v1/lookalikes"
TWO_SEEDS = {"seed": ["c"], "segment": "dormant"}
AB = {"name": "Ab", "rule": RULE}
ONE_PROPERTY = {"properties": 1, "userId": "a"}
ADA = {"customer_id": "ada"}

CASES = [
    # method, path, key, body, status, code, field
    ("POST", RECOMMEND, None, ADA, 401, "not_authenticated", None),
    ("POST", RECOMMEND, "pk_wrong", ADA, 401, "not_authenticated", None),
    ("POST", RECOMMEND, "write", ADA | {"limit": 0}, 400, "invalid_input", "limit"),
    ("POST", RECOMMEND, "write", ADA | {"limit": 10_000}, 400, "invalid_input", "limit"),
    ("POST", RECOMMEND, "write", ADA | {"limit": "many"}, 400, "invalid_input", "limit"),
    ("POST", RECOMMEND, "write", ADA | {"colour": "red"}, 400, "invalid_input", "colour"),
    ("POST", RECOMMEND, "write", {"customer_id": ""}, 400, "invalid_input", "customer_id"),
    ("POST", RECOMMEND, "write", {"customer_id": "x" * 300}, 400, "invalid_input", "customer_id"),
    ("POST", RECOMMEND, "write", {"customer_id": 5}, 400, "invalid_input", "customer_id"),
    ("POST", RECOMMEND, "write", [1], 400, "invalid_input", None),
    ("POST", RECOMMEND, "write", None, 400, "invalid_input", None),
    ("POST", RECOMMEND, "write", {"exclude": ["a", ""]}, 400, "invalid_input", "exclude[1]"),
    ("POST", RECOMMEND, "write", {"filter": {"color": 1}}, 400, "invalid_input", "filter.color"),
    ("POST", RECOMMEND, "write", {"filter": {"price": "a"}}, 400, "invalid_input", "filter.price"),
    ("POST", RECOMMEND, "write", {"filter": []}, 400, "invalid_input", "filter"),
    ("POST", RECOMMEND, "write", {"x": "y" * 600_000}, 413, "too_large", None),
    ("GET", "/v1/items/trending?limit=0", "write", None, 400, "invalid_input", "limit"),
    ("GET", "/v1/items/trending", None, None, 401, "not_authenticated", None),
    ("GET", "/v1/items/nothing/similar", "write", None, 404, "not_found", "item_id"),
    ("GET", "/v1/items/mug-0/similar?limit=1000", "write", None, 400, "invalid_input", "limit"),
    ("GET", "/recommend/ada?top_n=0", "write", None, 400, "invalid_input", "top_n"),
    ("GET", "/recommend/ada", None, None, 401, "not_authenticated", None),
    ("POST", "/v1/track", None, {"userId": "a", "event": "x"}, 401, "not_authenticated", None),
    ("POST", "/v1/track", "sk_wrong", {"userId": "a"}, 401, "not_authenticated", None),
    ("POST", "/v1/track", "write", {"userId": "a"}, 400, "invalid_event", "event"),
    ("POST", "/v1/track", "write", {"event": "x"}, 400, "invalid_event", "userId"),
    ("POST", "/v1/track", "write", [1], 400, "invalid_input", None),
    ("POST", "/v1/track", "write", {"event": "x" * 33_000}, 413, "too_large", None),
    ("POST", "/v1/identify", "write", {"traits": {}}, 400, "invalid_event", "userId"),
    ("POST", "/v1/page", "write", ONE_PROPERTY, 400, "invalid_event", "properties"),
    ("POST", "/v1/batch", "write", {}, 400, "invalid_input", "batch"),
    ("POST", "/v1/batch", "write", {"batch": []}, 400, "invalid_input", "batch"),
    ("POST", "/v1/batch", "write", {"batch": [1] * 2501}, 413, "too_large", "batch"),
    ("POST", "/v1/batch", "write", {"batch": ["x" * 600_000]}, 413, "too_large", None),
    ("POST", NBA, "write", ADA, 403, "not_allowed", None),
    ("POST", NBA, None, ADA, 401, "not_authenticated", None),
    ("POST", NBA, "secret", {}, 400, "invalid_input", "customer_id"),
    ("POST", NBA, "secret", ADA | {"channels": ["fax"]}, 400, "invalid_input", "channels"),
    ("POST", NBA, "secret", ADA | {"channels": []}, 400, "invalid_input", "channels"),
    ("POST", NBA, "secret", ADA | {"what": 1}, 400, "invalid_input", "what"),
    ("GET", "/v1/profiles/nobody", "secret", None, 404, "not_found", "profile_id"),
    ("GET", "/v1/profiles/nobody", "write", None, 403, "not_allowed", None),
    ("GET", "/v1/profiles/ada?events=-1", "secret", None, 400, "invalid_input", "events"),
    ("GET", "/v1/segments", "write", None, 403, "not_allowed", None),
    ("GET", "/v1/segments?format=xml", "secret", None, 400, "invalid_input", "format"),
    ("GET", "/v1/segments/nothing", "secret", None, 404, "not_found", "key"),
    ("DELETE", "/v1/segments/nothing", "secret", None, 404, "not_found", "key"),
    ("GET", "/v1/segments/nothing/members", "secret", None, 404, "not_found", "key"),
    ("GET", "/v1/segments/nothing/members?format=csv", "secret", None, 404, "not_found", "key"),
    ("GET", "/v1/segments/dormant/members?limit=0", "secret", None, 400, "invalid_input", "limit"),
    ("POST", SEGMENTS, "secret", {"name": "X", "rule": RULE}, 400, "invalid_input", "key"),
    ("POST", SEGMENTS, "secret", {"rule": RULE}, 400, "invalid_input", "name"),
    ("POST", SEGMENTS, "secret", {"name": "Dormant", "rule": RULE}, 409, "conflict", "key"),
    ("POST", SEGMENTS, "secret", AB | {"key": "A B"}, 400, "invalid_input", "key"),
    ("POST", SEGMENTS, "secret", AB | {"rule": BAD_RULE}, 400, "invalid_rule", RULE_FIELD),
    ("POST", SEGMENTS, "secret", AB | {"rule": {}}, 400, "invalid_rule", "rule.field"),
    ("POST", SEGMENTS, "secret", AB | {"rule": "all"}, 400, "invalid_input", "rule"),
    ("POST", PREVIEW, "secret", {"rule": BAD_RULE}, 400, "invalid_rule", RULE_FIELD),
    ("POST", PREVIEW, "secret", {"rules": RULE}, 400, "invalid_input", "rule"),
    ("POST", LOOKALIKES, "secret", {}, 400, "invalid_input", "seed"),
    ("POST", LOOKALIKES, "secret", TWO_SEEDS, 400, "invalid_input", "seed"),
    ("POST", LOOKALIKES, "secret", {"seed": []}, 400, "invalid_input", "seed"),
    ("POST", LOOKALIKES, "secret", {"seed": ["nobody"]}, 404, "not_found", "seed"),
    ("POST", LOOKALIKES, "secret", {"segment": "nothing"}, 404, "not_found", "key"),
    ("POST", LOOKALIKES, "secret", {"segment": "leads"}, 409, "not_enough_data", "segment"),
    ("POST", LOOKALIKES, "secret", {"seed": ["c-1"], "limit": 0}, 400, "invalid_input", "limit"),
    ("POST", LOOKALIKES, "write", {"seed": ["c-1"]}, 403, "not_allowed", None),
    ("GET", "/v1/nothing", "secret", None, 404, "not_found", None),
    ("DELETE", RECOMMEND, "secret", None, 405, "method_not_allowed", None),
]  # fmt: skip


def test_each_bad_request_says_what_is_wrong_where_and_the_cure(play):
    async def scene(shop):
        wrong = []
        for method, path, key, body, *expected in CASES:
            given = {} if method != "POST" or body is None else {"json": body}
            found = await shop.ask(method, path, key, **given)
            answer = found.json()
            got = [found.status_code, answer["code"], answer.get("field")]
            if got != expected or not answer["message"]:
                wrong.append((method, path, str(body)[:80], expected, got, answer["message"]))
        assert not wrong

    play(scene)


def test_a_body_that_is_no_json_is_refused(play):
    async def scene(shop):
        for path in ("/v1/recommendations", "/v1/track", "/v1/batch"):
            headers = {"Content-Type": "application/json"}
            found = await shop.ask("POST", path, "write", content=b"{'a'", headers=headers)
            assert (found.status_code, found.json()["code"]) == (400, "invalid_input")
            assert "not valid JSON" in found.json()["message"]

    play(scene)


def test_every_fault_of_a_rule_is_reported_together(play):
    async def scene(shop):
        rule = {"combinator": "nor", "rules": [{"field": "a", "operator": "~"}]}
        answer = (await shop.post("/v1/segments/preview", {"rule": rule})).json()
        assert len(answer["problems"]) == 3

    play(scene)


def test_an_error_of_ours_is_json_too_and_tells_nothing(play, monkeypatch):
    async def scene(shop):
        def fail(*_):
            raise RuntimeError("a secret detail")

        monkeypatch.setattr("serving.placing.recommend", fail)
        found = await shop.post("/v1/recommendations", {}, "write")
        assert found.status_code == 500 and found.json()["code"] == "internal"
        assert "secret" not in found.text

    play(scene)


@pytest.mark.parametrize("method", ["get", "post", "delete"])
def test_every_route_tells_openapi_its_errors_and_gives_an_example(play, method):
    async def scene(shop):
        api = (await shop.get("/openapi.json", None)).json()
        for path, operations in api["paths"].items():
            if method not in operations or path.startswith(("/health", "/metrics")):
                continue
            operation = operations[method]
            assert operation["description"], path
            assert {"400", "401"} <= set(operation["responses"]), path
            if method == "post" and not path.endswith(("/ping", "/undo")):  # they take no body
                (content,) = operation["requestBody"]["content"].values()
                name = content["schema"].get("$ref", "").rpartition("/")[2]
                assert "example" in content or "example" in api["components"]["schemas"][name], path

    play(scene)
