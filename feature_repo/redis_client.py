"""How Redis is reached: one client per URL, and failures that say where and what to look at."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from redis import Redis
from redis.exceptions import ConnectionError as NoConnection
from redis.exceptions import RedisError, ResponseError
from redis.exceptions import TimeoutError as TooSlow

logger = logging.getLogger(__name__)
_PATIENCE_SECONDS = 30.0


def connect(url: str) -> Any:
    """Return a client of text values, safe for many threads; nothing is sent yet."""
    return Redis.from_url(url, decode_responses=True, socket_timeout=_PATIENCE_SECONDS)


@contextmanager
def reaching(url: str) -> Iterator[None]:
    """Turn a lost connection into the error that every store of ours may raise."""
    try:
        yield
    except (NoConnection, TooSlow) as fault:
        raise ConnectionError(f"Redis at {place(url)} does not answer: {fault}") from fault


def place(url: str) -> str:
    """Return host, port and database of a URL, without its password."""
    given = urlsplit(url)
    return f"{given.hostname or 'localhost'}:{given.port or 6379}{given.path}"


def warn_unless_durable(client: Any, url: str) -> bool:
    """Say so where Redis may forget what it has acknowledged; return whether it is durable."""
    try:
        found = {**client.config_get("appendonly"), **client.config_get("appendfsync")}
    except ResponseError:  # a hosted Redis may keep its settings to itself
        return True
    except RedisError as fault:
        raise ConnectionError(f"Redis at {place(url)} does not answer: {fault}") from fault
    durable = found == {"appendonly": "yes", "appendfsync": "always"}
    if not durable:
        logger.warning(
            "Redis at %s may lose events it has acknowledged; "
            "set 'appendonly yes' and 'appendfsync always' there", place(url),
        )  # fmt: skip
    return durable
