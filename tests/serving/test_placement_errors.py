"""Bad input about placements, rules and re-ranking: status, code, field, and the cure in words."""

import pytest

HOME, DRY = "/v1/placements/home", "/v1/placements/home/dry-run"
LISTS, RERANK = "/v1/recommendations", "/v1/rerank"


def pin(**more):
    return {"pins": [{"item_id": "mug-1", "position": 1} | more]}


def boost(**more):
    return {"boosts": [{"filter": {"category": "mugs"}, "factor": 2} | more]}


RULES = [  # rule, field, words of the message
    ({"filter": {"colr": "red"}}, "filter.colr", "did you mean 'colour'"),
    ({"filter": {"price": "cheap"}}, "filter.price", "must be a finite number"),
    ({"filter": {"price": {"~": 3}}}, "filter.price", "use one of"),
    ({"filter": "mugs"}, "filter", "valid dictionary"),
    ({"colour": "red"}, "colour", "unknown field 'colour'; remove it"),
    (boost(filter={"sise": 3}), "boosts[0].filter.sise", "unknown attribute"),
    (boost(filter={}), "boosts[0].filter", "at least 1"),
    (boost(factor=0), "boosts[0].factor", "greater than 0"),
    (boost(factor=-2), "boosts[0].factor", "greater than 0"),
    (boost(factor="much"), "boosts[0].factor", "valid number"),
    (pin(item_id="gone-for-good"), "pins[0].item_id", "import it first, or remove the pin"),
    (pin(position=0), "pins[0].position", "greater than or equal to 1"),
    (pin(position=101), "pins[0].position", "less than or equal to 100"),
    (pin(segment="nobody"), "pins[0].segment", "GET /v1/segments lists them"),
    (pin(segment="dormant", customer_id="c"), "pins[0].customer_id", "remove one of them"),
    (
        {"from": "2026-02-01T00:00:00Z", "to": "2026-01-01T00:00:00Z"},
        "to",
        "must be after 'from'",
    ),
    (
        pin(**{"from": "2026-02-01T00:00:00Z", "to": "2026-02-01T00:00:00Z"}),
        "pins[0].to",
        "must be after 'from'",
    ),
    ({"to": "2026-02-01T00:00:00"}, "to", "should have timezone info"),
    ({"to": "soon"}, "to", "valid datetime"),
    ({"diversity": {"lambda": 1.5}}, "diversity.lambda", "less than or equal to 1"),
    ({"diversity": {"lambda": -0.1}}, "diversity.lambda", "greater than or equal to 0"),
    ({"diversity": {"lambda": 0.5, "over": "price"}}, "diversity.over", "'vectors'"),
    ({"freshness": {"share": 0}}, "freshness.share", "greater than 0"),
    ({"freshness": {"share": 0.5, "filter": {"x": 1}}}, "freshness.filter.x", "unknown attribute"),
    ({"caps": [{"attribute": "price", "at_most": 2}]}, "caps[0].attribute", "'category'"),
    ({"caps": [{"attribute": "brand", "at_most": 2}] * 2}, "caps", "2 times; keep one"),
    ({"sources": [{"name": "magic"}]}, "sources[0].name", "'trending'"),
    ({"repeat": {"times": 0, "days": 1}}, "repeat.times", "greater than or equal to 1"),
]


@pytest.mark.parametrize(("rule", "field", "words"), RULES, ids=[f"{f}-{w}" for _, f, w in RULES])
def test_a_bad_rule_is_refused_with_the_place_and_the_cure(play, rule, field, words):
    async def scene(shop):
        found = await shop.ask("PUT", HOME, json=rule)
        body = found.json()
        assert (found.status_code, body["code"], body["field"]) == (400, "invalid_rule", field)
        assert words in body["message"] and body["problems"] == [body["message"]]
        tried = (await shop.post(DRY, {"rule": rule})).json()
        assert tried["field"] == f"rule.{field}" and words in tried["message"]
        assert (await shop.get(HOME)).status_code == 404

    play(scene)


def test_all_faults_of_a_rule_are_told_at_once(play):
    async def scene(shop):
        rule = (
            pin(item_id="never", position=0)
            | boost(factor=0, filter={"nix": 1})
            | {"extra": 1, "from": "2026-02-01T00:00:00Z", "to": "2026-01-01T00:00:00Z"}
        )
        problems = (await shop.ask("PUT", HOME, json=rule)).json()["problems"]
        assert len(problems) == 6
        told = " ".join(problems)
        for word in ("position", "factor", "'extra'", "'never'", "'nix'", "'to'"):
            assert word in told

    play(scene)


CALLS = [  # method, address, body, status, code, field, words
    ("GET", "/v1/placements/none", None, 404, "not_found", "name", "PUT /v1/placements"),
    ("DELETE", "/v1/placements/none", None, 404, "not_found", "name", "has no rule"),
    ("GET", "/v1/placements/none/history", None, 404, "not_found", "name", "has no rule"),
    ("PUT", HOME, [1], 400, "invalid_input", None, "JSON object"),
    ("PUT", f"/v1/placements/{'x' * 101}", {}, 400, "invalid_input", "name", "100"),
    ("POST", DRY, {}, 400, "invalid_input", "rule", "missing"),
    ("POST", DRY, {"rule": {}, "limit": 0}, 400, "invalid_input", "limit", "equal to 1"),
    ("POST", LISTS, {"limit": 0}, 400, "invalid_input", "limit", "greater than or equal to 1"),
    ("POST", LISTS, {"limit": 10_000}, 400, "invalid_input", "limit", "equal to 100"),
    ("POST", LISTS, {"filter": {"nix": 1}}, 400, "invalid_input", "filter.nix", "known:"),
    ("POST", LISTS, {"filter": {"price": "x"}}, 400, "invalid_input", "filter.price", "number"),
    ("POST", RERANK, {"item_ids": ["a"] * 501}, 400, "invalid_input", "item_ids", "at most 500"),
    ("POST", RERANK, {"item_ids": []}, 400, "invalid_input", "item_ids", "at least 1"),
    ("POST", RERANK, {"item_ids": [7]}, 400, "invalid_input", "item_ids[0]", "valid string"),
    ("POST", RERANK, {"item_ids": ["a"], "unknown": "?"}, 400, "invalid_input", "unknown", "drop"),
]


def test_bad_calls_are_refused_with_the_place_and_the_cure(play):
    async def scene(shop):
        for method, url, body, status, code, field, words in CALLS:
            given = {} if body is None else {"json": body}
            found = await shop.ask(method, url, **given)
            told = found.json()
            assert (found.status_code, told["code"]) == (status, code), (url, body, told)
            assert told.get("field") == field, (url, body, told)
            assert words in told["message"], (url, body, told)

    play(scene)
