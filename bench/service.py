"""A real service over a home of its own, and a Redis of its own where it is asked for."""

import json
import os
import platform
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from domain.settings import Settings
from serving.keys import Keys, ensure_keys

ROOT = Path(__file__).parents[1]
PATIENCE_SECONDS = 60.0


@dataclass(frozen=True)
class Service:
    """Workers that listen on one port."""

    process: "subprocess.Popen[bytes]"
    port: int
    home: Path
    keys: Keys

    def cpu_seconds(self) -> float:
        """Return the CPU time of all its processes so far; nan where the system does not say."""
        if not Path("/proc/self/stat").exists():
            return float("nan")
        return sum(_ticks(pid) for pid in _family(self.process.pid)) / os.sysconf("SC_CLK_TCK")

    def stop(self) -> None:
        """End it as an operator would."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)


def start_service(
    home: Path, workers: int, given: Mapping[str, Any] = MappingProxyType({}), timed: bool = False
) -> Service:
    """Start the API with these settings and return when it is ready.

    `timed` has it tell where its time goes.
    """
    port = free_port()
    keys = ensure_keys(home)[0]
    place = Settings(
        home=home, port=port, workers=workers, log_level="warning", **given
    ).to_environment()
    serve = ["-m", "uvicorn", "bench.timed:app", "--factory", "--port", str(port),
             "--workers", str(workers), "--no-access-log", "--log-level", "warning"]  # fmt: skip
    words = serve if timed else ["-m", "nextbest", "serve"]
    process = subprocess.Popen(
        [sys.executable, *words], cwd=ROOT, env={**os.environ, **place}, stdout=subprocess.DEVNULL
    )
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/health/ready", timeout=2).close()
            return Service(process, port, home, keys)
        except OSError:
            time.sleep(0.2)
    process.kill()
    raise SystemExit("the service did not start; its output is above")


@contextmanager
def redis_pair(folder: Path, wanted: bool) -> Iterator[dict[str, str]]:
    """Run a Redis for the log and one for the states; yield the settings that name them.

    The log's syncs every write; the states' every second, which is enough (docs/outgrown.md).
    """
    if not wanted:
        yield {}
        return
    with _redis(folder / "log", "always") as log, _redis(folder / "states", "everysec") as states:
        yield {"event_log": log, "online_store": states}


@contextmanager
def _redis(folder: Path, sync: str) -> Iterator[str]:
    """Run a Redis; yield its URL."""
    folder.mkdir(parents=True)
    if shutil.which("redis-server") is None:
        raise SystemExit("redis-server is not installed (Debian: apt-get install redis-server)")
    port = free_port()
    words = ["--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), "--appendonly",
             "yes", "--appendfsync", sync, "--save", ""]  # fmt: skip
    process = subprocess.Popen(["redis-server", *words], stdout=subprocess.DEVNULL)
    try:
        _wait_for(port)
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        process.terminate()
        process.wait(30)


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise SystemExit(f"nothing listens on port {port}")


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def timings(home: Path) -> dict[str, list[float]]:
    """Return by part (calls, CPU seconds, seconds) of all workers so far."""
    found: dict[str, list[float]] = {}
    for path in home.glob("timed-*.json"):
        for part, numbers in json.loads(path.read_text()).items():
            known = found.setdefault(part, [0.0] * len(numbers))
            found[part] = [a + b for a, b in zip(known, numbers, strict=True)]
    return found


def machine() -> str:
    """Return what the figures were taken on, and how busy it is."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    python = sys.version.split()[0]
    return (
        f"{os.cpu_count()} cores {platform.machine()}, {memory:.0f} GiB, Python {python}, "
        f"load {os.getloadavg()[0]:.1f}"
    )


def table(rows: list[dict[str, str]]) -> Iterator[str]:
    """Yield the lines of a Markdown table."""
    names = list(rows[0])
    yield "| " + " | ".join(names) + " |"
    yield "| " + " | ".join("---" for _ in names) + " |"
    for row in rows:
        yield "| " + " | ".join(row.values()) + " |"


def _family(pid: int) -> list[int]:
    """Return a process and those it started."""
    path = Path(f"/proc/{pid}/task/{pid}/children")
    children = path.read_text().split() if path.exists() else []
    return [pid, *(one for child in children for one in _family(int(child)))]


def _ticks(pid: int) -> int:
    user, system = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return int(user) + int(system)
