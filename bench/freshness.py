"""How fresh an answer is: from the 200 of the collector to a profile that shows the event.

    python bench/freshness.py [--workers 2] [--seconds 20]

Settings of the environment count, so the same is measured on Redis. The client is on this machine.
"""

import argparse
import asyncio
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx

from domain.settings import Settings
from serving.keys import ensure_keys

RATES = (100, 1_000)  # events a second
TICKS = 50  # requests a second that carry them


def main() -> None:
    given = argparse.ArgumentParser()
    given.add_argument("--workers", type=int, default=1)
    given.add_argument("--seconds", type=float, default=20.0)
    asked = given.parse_args()
    print(
        "| events/s | sent | profile after the 200, p50 / p99 / max ms | after sending, p50 / p99 |"
    )
    print("| --- | --- | --- | --- |")
    for rate in RATES:
        with tempfile.TemporaryDirectory() as home:
            print(measure(Path(home), rate, asked.workers, asked.seconds))


def measure(home: Path, rate: int, workers: int, seconds: float) -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    keys = ensure_keys(home)[0]
    place = Settings(home=home, port=port, workers=workers).to_environment()
    place |= {name: value for name, value in os.environ.items() if name.startswith("NEXTBEST_")}
    words = [sys.executable, "-m", "nextbest", "serve"]
    server = subprocess.Popen(words, env={**os.environ, **place}, stderr=subprocess.DEVNULL)
    try:
        url = f"http://127.0.0.1:{port}"
        found = asyncio.run(probe(url, keys.write_key, keys.secret_key, rate, seconds))
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait()
    after, whole = (sorted(column) for column in zip(*found, strict=True))
    sent = len(found) * rate // TICKS
    fresh = f"{at(after, 0.5):.1f} / {at(after, 0.99):.1f} / {after[-1]:.1f}"
    return f"| {rate:,} | {sent:,} | {fresh} | {at(whole, 0.5):.1f} / {at(whole, 0.99):.1f} |"


async def probe(
    url: str, write: str, secret: str, rate: int, seconds: float
) -> list[tuple[float, float]]:
    """Send at a steady rate; return per request (ms after the 200, ms after sending)."""
    async with httpx.AsyncClient(base_url=url, timeout=60) as client:
        await ready(client)
        start, tasks = time.perf_counter(), []
        for n in range(int(seconds * TICKS)):
            await asyncio.sleep(max(0.0, start + n / TICKS - time.perf_counter()))
            tasks.append(asyncio.create_task(one(client, write, secret, n, rate // TICKS)))
        return await asyncio.gather(*tasks)


async def one(
    client: httpx.AsyncClient, write: str, secret: str, n: int, size: int
) -> tuple[float, float]:
    """Send a batch for people of its own and ask for one of them until the event is there."""
    people = [f"p{n}-{k}" for k in range(size)]
    batch = [{"type": "track", "event": "item-view", "messageId": i, "userId": i,
              "properties": {"product_id": f"i{k}"}} for k, i in enumerate(people)]  # fmt: skip
    sent = time.perf_counter()
    answer = await client.post("/v1/batch", json={"batch": batch}, auth=(write, ""))
    answer.raise_for_status()
    stored = time.perf_counter()
    headers = {"Authorization": f"Bearer {secret}"}
    while True:
        seen = await client.get(f"/v1/profiles/{people[-1]}", headers=headers)
        if seen.status_code == 200 and seen.json()["behaviour"]["event_count"] == 1:
            now = time.perf_counter()
            return (now - stored) * 1e3, (now - sent) * 1e3


async def ready(client: httpx.AsyncClient) -> None:
    while True:
        try:
            if (await client.get("/health/ready")).status_code == 200:
                return
        except httpx.TransportError:
            await asyncio.sleep(0.1)


def at(ascending: tuple[float, ...], share: float) -> float:
    return ascending[min(int(len(ascending) * share), len(ascending) - 1)]


if __name__ == "__main__":
    main()
