"""How Redis is reached: one client per URL, and failures that say where and what to look at."""

import itertools
import json
import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as NoConnection
from redis.exceptions import RedisError, ResponseError
from redis.exceptions import TimeoutError as TooSlow
from redis.retry import Retry

from domain.errors import StoreUnavailable
from feature_repo.redis_scripts import COMMIT

logger = logging.getLogger(__name__)
_PATIENCE_SECONDS = 30.0
_PAGE = 1_000  # commands that are sent together
_REFUSALS = ("maxmemory", "MISCONF", "READONLY", "read only replica", "NOREPLICAS", "LOADING")


def connect(url: str) -> Any:
    """Return a client of text values, safe for many threads; nothing is sent yet."""
    return prompt(Redis.from_url(url, decode_responses=True, socket_timeout=_PATIENCE_SECONDS))


def prompt(client: Any) -> Any:
    """Have a client try once more on a new connection, and then say that Redis is away.

    As it comes it goes on trying for seconds, in which nobody else would be answered.
    """
    client.set_retry(Retry(NoBackoff(), 1))
    return client


@contextmanager
def reaching(url: str) -> Iterator[None]:
    """Turn a lost connection into the error that every store of ours may raise."""
    try:
        yield
    except (NoConnection, TooSlow) as fault:
        raise _away(url, fault) from fault
    except ResponseError as fault:
        if not any(word in str(fault) for word in _REFUSALS):
            raise
        raise StoreUnavailable(
            f"Redis at {place(url)} takes no writes: {fault}; give it room, or see its log"
        ) from fault


def _away(url: str, fault: Exception) -> StoreUnavailable:
    return StoreUnavailable(f"Redis at {place(url)} does not answer: {fault}; see that it runs")


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
        raise _away(url, fault) from fault
    durable = found == {"appendonly": "yes", "appendfsync": "always"}
    if not durable:
        logger.warning(
            "Redis at %s may lose events it has acknowledged; "
            "set 'appendonly yes' and 'appendfsync always' there", place(url),
        )  # fmt: skip
    return durable


Command = Sequence[Any]  # a command, its key without the prefix, its values


class Changed(Exception):
    """Something is not as it was read; nothing was written."""


class Keyspace:
    """The keys of one log in one Redis, all with the same prefix; safe for many threads."""

    def __init__(self, url: str, prefix: str) -> None:
        self.url = url
        self.prefix = prefix
        self.client: Any = connect(url)
        self._commit = self.client.register_script(COMMIT)

    def ask(self, command: str, key: str, *args: Any) -> Any:
        """Return what Redis answers to one command."""
        with reaching(self.url):
            return getattr(self.client, command)(self.prefix + key, *args)

    def ask_all(self, commands: Iterable[Command], *, at_once: bool = False) -> list[Any]:
        """Return the answers to many commands; `at_once` lets nothing come between them."""
        found: list[Any] = []
        waiting = iter(commands)
        while some := list(itertools.islice(waiting, _PAGE)):
            with reaching(self.url), self.client.pipeline(transaction=at_once) as pipe:
                for command, key, *args in some:
                    getattr(pipe, command)(self.prefix + key, *args)
                found += pipe.execute()
        return found

    def run(self, script: Any, *args: Any) -> Any:
        """Return what a script answers."""
        with reaching(self.url):
            return script(keys=[self.prefix], args=args)

    def version(self) -> str:
        """Return the version of what is known of persons; each change of it gives a new one."""
        return self.ask("hget", "about", "version") or "0"

    def commit(
        self,
        version: str,
        writes: Iterable[Command],
        expected: Iterable[tuple[Command, str]] = (),
    ) -> None:
        """Write all of it; or nothing, and raise `Changed`, where something is not as was read."""
        asked = json.dumps([[_in_text(command), answer] for command, answer in expected])
        written = json.dumps([_in_text(command) for command in writes])
        if not self.run(self._commit, version, asked, written):
            raise Changed

    def close(self) -> None:
        """Close the connections."""
        self.client.close()


def _in_text(command: Command) -> list[str]:
    return [str(part) for part in command]
