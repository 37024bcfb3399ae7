"""Letting Redis write its files anew: until then they still tell what was removed from it."""

import time
from typing import Any

from redis.exceptions import ResponseError

from feature_repo.redis_client import reaching

_PATIENCE_SECONDS = 120.0
_LOOK_SECONDS = 0.02


def written_anew(client: Any, url: str) -> bool:
    """Return whether all files of a Redis were written after this call; False where it may not."""
    try:
        with reaching(url):
            return _written_anew(client)
    except ResponseError:  # a hosted Redis keeps its files to itself
        return False


def _written_anew(client: Any) -> bool:
    done = True
    if client.info("persistence")["aof_enabled"]:
        done = _run(client, client.bgrewriteaof, "aof_last_bgrewrite_status",
                    ("aof_rewrite_in_progress", "aof_rewrite_scheduled"))  # fmt: skip
    if client.config_get("save")["save"]:
        done &= _run(client, client.bgsave, "rdb_last_bgsave_status", ("rdb_bgsave_in_progress",))
    return done


def _run(client: Any, begin: Any, status: str, busy: tuple[str, ...]) -> bool:
    """Begin once nothing is under way, and wait for the end."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    _wait(client, deadline)
    begin()
    return _wait(client, deadline, busy) and client.info("persistence")[status] == "ok"


def _wait(client: Any, deadline: float, busy: tuple[str, ...] = ()) -> bool:
    names = busy or ("aof_rewrite_in_progress", "aof_rewrite_scheduled", "rdb_bgsave_in_progress")
    while any(client.info("persistence")[name] for name in names):
        if time.monotonic() > deadline:
            return False
        time.sleep(_LOOK_SECONDS)
    return True
