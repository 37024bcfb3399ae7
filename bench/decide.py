"""One call that records and decides, and lists alone: latency over HTTP and requests a second.

    python bench/decide.py [--seconds 5] [--items 20000 100000] [--customers 500] [--profile FILE]

Prints Markdown. A real server with one worker over a temporary home, asked over loopback by clients
that keep their connection open and ask again as soon as they are answered. Each customer has 20
acts on items and scores of three models. `/v1/decide` sends one event and wants two lists of six,
the action, the segments and the scores; `/v1/recommendations` wants one list of ten with a filter,
logged as shown; once more at a placement with a RULE of all parts, and `/v1/rerank` puts 100 given
items in order. What the machine and the framework cost alone is measured in the same run:
`GET /health/live` by as many clients. Server CPU is that of the whole process, writing included:
on a busy machine it says more than the latency. --profile writes the server's cProfile.
"""

import argparse
import asyncio
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from feature_repo.store import Features
from models.als import ALSRecommender
from models.response_rates import ResponseRates
from serving.keys import Keys, ensure_keys
from serving.placement_store import PlacementStore

ROOT = Path(__file__).parents[1]
PATIENCE_SECONDS = 90.0
FACTORS = 64
ACTS = 20  # of each customer, before
CATEGORIES = 30
RERANKED = 100
RULE = {
    "filter": {"not": {"brand": "brand-7"}},
    "boosts": [{"filter": {"brand": "brand-3"}, "factor": 1.5}],
    "pins": [{"item_id": "sku-42", "position": 2}],
    "caps": [{"attribute": "category", "at_most": 3}],
    "diversity": {"lambda": 0.7},
    "freshness": {"share": 0.1, "filter": {"colour": "red"}},
    "repeat": {"times": 3, "days": 7},
}
WARMING = 20  # requests of each client before the clock runs
Body = Callable[[random.Random], dict[str, Any]]


def main() -> None:
    given = _arguments()
    rows = []
    for items in given.items:
        with tempfile.TemporaryDirectory(prefix="nextbest-bench-") as folder:
            home = Path(folder)
            keys, _ = ensure_keys(home)
            write_release(home, items)
            write_scores(home, given.customers)
            write_rule(home)
            server, port = start(home, given.profile)
            try:
                asyncio.run(fill(port, keys, items, given.customers))
                for clients in (1, 8):
                    alone = 0.0
                    for name, path, body in loads(items, given.customers):
                        before = cpu_seconds(server.pid)
                        found = asyncio.run(measure(port, keys, path, body, clients, given.seconds))
                        cpu = (cpu_seconds(server.pid) - before) / (len(found) + WARMING * clients)
                        alone = alone or float(np.median(found))
                        rows.append(row(name, items, clients, found, given.seconds, alone, cpu))
            finally:
                server.send_signal(signal.SIGINT)  # so that a profile is written
                server.wait(30)
    print("\n".join(table(rows)))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--items", type=int, nargs="+", default=[20_000, 100_000])
    parser.add_argument("--customers", type=int, default=500)
    parser.add_argument("--profile", default="")
    return parser.parse_args()


def write_release(home: Path, items: int) -> None:
    """Write a release with random tastes."""
    rng, folder = np.random.default_rng(7), home / "releases" / "r1"
    folder.mkdir(parents=True)
    ids = [f"sku-{n}" for n in range(items)]
    columns = {
        "item_id": ids,
        "title": [f"Item {n}" for n in range(items)],
        "category": [f"category-{n % CATEGORIES}" for n in range(items)],
        "brand": [f"brand-{n % 200}" for n in range(items)],
        "price": rng.lognormal(3, 1, items).round(2),
        "in_stock": rng.random(items) < 0.95,
        "attributes": [json.dumps({"colour": "blue" if n % 3 else "red"}) for n in range(items)],
        "popularity": rng.lognormal(0, 1, items),
        "trend": rng.normal(0, 1, items),
    }
    pq.write_table(pa.table(columns), folder / "items.parquet")
    vectors = rng.normal(0, 0.1, (items, FACTORS)).astype(np.float32)
    model = ALSRecommender(factors=FACTORS)
    model.popularity_ = columns["popularity"].astype(np.float32)
    model.weight_, model.mass_ = 1.0, float(ACTS)
    model._set(np.array(ids), vectors).save(folder / "models" / "recommend")
    about = {
        "release_id": "r1",
        "created_at": datetime.now(UTC).isoformat(),
        "models": {"recommend": {"version": "1", "kind": "als"}},
    }
    (folder / "release.json").write_text(json.dumps(about))
    ResponseRates({}).save(folder / "responses.json")
    pq.write_table(pa.table({"profile_id": ["c-0"]}), folder / "profiles.parquet")
    (home / "releases" / "current").write_text("r1\n")


def write_scores(home: Path, customers: int) -> None:
    score = {"probability": 0.3, "percentile": 80, "tier": "A", "model_version": "1", "factors": []}
    text = json.dumps(dict.fromkeys(("churn", "lead_score", "clv_90"), score))
    features = Features.open(home)
    features.write_scores((f"c-{n}", text, datetime.now(UTC)) for n in range(customers))
    features.close()


def write_rule(home: Path) -> None:
    store = PlacementStore(home)
    store.put("ruled", RULE, datetime.now(UTC), "bench")
    store.close()


def start(home: Path, profile: str) -> tuple["subprocess.Popen[bytes]", int]:
    """Start a server of one worker and return when it is ready."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    own = {"NEXTBEST_HOME": str(home), "NEXTBEST_PORT": str(port), "NEXTBEST_LOG_LEVEL": "warning"}
    words = ["-m", "cProfile", "-o", str(Path(profile).resolve())] if profile else []
    command = [sys.executable, *words, "-m", "nextbest", "serve"]
    server = subprocess.Popen(command, cwd=ROOT, env=dict(os.environ) | threads | own)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health/ready", timeout=2):
                return server, port
        except OSError:
            time.sleep(0.2)
    raise SystemExit("the server is not ready")


def cpu_seconds(pid: int) -> float:
    """Return the CPU time that a process has used so far."""
    words = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def event(chance: random.Random, items: int, customer: str | None = None) -> dict[str, Any]:
    product = {"product_id": f"sku-{chance.randrange(items)}", "price": 9.5}
    name = chance.choice(("Product Viewed", "Product Viewed", "Product Added", "Order Completed"))
    who = {"userId": customer} if customer else {}
    return {"type": "track", "event": name, "properties": product, **who}


async def fill(port: int, keys: Keys, items: int, customers: int) -> None:
    """Give each customer a past."""
    chance = random.Random(7)
    client = await Client.connect(port, keys.secret_key)
    for n in range(0, customers, 20):
        batch = [event(chance, items, f"c-{n + k}") for k in range(20) for _ in range(ACTS)]
        await client.ask("/v1/batch", {"batch": batch})
    client.close()


def loads(items: int, customers: int) -> list[tuple[str, str, Body | None]]:
    def decide(chance: random.Random) -> dict[str, Any]:
        two = [{"placement": name, "limit": 6} for name in ("top", "foot")]
        return {
            "customer_id": f"c-{chance.randrange(customers)}",
            "events": [event(chance, items)],
            "want": {"recommendations": two, "action": True, "segments": True, "scores": True},
        }

    def recommend(chance: random.Random) -> dict[str, Any]:
        return {
            "customer_id": f"c-{chance.randrange(customers)}",
            "placement": "home",
            "limit": 10,
            "filter": {"price": {"<=": 60}},
        }

    def look(chance: random.Random) -> dict[str, Any]:
        return recommend(chance) | {"log": False}

    def ruled(chance: random.Random) -> dict[str, Any]:
        return recommend(chance) | {"placement": "ruled"}

    def rerank(chance: random.Random) -> dict[str, Any]:
        given = [f"sku-{n}" for n in chance.sample(range(items), RERANKED)]
        return {"customer_id": f"c-{chance.randrange(customers)}", "item_ids": given}

    return [
        ("health", "/health/live", None),
        ("decide", "/v1/decide", decide),
        ("recommendations, logged", "/v1/recommendations", recommend),
        ("recommendations, not logged", "/v1/recommendations", look),
        ("recommendations, with a rule, logged", "/v1/recommendations", ruled),
        (f"rerank {RERANKED} items", "/v1/rerank", rerank),
    ]


class Client:
    """One connection that is kept open."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, key: str):
        self._reader, self._writer, self._key = reader, writer, key

    @classmethod
    async def connect(cls, port: int, key: str) -> "Client":
        return cls(*await asyncio.open_connection("127.0.0.1", port), key)

    async def ask(self, path: str, body: dict[str, Any] | None) -> bytes:
        """Return the body of an answer; without a body of the question it is a GET."""
        text = b"" if body is None else orjson.dumps(body)
        head = (
            f"{'GET' if body is None else 'POST'} {path} HTTP/1.1\r\n"
            f"Host: bench\r\nAuthorization: Bearer {self._key}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(text)}\r\n\r\n"
        )
        self._writer.write(head.encode() + text)
        answer = await self._reader.readuntil(b"\r\n\r\n")
        names = dict(
            line.split(": ", 1) for line in answer.decode().lower().splitlines() if ": " in line
        )
        content = await self._reader.readexactly(int(names["content-length"]))
        if b" 200 " not in answer.split(b"\r\n", 1)[0]:
            raise SystemExit(f"{path}: {content.decode()[:300]}")
        return content

    def close(self) -> None:
        self._writer.close()


async def measure(
    port: int, keys: Keys, path: str, body: Body | None, clients: int, seconds: float
) -> np.ndarray:
    """Return the latency of each request of all clients, in seconds."""

    async def one(number: int) -> list[float]:
        chance = random.Random(number)
        client = await Client.connect(port, keys.secret_key)
        for _ in range(WARMING):
            await client.ask(path, body and body(chance))
        found, until = [], time.perf_counter() + seconds
        while (started := time.perf_counter()) < until:
            await client.ask(path, body and body(chance))
            found.append(time.perf_counter() - started)
        client.close()
        return found

    return np.array([x for part in await asyncio.gather(*map(one, range(clients))) for x in part])


def row(
    name: str, items: int, clients: int, found: np.ndarray, seconds: float, alone: float, cpu: float
) -> dict[str, str]:
    p50, p99 = np.percentile(found, (50, 99)) * 1000
    return {
        "call": name,
        "items": f"{items:,}",
        "clients": str(clients),
        "p50": f"{p50:.1f} ms",
        "p99": f"{p99:.1f} ms",
        "requests/s": f"{len(found) / seconds:,.0f}",
        "server CPU": f"{cpu * 1000:.2f} ms/request",
        "p50 / that of health": f"{p50 / 1000 / alone:.1f}",
    }


def table(rows: list[dict[str, str]]) -> list[str]:
    head = ["| " + " | ".join(rows[0]) + " |", "| " + " | ".join("---" for _ in rows[0]) + " |"]
    return head + ["| " + " | ".join(r.values()) + " |" for r in rows]


if __name__ == "__main__":
    main()
