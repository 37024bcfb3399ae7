import csv
import io

from little_shop import PROFILES, people_come, settled

NATIVE = {
    "combinator": "and",
    "not": False,
    "rules": [{"field": "churn_percentile", "operator": ">=", "value": 80}],
}
JQUERY = {
    "condition": "AND",
    "rules": [{"id": "country", "field": "country", "operator": "equal", "value": "DE"}],
}


def test_ten_segments_are_there_from_the_start_with_their_sizes(play):
    async def scene(shop):
        await people_come(shop)
        body = (await shop.get("/v1/segments")).json()
        assert len(body["segments"]) == 10 and body["total"] == 40 and body["fallback"] is None
        churning = next(s for s in body["segments"] if s["key"] == "likely-to-churn")
        assert (churning["size"], churning["share"]) == (20, 0.5)
        assert churning["rule"]["rules"][0]["field"] == "churn_percentile"

    play(scene)


def test_a_segment_is_made_read_and_deleted_and_stays_deleted(play):
    async def scene(shop):
        made = await shop.post("/v1/segments", {"name": "At risk!", "rule": NATIVE})
        assert made.status_code == 201 and made.json()["key"] == "at-risk"
        read = (await shop.get("/v1/segments/at-risk")).json()
        assert read == {"key": "at-risk", "name": "At risk!", "description": "", "rule": NATIVE}
        for key in ("at-risk", "dormant"):
            assert (await shop.ask("DELETE", f"/v1/segments/{key}")).status_code == 204
            assert (await shop.get(f"/v1/segments/{key}")).status_code == 404

    async def later(shop):
        keys = [s["key"] for s in (await shop.get("/v1/segments")).json()["segments"]]
        assert len(keys) == 9 and "dormant" not in keys

    play(scene)
    play(later)


def test_rules_of_jquery_querybuilder_come_in_and_go_out(play):
    async def scene(shop):
        body = {"name": "Germans", "rule": JQUERY, "key": "germans"}
        native = (await shop.post("/v1/segments", body)).json()["rule"]
        assert native["rules"] == [{"field": "country", "operator": "=", "value": "DE"}]
        back = (await shop.get("/v1/segments/germans?format=jquery")).json()["rule"]
        assert back["condition"] == "AND" and back["rules"][0]["operator"] == "equal"
        listed = (await shop.get("/v1/segments?format=jquery")).json()["segments"]
        assert all("condition" in s["rule"] for s in listed)

    play(scene)


def test_a_preview_tells_size_share_and_a_sample(play):
    async def scene(shop):
        body = (await shop.post("/v1/segments/preview", {"rule": NATIVE})).json()
        assert (body["size"], body["total"], body["share"]) == (20, 40, 0.5)
        assert len(body["sample"]) == 10
        assert body["sample"][0].keys() == {"profile_id", "churn_percentile"}
        assert (body["of"], body["as_of"]) == ("release", "2026-03-01T10:15:00+00:00")
        trait = {"combinator": "and", "rules": [
            {"field": "trait_plan", "operator": "=", "value": "free"}]}  # fmt: skip
        assert (await shop.post("/v1/segments/preview", {"rule": trait})).json()["size"] == 20

    play(scene)


def test_members_come_page_by_page_and_as_csv(play):
    async def scene(shop):
        await people_come(shop)
        url, after, ids = "/v1/segments/likely-to-churn/members", None, []
        while True:
            page = (
                await shop.get(url, params={"limit": 8} | ({"after": after} if after else {}))
            ).json()
            ids += [m["profile_id"] for m in page["members"]]
            after = page["next"]
            if after is None:
                break
        assert ids == sorted(PROFILES[:20]) and page["size"] == 20
        found = await shop.get(url + "?format=csv")
        assert found.headers["content-type"].startswith("text/csv")
        rows = list(csv.DictReader(io.StringIO(found.text)))
        assert [r["profile_id"] for r in rows] == ids and rows[0]["churn_percentile"] == "90"

    play(scene)


def test_csv_disarms_formulas(play):
    async def scene(shop):
        rule = {"combinator": "and", "rules": [{"field": "trait_plan", "operator": "notNull"}]}
        await people_come(shop)
        await shop.post("/v1/segments", {"name": "Plans", "rule": rule})
        await settled(shop)
        text = (await shop.get("/v1/segments/plans/members?format=csv")).text
        assert "'=gold" in text

    play(scene)


def test_before_a_release_rules_cannot_be_tried_and_it_says_so(play):
    async def scene(shop):
        body = (await shop.post("/v1/segments/preview", {"rule": NATIVE})).json()
        assert (body["size"], body["fallback"]) == (0, "no_release")
        assert (await shop.post("/v1/lookalikes", {"seed": ["a"]})).status_code == 404

    play(scene, release=False)


def test_lookalikes_are_near_the_seed_and_leave_it_out(play):
    async def scene(shop):
        asked = {"seed": ["c-1", "c-2", "nobody"], "limit": 18}
        body = (await shop.post("/v1/lookalikes", asked)).json()
        found = [one["profile_id"] for one in body["lookalikes"]]
        assert set(found) == set(PROFILES[:20]) - {"c-1", "c-2"}
        assert body["seed_size"] == 2 and body["unknown"] == ["nobody"]
        similarity = [one["similarity"] for one in body["lookalikes"]]
        assert similarity == sorted(similarity, reverse=True) and 0 < similarity[-1] <= 1

    play(scene)


def test_lookalikes_of_a_large_segment(play):
    async def scene(shop):
        body = (
            await shop.post("/v1/lookalikes", {"segment": "likely-to-churn", "limit": 50})
        ).json()
        found = [one["profile_id"] for one in body["lookalikes"]]
        assert set(found) == set(PROFILES[20:]) and body["seed_size"] == 20

    play(scene)
