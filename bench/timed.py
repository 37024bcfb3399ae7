"""The app with a clock on each part of an event's way; `bench/collect.py` reads what it tells.

Every worker writes `timed-<process>.json` under its home five times a second: for each part how
often it ran, its CPU seconds and its seconds, without the parts that it called.
"""

import atexit
import functools
import json
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fastapi import FastAPI

from domain.settings import EMBEDDED, Settings, load_settings
from feature_repo.event_log import EventLog
from feature_repo.stream import Stream
from serving.app import app_from_environment
from serving.intake import Intake
from serving.live_segments import LiveSegments
from serving.routes import collect
from serving.runtime import Runtime

_EVERY_SECONDS = 0.2
_spent: dict[str, list[float]] = {}
_lock = threading.Lock()
_open = threading.local()  # seconds of the parts that the running one called


def app() -> FastAPI:
    """Return the app, timed."""
    settings = load_settings()
    for part, owner, name in _places(settings):
        setattr(owner, name, _timed(part, getattr(owner, name)))
    threading.Thread(target=_tell, args=(settings.home,), daemon=True).start()
    atexit.register(_write, settings.home)
    return app_from_environment()


def _places(settings: Settings) -> list[tuple[str, Any, str]]:
    from feature_repo import online_redis, online_sqlite, redis_log

    log = EventLog if settings.event_log == EMBEDDED else redis_log.RedisLog
    online = online_sqlite if settings.online_store == EMBEDDED else online_redis
    return [
        ("JSON", collect, "read_json"),
        ("check", Intake, "read"),
        ("log: store, sync", log, "store"),
        ("fold", Stream, "_fold"),
        ("states: read", online._Exchange, "texts"),
        ("states: write", online._Exchange, "commit"),
        ("live segments", LiveSegments, "step"),
        ("watch for releases", Runtime, "refresh"),
    ]


def _timed(part: str, call: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(call)
    def timed(*args: Any, **named: Any) -> Any:
        outer, _open.inner = getattr(_open, "inner", None), [0.0, 0.0]
        cpu, wall = time.thread_time(), time.perf_counter()
        try:
            return call(*args, **named)
        finally:
            took = time.thread_time() - cpu, time.perf_counter() - wall
            inner, _open.inner = _open.inner, outer
            if outer is not None:
                outer[0] += took[0]
                outer[1] += took[1]
            with _lock:
                known = _spent.setdefault(part, [0.0, 0.0, 0.0])
                known[0] += 1
                known[1] += took[0] - inner[0]
                known[2] += took[1] - inner[1]

    return timed


def _tell(home: Path) -> None:
    while True:
        time.sleep(_EVERY_SECONDS)
        _write(home)


def _write(home: Path) -> None:
    path = home / f"timed-{os.getpid()}.json"
    scratch = path.with_suffix(".writing")
    with _lock:
        scratch.write_text(json.dumps(_spent))
    scratch.replace(path)
