"""The collector under load: events/s in batches, single requests/s, and where the time goes.

    python bench/collect.py [--workers 2] [--redis] [--seconds 5] [--customers 2000] [--seed 7]

Prints Markdown. A real service over an empty temporary home, asked over loopback by clients that
keep their connection open and send again as soon as they are answered. Every event counted was
answered with 200, so it was on disk before (SQLite WAL, synchronous = FULL; or a Redis of its own
with appendfsync = always, and one for the states); the log is counted afterwards to see that it is.
`--parts` puts a clock on each part of the way, which costs some speed.
"""

import argparse
import asyncio
import base64
import random
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from client import read_answer
from service import Service, machine, redis_pair, start_service, table, timings

from domain.settings import Settings
from feature_repo.backends import open_log

EVENTS = ("Product Viewed", "Product Viewed", "Product Viewed", "Product Added", "page-view")


@dataclass(frozen=True)
class Load:
    """So many clients at once, each sending requests of so many events."""

    name: str
    clients: int
    events: int
    budget: str


LOADS = (
    Load("batches of 100", clients=8, events=100, budget=">= 5,000 events/s"),
    Load("single events", clients=64, events=1, budget=">= 1,000 requests/s"),
    Load("single events, one client", clients=1, events=1, budget="-"),
)


@dataclass(frozen=True)
class Measured:
    """What a load came to."""

    load: Load
    seconds: float
    latencies: np.ndarray  # (requests,) in seconds
    refused: int
    server_seconds: float  # of CPU time
    parts: dict[str, list[float]]  # part -> (calls, CPU seconds, seconds)

    def row(self) -> dict[str, str]:
        """Return the line of the table."""
        p50, p99 = np.percentile(self.latencies, (50, 99)) * 1000
        per_second = len(self.latencies) / self.seconds
        cpu = self.server_seconds / (len(self.latencies) * self.load.events) * 1e6
        return {
            "load": self.load.name,
            "clients": str(self.load.clients),
            "requests/s": f"{per_second:,.0f}",
            "events/s": f"{per_second * self.load.events:,.0f}",
            "p50": f"{p50:.1f} ms",
            "p99": f"{p99:.1f} ms",
            "server CPU": f"{cpu:.0f} µs/event",
            "not 200": str(self.refused),
            "budget": self.load.budget,
        }

    def parts_rows(self) -> list[dict[str, str]]:
        """Return where the CPU time of the service went; what no clock stood on is HTTP."""
        events = max(len(self.latencies) * self.load.events, 1)
        http = self.server_seconds - sum(cpu for _, cpu, _ in self.parts.values())
        parts = {"HTTP, routes, threads": [float("nan"), http, float("nan")], **self.parts}
        return [
            {
                "load": self.load.name,
                "part": name,
                "CPU µs/event": f"{cpu / events * 1e6:.1f}",
                "share": f"{cpu / self.server_seconds:.0%}",
                "elapsed µs/event": "-" if np.isnan(wall) else f"{wall / events * 1e6:.1f}",
                "events a call": "-" if np.isnan(calls) else f"{events / calls:.0f}",
            }
            for name, (calls, cpu, wall) in parts.items()
        ]


class Sender:
    """Makes the requests: shoppers who look at items, put them in the basket, and at times buy."""

    def __init__(self, key: str, port: int, seed: int, customers: int) -> None:
        self._rng, self._customers, self._sent = random.Random(seed), customers, 0
        user = base64.b64encode(f"{key}:".encode()).decode()
        self._head = (
            f"Host: 127.0.0.1:{port}\r\nAuthorization: Basic {user}\r\n"
            "Content-Type: application/json\r\nContent-Length: "
        )

    def request(self, count: int) -> bytes:
        """Return the bytes of one request with `count` events."""
        events = [self._event() for _ in range(count)]
        path = "track" if count == 1 else "batch"
        body = orjson.dumps(events[0] if count == 1 else {"batch": events})
        return f"POST /v1/{path} HTTP/1.1\r\n{self._head}{len(body)}\r\n\r\n".encode() + body

    def _event(self) -> dict[str, Any]:
        self._sent += 1
        item = self._rng.randrange(5_000)
        bought = self._rng.random() < 0.05
        return {
            "type": "track",
            "messageId": f"bench-{self._sent}",
            "userId": f"c-{self._rng.randrange(self._customers)}",
            "event": "Order Completed" if bought else self._rng.choice(EVENTS),
            "properties": {
                "product_id": f"sku-{item}", "price": 10.0 + item % 90, "quantity": 1,
                "category": f"category-{item % 40}", "brand": f"brand-{item % 200}",
            },
            "context": {
                "userAgent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36",
                "campaign": {"name": "spring", "medium": "email"},
                "page": {"url": f"https://shop.example/p/{item}", "path": f"/p/{item}"},
            },
        }  # fmt: skip


async def measure(load: Load, sender: Sender, service: Service, seconds: float) -> Measured:
    """Send for so many seconds and return what came of it."""
    latencies: list[float] = []
    refused = 0
    before, cpu_before = timings(service.home), service.cpu_seconds()
    start = time.perf_counter()

    async def client() -> None:
        nonlocal refused
        reader, writer = await asyncio.open_connection("127.0.0.1", service.port)
        while (sent := time.perf_counter()) < start + seconds:
            writer.write(sender.request(load.events))
            if (await read_answer(reader))[0] == 200:
                latencies.append(time.perf_counter() - sent)
            else:
                refused += 1
        writer.close()

    await asyncio.gather(*(client() for _ in range(load.clients)))
    took, cpu = time.perf_counter() - start, service.cpu_seconds() - cpu_before
    parts = {
        name: [now - then for now, then in zip(numbers, before.get(name, [0.0] * 3), strict=True)]
        for name, numbers in timings(service.home).items()
    }
    return Measured(load, took, np.array(latencies or [0.0]), refused, cpu, parts)


def main() -> None:
    given = _arguments()
    with (
        tempfile.TemporaryDirectory(prefix="nextbest-bench-") as folder,
        redis_pair(Path(folder), given.redis) as place,
    ):
        home = Path(folder) / "home"
        service = start_service(home, given.workers, place, timed=given.parts)
        sender = Sender(service.keys.write_key, service.port, given.seed, given.customers)
        try:
            asyncio.run(measure(LOADS[0], sender, service, 1.0))  # warm up
            found = [asyncio.run(measure(load, sender, service, given.seconds)) for load in LOADS]
        finally:
            service.stop()
        stored = _stored(home, place)
    durable = "Redis, appendfsync = always" if given.redis else "SQLite WAL, synchronous = FULL"
    print("## Collector\n")
    print(
        f"{machine()}; seed {given.seed}; {given.seconds:g} s a load, {given.customers:,} "
        f"customers, {given.workers} worker(s), client on the same machine; durable before the "
        f"answer ({durable}); {stored:,} events in the log at the end.\n"
    )
    print("\n".join(table([one.row() for one in found])), "\n")
    if given.parts:
        print("\n".join(table([row for one in found[:2] for row in one.parts_rows()])), "\n")


def _stored(home: Path, place: dict[str, Any]) -> int:
    log = open_log(Settings(home=home, **place))
    try:
        return log.summary().events
    finally:
        log.close()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--redis", action="store_true", help="log and online store on Redis")
    parser.add_argument("--parts", action="store_true", help="also show where the time goes")
    parser.add_argument("--seconds", type=float, default=5.0, help="length of each load")
    parser.add_argument("--customers", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=7)
    return parser.parse_args()


if __name__ == "__main__":
    main()
