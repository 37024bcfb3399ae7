"""The same batch from several clients at once, again and again: each event counts once."""

import asyncio
from collections import Counter

CLIENTS, TIMES, EVENTS = 4, 5, 50


def test_the_same_batch_sent_often_and_at_once_counts_once(play):
    batch = [
        {"type": "track", "userId": f"c-{n % 7}", "event": "Order Completed", "messageId": f"m-{n}",
         "properties": {"product_id": "mug-1", "price": 2}}
        for n in range(EVENTS)
    ]  # fmt: skip

    async def scene(shop):
        async def client():
            found = []
            for _ in range(TIMES):
                found.append((await shop.post("/v1/batch", {"batch": batch}, "write")).json())
            return found

        found = await asyncio.gather(*(client() for _ in range(CLIENTS)))
        answers = [answer for of_client in found for answer in of_client]
        counts = Counter(r["status"] for answer in answers for r in answer["results"])
        assert counts == {"stored": EVENTS, "duplicate": EVENTS * (CLIENTS * TIMES - 1)}
        stored = Counter(r["messageId"] for a in answers for r in a["results"]
                         if r["status"] == "stored")  # fmt: skip
        assert stored == Counter(one["messageId"] for one in batch)
        assert shop.runtime.log.summary().events == EVENTS
        profiles = [(await shop.get(f"/v1/profiles/c-{n}")).json() for n in range(7)]
        assert sum(p["behaviour"]["order_count"] for p in profiles) == EVENTS

    play(scene)


def test_single_calls_at_once_each_get_their_own_answer(play):
    async def scene(shop):
        async def send(n):
            good = {"userId": f"c-{n}", "event": "search", "messageId": f"m-{n // 2}"}
            return await shop.post("/v1/track", good if n % 5 else {"event": "search"}, "write")

        found = await asyncio.gather(*(send(n) for n in range(100)))
        for n, answer in enumerate(found):
            assert answer.status_code == (200 if n % 5 else 400)
            assert n % 5 == 0 or answer.json()["messageId"] == f"m-{n // 2}"
        stored = [a.json()["messageId"] for a in found if a.json().get("status") == "stored"]
        assert len(stored) == len(set(stored)) == shop.runtime.log.summary().events

    play(scene)
