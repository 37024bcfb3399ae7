"""What each SDK was seen to send is taken in, once, and means what its caller said.

A file in `wire/` holds the requests of one SDK as they went over the wire, shortened, and what each
message becomes: `ago` in seconds before the receipt (`$KEY` and `$BASIC` stand for the write key).
"""

import base64
import gzip
import json
from pathlib import Path

import pytest

WIRE = sorted((Path(__file__).parent / "wire").glob("*.json"))
ITEM_FIELDS = {"items": lambda e: [line.item_id for line in e.lines]}
TIME_FIELDS = {
    "ago": lambda e: pytest.approx((e.received_at - e.at).total_seconds(), abs=1e-3),
    "at": lambda e: e.at.isoformat(),
}
TIMES_SENT = 3


def requests_of(file, key):
    """Return path, body and headers of each request of an SDK, with the key in its places."""
    basic = base64.b64encode(f"{key}:".encode()).decode()
    text = file.read_text(encoding="utf-8").replace("$KEY", key).replace("$BASIC", basic)
    for request in json.loads(text)["requests"]:
        body, headers = json.dumps(request["body"]).encode(), request["headers"]
        if request.get("gzip"):
            body, headers = gzip.compress(body), headers | {"Content-Encoding": "gzip"}
        yield request["path"], body, headers


def becomes(file):
    return json.loads(file.read_text(encoding="utf-8"))["becomes"]


def stored_events(shop):
    people = {"ada", "new", "17", "dev", "b9628e62-e981-4d78-b361-28c573f2bda1"}
    found = [event for who in people for event in shop.runtime.log.events_of(who)]
    return {event.message_id: event for event in found}


@pytest.mark.parametrize("file", WIRE, ids=lambda file: file.stem)
def test_each_message_counts_once_and_becomes_what_was_meant(play, file):
    async def scene(shop):
        statuses = []
        for _ in range(TIMES_SENT):
            for path, body, headers in requests_of(file, shop.keys.write_key):
                found = await shop.ask("POST", path, None, content=body, headers=headers)
                assert found.status_code == 200, found.text
                answer = found.json()
                assert answer["success"] is True, answer
                statuses += [result["status"] for result in answer.get("results", [answer])]
        wanted = becomes(file)
        assert statuses.count("stored") == len(wanted) == shop.runtime.log.summary().events
        assert statuses.count("duplicate") == len(wanted) * (TIMES_SENT - 1)
        events = stored_events(shop)
        readers = ITEM_FIELDS | TIME_FIELDS
        for message_id, fields in wanted.items():
            event = events[message_id]
            found = {n: readers.get(n, lambda e, n=n: getattr(e, n))(event) for n in fields}
            assert found == fields, message_id

    play(scene)


def test_every_sdk_with_a_wrong_key_is_told_so(play):
    async def scene(shop):
        asked = [request for file in WIRE for request in requests_of(file, "pk_wrong")]
        for path, body, headers in asked:
            found = await shop.ask("POST", path, None, content=body, headers=headers)
            assert (found.status_code, found.json()["code"]) == (401, "not_authenticated"), path

    play(scene)
