"""Faults under load: what was sent, acknowledged and found, and whether the states are right.

    python bench/faults.py [--kills 50] [--seed 7] [--only kill]

Prints Markdown. Starts the service as a person does (`nextbest serve`, `nextbest stream`), lets
four clients send batches of 1 to 20 events until each is acknowledged, and breaks something
meanwhile. `--kills` are the kills of each back end. It takes about half an hour. Redis, a small
disk (root) and libfaketime are needed; what is missing is left out with a word.
"""

import argparse
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT)]
sys.path[:0] = [str(ROOT / "tests" / f) for f in ("faults", "stream", "laws", "segments_live")]

from clock import faketime, stepped_under_load  # noqa: E402
from full_disk import full_under_load as disk_full  # noqa: E402
from full_disk import small_disk  # noqa: E402
from kills import apart, kill_any, killed_under_load, serving  # noqa: E402
from redis_away import away_under_load  # noqa: E402
from redis_away import full_under_load as redis_full  # noqa: E402
from redis_server import RedisServer  # noqa: E402
from repeats import same_batches, shuffled  # noqa: E402
from tally import Tally, count  # noqa: E402

from domain.settings import EMBEDDED, Settings  # noqa: E402

Scene = Callable[[Settings, Path], Tally]


def scenes(kills: int, seed: int) -> Iterator[tuple[str, Scene]]:
    """Yield the scenes that are the same on both back ends."""
    shares = (kills - 2 * (kills * 3 // 10), kills * 3 // 10, kills * 3 // 10)

    def server(place: Settings, folder: Path) -> Tally:
        name = f"kill -9 of the server, {shares[0]} times"
        return killed_under_load(name, serving(place, folder, forked=False), shares[0], seed)

    def workers(place: Settings, folder: Path) -> Tally:
        name = f"kill -9 of a worker, the leader, or all of two workers, {shares[1]} times"
        service = serving(place, folder, workers=2, forked=False)
        return killed_under_load(name, service, shares[1], seed + 1, kill_any)

    def stream(place: Settings, folder: Path) -> Tally:
        name = f"kill -9 of the server or the stream beside it, {shares[2]} times"
        return killed_under_load(name, apart(place, folder, forked=False), shares[2], seed + 2)

    def clock(place: Settings, folder: Path) -> Tally:
        return stepped_under_load(place, folder, seed + 3)

    yield "kill", server
    yield "kill", workers
    yield "kill", stream
    yield "clock", clock
    yield "same", alone(same_batches, "the same batches 5 times by 4 clients, 2 workers", seed + 4)
    yield "shuffled", alone(shuffled, "48 hours shuffled, 4 clients, 2 workers", seed + 5)


def alone(send: Callable[..., Any], name: str, seed: int) -> Scene:
    """Return a scene in which nothing breaks."""

    def scene(place: Settings, folder: Path) -> Tally:
        settings, keys, (part,) = serving(place, folder, workers=2, forked=False)
        part.start()
        part.when_ready()
        crowd = send(settings, keys, seed)
        part.stop()
        return count(name, settings, crowd)

    return scene


def on_sqlite(kills: int, seed: int, only: str) -> Iterator[Tally]:
    for kind, scene in scenes(kills, seed):
        if is_wanted(kind, only):
            with folder() as home:
                yield scene(Settings(home=home, event_log=EMBEDDED, online_store=EMBEDDED), home)
    if is_wanted("disk", only):
        with folder() as home, small_disk(home / "disk") as disk:
            if disk is None:
                say("full disk: left out, mounting a small disk needs root")
                return
            place = Settings(home=disk.home, event_log=EMBEDDED, online_store=EMBEDDED)
            yield disk_full(disk, place, home, seed + 6, look=nothing, rounds=5, forked=False)


def on_redis(kills: int, seed: int, only: str) -> Iterator[Tally]:
    if shutil.which("redis-server") is None:
        say("Redis: left out, redis-server is not installed")
        return
    with folder() as data:
        server = RedisServer(data)
        server.start()
        try:
            yield from _on_redis(server, kills, seed, only)
        finally:
            server.kill()


def _on_redis(server: RedisServer, kills: int, seed: int, only: str) -> Iterator[Tally]:
    for kind, scene in scenes(kills, seed + 10):
        if is_wanted(kind, only):
            server.empty()
            with folder() as home:
                yield scene(
                    Settings(home=home, event_log=server.url, online_store=server.url), home
                )
    if is_wanted("redis", only):
        with folder() as home:
            yield away_under_load(server, home, seed + 17, times=20, look=nothing, forked=False)
        with folder() as home:
            yield redis_full(server, home, seed + 18, look=nothing, forked=False)


def is_wanted(kind: str, only: str) -> bool:
    if kind == "clock" and faketime() is None:
        say("clock: left out, libfaketime is not installed")
        return False
    return only in ("", kind)


@contextmanager
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="nextbest-faults-", ignore_cleanup_errors=True) as name:
        yield Path(name)


def nothing(*_: Any) -> None:
    """Look at nothing while it is broken; the tests do that."""


def say(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=50, help="kills on each back end")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--only", default="", help="kill, clock, same, shuffled, disk or redis")
    given = parser.parse_args()
    print(f"{os.cpu_count()} cores {platform.machine()}, Python {platform.python_version()}, "
          f"seed {given.seed}\n")  # fmt: skip
    clean, names = True, []
    for on in (on_sqlite, on_redis):
        for tally in on(given.kills, given.seed, given.only):
            if not names:
                names = list(tally.row())
                print(f"| {' | '.join(names)} |\n|{' --- |' * len(names)}")
            cells = (f"{v:,}" if isinstance(v, int) else v for v in tally.row().values())
            print(f"| {' | '.join(cells)} |", flush=True)
            clean &= tally.is_clean
    sys.exit(0 if clean else 1)


if __name__ == "__main__":
    main()
