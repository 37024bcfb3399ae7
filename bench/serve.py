"""Lists over HTTP beside what else serves the same model: latency, requests a second, memory.

    python bench/serve.py [--seconds 5] [--items 1000 100000] [--large] [--customers 300]

Prints Markdown. One worker each, over loopback, one thread a library. Nextbest answers
`/v1/recommendations` (ten items, a price filter, reasons), `/similar`, `/v1/rerank` of 100 given
items, and `/v1/decide` (see bench/decide.py). Beside it the same model behind `mlflow models serve`
(bench/serve_mlflow.py: the request carries the history; no filter, no reasons) and behind a plain
endpoint of FastAPI, Feast and FAISS (bench/serve_plain.py: price filter, no reasons). The release
is made of random vectors of 64 dimensions, the worst case of any index. --large adds 1 M items.
Memory is the resident set of the process that answers. The server CPU a request says more than the
latency where other work takes part of the machine.
"""

import argparse
import asyncio
import os
import random
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import decide
import numpy as np
import serve_mlflow
import serve_plain

from serving.keys import ensure_keys

CLIENTS = (1, 8)
GIVEN = 100  # items to rerank
Load = tuple[str, str, decide.Body | None]


def main() -> None:
    given = _arguments()
    rows: list[dict[str, str]] = []
    for items in [*given.items, *([1_000_000] if given.large else [])]:
        with tempfile.TemporaryDirectory(prefix="nextbest-bench-") as folder:
            rows += measured(Path(folder), items, given)
    print("\n".join(decide.table(rows)))
    print(f"\nLoad of the machine at the end: {' '.join(map(str, os.getloadavg()))}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--items", type=int, nargs="+", default=[1_000, 100_000])
    parser.add_argument("--large", action="store_true")
    parser.add_argument("--customers", type=int, default=300)
    return parser.parse_args()


def measured(home: Path, items: int, given: argparse.Namespace) -> list[dict[str, str]]:
    """Return the rows of one size: each server in turn, over the same release."""
    keys, _ = ensure_keys(home)
    decide.write_release(home, items)
    decide.write_scores(home, given.customers)
    release = home / "releases" / "r1"
    server, port = decide.start(home, "")
    rows = []
    try:
        asyncio.run(decide.fill(port, keys, items, given.customers))
        rows += _rows("nextbest", server.pid, port, keys, own(items, given.customers), items, given)
    finally:
        server.terminate()
        server.wait(30)
    pasts = histories(items, given.customers)
    serve_mlflow.save(release, home / "mlflow")
    command = ["-m", "mlflow", "models", "serve", "-m", str(home / "mlflow"),
               "--env-manager", "local", "--workers", "1", "-p"]  # fmt: skip
    with running(command, "/ping", {}) as (pid, port):
        rows += _rows("mlflow models serve", pid, port, keys, mlflow_load(pasts), items, given)
    serve_plain.fill(home / "feast", pasts)
    own_env = {"NEXTBEST_BENCH_RELEASE": str(release), "NEXTBEST_BENCH_FEAST": str(home / "feast")}
    command = ["-m", "uvicorn", "--factory", "serve_plain:app", "--log-level", "warning",
               "--app-dir", str(Path(__file__).parent), "--port"]  # fmt: skip
    with running(command, "/health/ready", own_env) as (pid, port):
        rows += _rows("FastAPI + Feast + FAISS", pid, port, keys, plain_load(pasts), items, given)
    return rows


def _rows(
    name: str, pid: int, port: int, keys: Any, loads: list[Load], items: int, given: Any
) -> list[dict[str, str]]:
    rows = []
    for clients in CLIENTS:
        for what, path, body in loads:
            before = decide.cpu_seconds(pid)
            answered = asyncio.run(decide.measure(port, keys, path, body, clients, given.seconds))
            cpu = decide.cpu_seconds(pid) - before
            asked = len(answered) + decide.WARMING * clients
            p50, p99 = np.percentile(answered, (50, 99)) * 1000
            rows.append({
                "server": name, "call": what, "items": f"{items:,}", "clients": str(clients),
                "p50": f"{p50:.1f} ms", "p99": f"{p99:.1f} ms",
                "requests/s": f"{len(answered) / given.seconds:,.0f}",
                "server CPU": f"{cpu / asked * 1000:.2f} ms/request",
                "memory": f"{resident_mib(pid):,.0f} MiB",
            })  # fmt: skip
    return rows


def own(items: int, customers: int) -> list[Load]:
    """Return what Nextbest is asked."""
    by_name = {name: (path, body) for name, path, body in decide.loads(items, customers)}

    def rerank(chance: random.Random) -> dict[str, Any]:
        ids = [f"sku-{n}" for n in chance.sample(range(items), GIVEN)]
        return {"customer_id": f"c-{chance.randrange(customers)}", "item_ids": ids}

    return [
        ("recommendations", *by_name["recommendations, not logged"]),
        ("recommendations, logged", *by_name["recommendations, logged"]),
        ("similar", f"/v1/items/sku-{items // 2}/similar", None),
        ("rerank 100", "/v1/rerank", rerank),
        ("decide", *by_name["decide"]),
    ]


def histories(items: int, customers: int) -> dict[str, list[str]]:
    """Return a past of each customer, as long as those that Nextbest is given."""
    chance = random.Random(7)
    return {
        f"c-{n}": [f"sku-{chance.randrange(items)}" for _ in range(decide.ACTS)]
        for n in range(customers)
    }


def mlflow_load(pasts: dict[str, list[str]]) -> list[Load]:
    texts = [" ".join(past) for past in pasts.values()]

    def body(chance: random.Random) -> dict[str, Any]:
        return {"dataframe_records": [{"history": chance.choice(texts)}]}

    return [("ten items", "/invocations", body)]


def plain_load(pasts: dict[str, list[str]]) -> list[Load]:
    def body(chance: random.Random) -> dict[str, Any]:
        return {"customer_id": chance.choice(list(pasts)), "limit": 10, "max_price": 60}

    return [("ten items, price filter", "/recommend", body)]


@contextmanager
def running(words: list[str], path: str, more: dict[str, str]) -> Iterator[tuple[int, int]]:
    """Start a server; yield the process that answers, and its port, once it is ready."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    python_path = os.pathsep.join([str(decide.ROOT), str(Path(__file__).parent)])
    programs = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    env = dict(os.environ) | threads | {"PYTHONPATH": python_path, "PATH": programs} | more
    command = [sys.executable, *words, str(port)]
    server = subprocess.Popen(
        command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        deadline = time.monotonic() + 2 * decide.PATIENCE_SECONDS
        while not _answers(f"http://127.0.0.1:{port}{path}"):
            if time.monotonic() > deadline or server.poll() is not None:
                raise SystemExit(f"not ready: {' '.join(command)}")
            time.sleep(0.3)
        yield youngest(server.pid), port
    finally:
        server.terminate()
        server.wait(30)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5):
            return True
    except OSError:
        return False


def youngest(pid: int) -> int:
    """Return the last process of a chain of only children: the one worker of a server."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return youngest(int(children[-1])) if children else pid


def resident_mib(pid: int) -> float:
    """Return the memory that a process holds."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


if __name__ == "__main__":
    main()
