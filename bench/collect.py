"""The collector under load: events/s in batches, single requests/s, and how long an answer takes.

    python bench/collect.py [--seconds 5] [--customers 2000] [--seed 7]

Prints Markdown. A real server with one worker over an empty temporary home, asked over loopback by
clients that keep their connection open and send again as soon as they are answered. Every event
counted was answered with 200, so it was on disk (SQLite WAL, synchronous = FULL) before; the log is
counted afterwards to see that it is.
"""

import argparse
import asyncio
import base64
import os
import platform
import random
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from serving.keys import ensure_keys

ROOT = Path(__file__).parents[1]
PATIENCE_SECONDS = 60.0
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


async def measure(load: Load, sender: Sender, server: "Server", seconds: float) -> Measured:
    """Send for so many seconds and return what came of it."""
    latencies: list[float] = []
    refused = 0
    start, cpu_before = time.perf_counter(), server.cpu_seconds()

    async def client() -> None:
        nonlocal refused
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        while (sent := time.perf_counter()) < start + seconds:
            writer.write(sender.request(load.events))
            if await _status(reader) == 200:
                latencies.append(time.perf_counter() - sent)
            else:
                refused += 1
        writer.close()

    await asyncio.gather(*(client() for _ in range(load.clients)))
    took, cpu = time.perf_counter() - start, server.cpu_seconds() - cpu_before
    return Measured(load, took, np.array(latencies or [0.0]), refused, cpu)


async def _status(reader: asyncio.StreamReader) -> int:
    """Read one answer to its end; return its status."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
    await reader.readexactly(int(length))
    return int(head[9:12])


@dataclass(frozen=True)
class Server:
    """One worker, listening."""

    process: "subprocess.Popen[bytes]"
    port: int

    def cpu_seconds(self) -> float:
        """Return the CPU time of the worker so far; nan where the system does not say."""
        stat = Path(f"/proc/{self.process.pid}/stat")
        if not stat.exists():
            return float("nan")
        user, system = stat.read_text().rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    def stop(self) -> None:
        """End it as an operator would."""
        self.process.terminate()
        self.process.wait(30)


def start_server(home: Path, port: int) -> Server:
    """Start one worker and return when it is ready."""
    process = subprocess.Popen(
        [sys.executable, "-m", "uvicorn", "serving.app:app_from_environment", "--factory",
         "--port", str(port), "--no-access-log", "--log-level", "warning"],
        cwd=ROOT, env={**os.environ, "NEXTBEST_HOME": str(home)},
    )  # fmt: skip
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/health/ready", timeout=2).close()
            return Server(process, port)
        except OSError:
            time.sleep(0.2)
    process.kill()
    raise SystemExit("the server did not start; its output is above")


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def main() -> None:
    given = _arguments()
    with tempfile.TemporaryDirectory(prefix="nextbest-bench-") as folder:
        home, port = Path(folder), free_port()
        sender = Sender(ensure_keys(home)[0].write_key, port, given.seed, given.customers)
        server = start_server(home, port)
        try:
            asyncio.run(measure(LOADS[0], sender, server, 1.0))  # warm up
            found = [asyncio.run(measure(load, sender, server, given.seconds)) for load in LOADS]
        finally:
            server.stop()
        stored = _stored(home)
    print("## Collector\n")
    print(
        f"{_machine()}; seed {given.seed}; {given.seconds:g} s a load, {given.customers:,} "
        "customers, one worker, client on the same machine; durable before the answer "
        f"(SQLite WAL, synchronous = FULL); {stored:,} events in the log at the end.\n"
    )
    print("\n".join(_table([one.row() for one in found])), "\n")


def _stored(home: Path) -> int:
    with sqlite3.connect(home / "log" / "events.sqlite") as db:
        return int(db.execute("SELECT count(*) FROM events").fetchone()[0])


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0, help="length of each load")
    parser.add_argument("--customers", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=7)
    return parser.parse_args()


def _machine() -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    python = sys.version.split()[0]
    return f"{os.cpu_count()} cores {platform.machine()}, {memory:.0f} GiB, Python {python}"


def _table(rows: list[dict[str, str]]) -> Iterator[str]:
    names = list(rows[0])
    yield "| " + " | ".join(names) + " |"
    yield "| " + " | ".join("---" for _ in names) + " |"
    for row in rows:
        yield "| " + " | ".join(row.values()) + " |"


if __name__ == "__main__":
    main()
