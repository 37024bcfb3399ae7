"""With the public key a customer id counts only with the signature of the shop's own server."""

import hashlib
import hmac
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from domain.settings import Settings
from nextbest import app
from serving.keys import read_keys, rotate_keys
from serving.signed_ids import signature_of
from training.doctor import examine_all

ON = {"require_signed_ids": "on"}
MAIL = {"email": "ada@here.example"}


def signed(shop, who):
    """Sign as a shop's server would, with nothing of ours but the secret."""
    secret = shop.keys.signing_secret.encode()
    return hmac.new(secret, who.encode(), hashlib.sha256).hexdigest()


def by(shop, who):
    return {"customer_id": who, "customer_signature": signed(shop, who)}


def status_of(found):
    body = found.json()
    return found.status_code, body.get("code"), body.get("field")


UNSIGNED = (401, "not_authenticated", "customer_signature")
FORGED = (403, "not_allowed", "customer_signature")


@pytest.mark.parametrize("path", ["/v1/recommendations", "/v1/decide"])
def test_who_asks_for_a_customer_must_show_a_signature_of_that_very_id(play, path):
    async def scene(shop):
        async def ask(body, key="write", **given):
            return await shop.post(path, body, key, **given)

        await shop.post("/v1/track", {"userId": "ada", "event": "search"}, "secret")
        assert status_of(await ask({"customer_id": "ada"})) == UNSIGNED
        wrong = {"customer_id": "ada", "customer_signature": signed(shop, "bob")}
        assert status_of(await ask(wrong)) == FORGED
        assert (await ask(by(shop, "ada"))).status_code == 200
        header = {"headers": {"X-Customer-Signature": signed(shop, "ada")}}
        assert (await ask({"customer_id": "ada"}, **header)).status_code == 200
        assert (await ask({"customer_id": "ada"}, "secret")).status_code == 200
        assert (await ask({"anonymous_id": "phone"})).status_code == 200
        assert (await ask({})).status_code == 200
        as_device = await ask({"anonymous_id": "ada"})  # the same profile by another door
        assert status_of(as_device) == (403, "not_allowed", "anonymous_id")
        assert (await ask(by(shop, "ada") | {"anonymous_id": "phone"})).status_code == 200

    play(scene, **ON)


def test_the_list_in_the_words_of_leo_too(play):
    async def scene(shop):
        await shop.post("/v1/track", {"userId": "ada", "event": "search"}, "secret")
        assert (await shop.get("/recommend/ada", "write")).status_code == 401
        header = {"X-Customer-Signature": signed(shop, "ada")}
        assert (await shop.get("/recommend/ada", "write", headers=header)).status_code == 200
        assert (await shop.get("/recommend/phone", "write")).status_code == 200
        assert (await shop.get("/recommend/ada", "secret")).status_code == 200

    play(scene, **ON)


def test_each_event_of_a_customer_needs_one_and_its_neighbours_are_stored(play):
    async def scene(shop):
        def did(**more):
            return {"type": "track", "event": "search", **more}

        batch = [
            did(userId="ada"),
            did(userId="ada", customer_signature=signed(shop, "ada")),
            did(userId="bob", context={"customer_signature": signed(shop, "bob")}),
            did(userId="ada", customer_signature=signed(shop, "bob")),
            did(anonymousId="phone"),
            did(anonymousId="ada"),
        ]
        results = (await shop.post("/v1/batch", {"batch": batch}, "write")).json()["results"]
        assert [r["status"] for r in results] == [
            "rejected", "stored", "stored", "rejected", "stored", "stored",
        ]  # fmt: skip
        assert [r.get("code") for r in results if r["status"] == "rejected"] == [
            "not_authenticated", "not_allowed",
        ]  # fmt: skip
        late = (await shop.post("/v1/batch", {"batch": [did(anonymousId="ada")]}, "write")).json()
        assert late["results"][0]["field"] == "anonymous_id"  # by now that is a customer
        whole = {"batch": [did(userId="ada")] * 2, "customer_signature": signed(shop, "ada")}
        assert (await shop.post("/v1/batch", whole, "write")).json()["stored"] == 2
        one = await shop.post("/v1/track", did(userId="ada"), "write")
        assert status_of(one) == UNSIGNED
        assert (await shop.post("/v1/track", did(userId="ada"), "secret")).status_code == 200
        decided = {"events": [did(userId="eve"), did(anonymousId="x")]}
        results = (await shop.post("/v1/decide", decided, "write")).json()["events"]["results"]
        assert [r["status"] for r in results] == ["rejected", "stored"]

    play(scene, **ON)


def test_no_event_by_the_public_key_makes_two_customers_one(play):
    async def scene(shop):
        def says(who, traits=None, **more):
            signature = {"customer_signature": signed(shop, who)}
            return {"type": "identify", "userId": who, "traits": traits or {}} | more | signature

        async def send(*batch, key="write"):
            found = (await shop.post("/v1/batch", {"batch": [*batch]}, key)).json()
            return [(r["status"], r.get("field")) for r in found["results"]]

        fine, refused = ("stored", None), ("rejected", "traits")
        assert await send(says("ada", MAIL)) == [fine]
        assert await send(says("ada", MAIL), says("bob", MAIL), says("bob", {"plan": "x"})) == [
            fine, refused, fine,
        ]  # fmt: skip
        phone = {"phone": "+49 170 1234567"}  # nobody has shown it before: two of one batch
        assert await send(says("cid", phone), says("dan", phone)) == [fine, refused]
        alias = says("bob", type="alias", previousId="cid")
        assert await send(alias) == [("rejected", "anonymous_id")]
        later = says("bob", type="alias", previousId="not-yet-a-customer")
        assert await send(later, says("not-yet-a-customer")) == [fine, fine]
        people = ["ada", "bob", "cid", "dan", "not-yet-a-customer"]
        log = shop.runtime.log
        assert [log.canonical_of(i) for i in people] == people
        by_server = says("bob", MAIL)
        assert await send(by_server, key="secret") == [fine]  # the shop's server may
        assert log.canonical_of("bob") == "ada"
        assert await send(says("bob", MAIL | {"plan": "y"})) == [fine]  # they are one already

    play(scene, **ON)


def test_what_shows_many_new_addresses_is_cut_off(play):
    async def scene(shop):
        said = {"type": "identify", "userId": "ada", "customer_signature": signed(shop, "ada")}
        batch = [said | {"traits": {"email": f"a{n}@here.example"}} for n in range(25)]
        results = (await shop.post("/v1/batch", {"batch": batch}, "write")).json()["results"]
        assert [r["status"] for r in results] == ["stored"] * 20 + ["rejected"] * 5
        assert "more than 20 events" in results[-1]["message"]

    play(scene, **ON)


def test_a_log_in_on_a_device_still_joins_the_device(play):
    async def scene(shop):
        await shop.post("/v1/track", {"anonymousId": "phone", "event": "search"}, "write")
        said = {"userId": "ada", "anonymousId": "phone", "customer_signature": signed(shop, "ada")}
        assert (await shop.post("/v1/identify", said, "write")).status_code == 200
        assert (await shop.get("/v1/profiles/phone")).json()["profile_id"] == "ada"
        assert (
            await shop.post("/v1/recommendations", {"anonymous_id": "phone"}, "write")
        ).is_success

    play(scene, **ON)


def test_it_is_off_by_default(play):
    async def scene(shop):
        assert (await shop.post("/v1/decide", {"customer_id": "ada"}, "write")).is_success
        assert (await shop.post("/v1/track", {"userId": "a", "event": "x"}, "write")).is_success

    play(scene)


def test_new_keys_make_old_signatures_worthless(tmp_path):
    first, second = rotate_keys(tmp_path), rotate_keys(tmp_path)
    assert first.signing_secret != second.signing_secret
    assert first.secret_key not in first.signing_secret


def test_the_line_of_the_docs_makes_a_signature():
    page = (Path(__file__).parents[2] / "docs" / "signed_ids.md").read_text(encoding="utf-8")
    (line,) = re.findall(r"```python\nsignature = (.+)\n```", page)
    names = {"hmac": hmac, "signing_secret": "ids_0", "customer_id": "c-1001é"}
    assert eval(line, names) == signature_of("ids_0", "c-1001é")


def test_the_doctor_recommends_it_and_the_command_shows_the_secret(tmp_path):
    found = {f.topic: f for f in examine_all(Settings(home=tmp_path), datetime.now(UTC))}
    assert "NEXTBEST_REQUIRE_SIGNED_IDS=on" in found["customer ids"].cure
    shown = CliRunner().invoke(app, ["keys"], env={"NEXTBEST_HOME": str(tmp_path)})
    assert read_keys(tmp_path).signing_secret in shown.output.replace("\n", "")
