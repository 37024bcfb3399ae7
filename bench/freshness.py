"""How fresh an answer is: from the 200 of the collector to an answer that knows of the event.

    python bench/freshness.py [--workers 2] [--redis] [--seconds 20]

50 requests a second, each with a batch for new people, one of whom buys. In turn that one is asked
for by profile, by list (which must leave out what was bought) and by segments (`/v1/decide`) until
the answer shows it; the journal of the segment "first-time-buyers" is read every 10 ms meanwhile.
The client, and the Redis if there is one, run on the same machine.
"""

import argparse
import asyncio
import tempfile
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from pathlib import Path

import numpy as np
from client import Client
from service import Service, machine, redis_pair, start_service, table

RATES = (100, 1_000)  # events a second
TICKS = 50  # requests a second that carry them
SEGMENT, ITEM = "first-time-buyers", "hot-1"
JOURNAL_SECONDS = 0.01
PATIENCE_SECONDS = 20.0


class Probe:
    """Sends buyers and finds out when each answer knows of them."""

    def __init__(self, client: Client, per_request: int) -> None:
        self._client, self._per_request = client, per_request
        self.stored: dict[str, float] = {}  # person -> when the 200 came
        self.sent: dict[str, float] = {}
        self.seen: dict[str, dict[str, float]] = defaultdict(dict)  # what -> person -> when

    async def run(self, seconds: float) -> None:
        """Send at a steady rate, and wait until everything was seen."""
        await self._begin()
        journal = asyncio.create_task(self._follow())
        asks = (self._profile, self._list, self._segments)
        start, tasks = time.perf_counter(), []
        for n in range(int(seconds * TICKS)):
            await asyncio.sleep(max(0.0, start + n / TICKS - time.perf_counter()))
            tasks.append(asyncio.create_task(self._one(n, asks[n % len(asks)])))
        await asyncio.gather(*tasks)
        deadline = time.perf_counter() + PATIENCE_SECONDS
        while len(self.seen["journal"]) < len(self.stored) and time.perf_counter() < deadline:
            if journal.done():
                journal.result()  # what ended it
            await asyncio.sleep(JOURNAL_SECONDS)
        journal.cancel()

    async def _begin(self) -> None:
        """Return when the shop knows what is popular, and somebody's entry was written down.

        Who was there before the rules of a segment were taken up gets in without a word.
        """
        path, first = f"/v1/segments/{SEGMENT}/changes?after=0&limit=1", 0
        deadline = time.perf_counter() + PATIENCE_SECONDS
        while not first or not (await self._client.ask("GET", path))["changes"]:
            if time.perf_counter() > deadline:
                raise TimeoutError(f"nobody entered {SEGMENT} in {PATIENCE_SECONDS:g} s")
            batch = [_hot(n) for n in range(first, first + 40)]
            await self._client.ask("POST", "/v1/batch", {"batch": batch})
            first += 40
            await asyncio.sleep(2)

    async def _one(self, n: int, ask: Callable[[str], Awaitable[tuple[str, bool]]]) -> None:
        """Send a batch for people of its own, and ask for the one who bought until it shows."""
        buyer, batch = f"p{n}", [_event(f"p{n}", "Order Completed", ITEM)]
        batch += [_event(f"p{n}-{k}", "item-view", f"i{k}") for k in range(1, self._per_request)]
        self.sent[buyer] = time.perf_counter()
        await self._client.ask("POST", "/v1/batch", {"batch": batch})
        self.stored[buyer] = time.perf_counter()
        deadline = self.stored[buyer] + PATIENCE_SECONDS
        while time.perf_counter() < deadline:
            what, shows = await ask(buyer)
            if shows:
                self.seen[what][buyer] = time.perf_counter()
                return

    async def _profile(self, person: str) -> tuple[str, bool]:
        found = await self._client.ask("GET", f"/v1/profiles/{person}")
        return "profile", bool(found and found["behaviour"]["event_count"] == 1)

    async def _list(self, person: str) -> tuple[str, bool]:
        asked = {"customer_id": person, "limit": 10, "log": False}
        found = await self._client.ask("POST", "/v1/recommendations", asked)
        return "list", ITEM not in {item["item_id"] for item in found["items"]}

    async def _segments(self, person: str) -> tuple[str, bool]:
        asked = {"customer_id": person, "want": {"segments": True}}
        found = await self._client.ask("POST", "/v1/decide", asked)
        return "segment, by decide", SEGMENT in str(found["segments"])

    async def _follow(self) -> None:
        after = 0
        while True:
            path = f"/v1/segments/{SEGMENT}/changes?after={after}&limit=1000"
            changes = (await self._client.ask("GET", path))["changes"]
            now = time.perf_counter()
            for change in changes:
                if change["profile_id"].startswith("p"):
                    self.seen["journal"][change["profile_id"]] = now
            after = changes[-1]["seq"] if changes else after
            await asyncio.sleep(JOURNAL_SECONDS)

    def rows(self, first: dict[str, str]) -> list[dict[str, str]]:
        """Return one line for each way of looking."""
        return [
            self._row(first, what) for what in (*sorted(set(self.seen) - {"journal"}), "journal")
        ]

    def _row(self, first: dict[str, str], what: str) -> dict[str, str]:
        seen = self.seen[what]
        after = np.array([at - self.stored[p] for p, at in seen.items() if p in self.stored]) * 1e3
        whole = np.array([at - self.sent[p] for p, at in seen.items() if p in self.sent]) * 1e3
        name = "segment, in the journal" if what == "journal" else what
        wanted = len(self.stored) if what == "journal" else len(seen)
        return {
            **first,
            "what changed": name,
            "seen": f"{len(seen):,} of {wanted:,}",
            "after the 200: p50 / p99 / max ms": _told(after, (50, 99, 100)),
            "after sending: p50 / p99 ms": _told(whole, (50, 99)),
        }


def _event(person: str, name: str, item: str) -> dict[str, object]:
    return {
        "type": "track", "event": name, "messageId": f"m-{person}", "userId": person,
        "properties": {"product_id": item, "price": 9.5, "quantity": 1},
    }  # fmt: skip


def _hot(n: int) -> dict[str, object]:
    return _event(f"early-{n}", "Order Completed", f"hot-{n % 5}")


def _told(milliseconds: np.ndarray, shares: tuple[int, ...]) -> str:
    if not len(milliseconds):
        return "-"
    return " / ".join(f"{max(v, 0.0):.1f}" for v in np.percentile(milliseconds, shares))


def measure(
    folder: Path, rate: int, workers: int, seconds: float, redis: bool
) -> list[dict[str, str]]:
    with redis_pair(folder, redis) as place:
        service = start_service(folder / "home", workers, place)
        try:
            probe = asyncio.run(_probed(service, rate, seconds))
        finally:
            service.stop()
    first = {
        "set-up": f"{'Redis' if redis else 'SQLite'}, {workers} worker{'s' * (workers > 1)}",
        "events/s": f"{rate:,}",
    }
    return probe.rows(first)


async def _probed(service: Service, rate: int, seconds: float) -> Probe:
    client = Client(service.port, service.keys.secret_key)
    probe = Probe(client, rate // TICKS)
    await probe.run(seconds)
    client.close()
    return probe


def main() -> None:
    given = argparse.ArgumentParser(description=__doc__)
    given.add_argument("--workers", type=int, default=1)
    given.add_argument("--redis", action="store_true", help="log and online store on Redis")
    given.add_argument("--seconds", type=float, default=20.0, help="length of each rate")
    given.add_argument("--rate", type=int, action="append", help="events a second; may repeat")
    asked = given.parse_args()
    rows = []
    for rate in asked.rate or RATES:
        with tempfile.TemporaryDirectory(prefix="nextbest-bench-") as folder:
            rows += measure(Path(folder), rate, asked.workers, asked.seconds, asked.redis)
    print(f"{machine()}; {asked.seconds:g} s a rate.\n")
    print("\n".join(table(rows)), "\n")


if __name__ == "__main__":
    main()
