"""Values online in Feast's Redis store, for many machines; every batch is one MULTI.

Feast sends its batches without a transaction and Redis has no locks, so both are added here: all
commands of a batch are applied together or not at all, and an exchange watches what it reads.
"""

import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import feature_repo.light_feast  # noqa: F401  # isort: skip

from feast import FeatureStore
from feast.infra.online_stores.redis import RedisOnlineStore
from redis.exceptions import LockError, WatchError

from feature_repo.online import (
    FEATURE,
    STATE,
    Exchange,
    Found,
    Overtaken,
    Row,
    entity_key,
    from_feast,
    to_feast,
)
from feature_repo.redis_client import prompt, reaching
from feature_repo.redis_rewrite import written_anew

_TURN = "nextbest:online:turn"
_TURN_SECONDS = 1.0  # how long others wait for a writer that died
_LOOK_SECONDS = 0.002
_KEEP_UP_ROWS = 2_000


class RedisOnline:
    """Feast's Redis store; safe for many threads, processes and machines."""

    def __init__(self, store: FeatureStore) -> None:
        self._config = store.config
        self._views = {name: store.get_feature_view(name) for name in FEATURE}
        self._reading = RedisOnlineStore()
        self._client: Any = prompt(self._reading._get_client(store.config.online_store))
        self._place = f"redis://{store.config.online_store.connection_string.split(',')[0]}"
        self._lock = threading.Lock()

    def read(self, view: str, ids: Sequence[str]) -> list[Found]:
        """Return what is kept of each id, in order."""
        keys = [entity_key(i) for i in ids]
        with reaching(self._place):
            found = self._reading.online_read(self._config, self._views[view], keys)
        return [from_feast(at, values) for at, values in found]

    def write(self, view: str, rows: Iterable[Row]) -> None:
        """Replace what is kept; all rows or none."""
        with reaching(self._place), self._client.pipeline(transaction=True) as pipe:
            self._write(pipe, view, rows)

    @contextmanager
    def exchange(self) -> Iterator[Exchange]:
        """Open an exchange of states; its commit fails where another writer was faster."""
        pipeline = self._client.pipeline(transaction=True)
        with self._lock, reaching(self._place), self._turn() as turn, pipeline as pipe:
            yield _Exchange(self, pipe, turn)

    def flush(self) -> None:
        """Do nothing: how soon a write is on disk is a setting of Redis."""

    def delete(self, ids: Sequence[str]) -> int:
        """Remove all views of the ids; return how many values went.

        An id without values is written first: an exchange that found none must notice too.
        """
        with reaching(self._place), self._client.pipeline(transaction=True) as pipe:
            for key in self.keys(ids):
                pipe.hlen(key)
                pipe.hset(key, "", "")
                pipe.delete(key)
            found = pipe.execute()
        return int(sum(found[::3])) // 2  # each value has a field for its time

    def compact(self) -> bool:
        """Let Redis write its files anew, without what was removed; False where it may not."""
        return written_anew(self._client, self._place)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def keys(self, ids: Sequence[str]) -> list[bytes]:
        """Return the Redis keys of profiles."""
        named = [entity_key(i) for i in ids]
        return self._reading._generate_redis_keys_for_entities(self._config, named)

    @contextmanager
    def _turn(self) -> Iterator[Any]:
        """Wait for the turn among all processes, so that nobody works in vain.

        It is a courtesy: who keeps it too long loses it, and the watched keys decide.
        """
        turn = self._client.lock(_TURN, timeout=_TURN_SECONDS, sleep=_LOOK_SECONDS)
        turn.acquire()
        try:
            yield turn
        finally:
            with suppress(LockError):
                turn.release()

    def _write(self, pipe: Any, view: str, rows: Iterable[Row]) -> None:
        """Let Feast put its commands into a transaction, and carry that out."""
        writing: Any = RedisOnlineStore()
        writing._client = _OneTransaction(pipe)
        data: Any = to_feast(view, rows)  # Feast goes through it once
        writing.online_write_batch(self._config, self._views[view], data, progress=None)


class _OneTransaction:
    """Stands before the client, and gives Feast a pipeline that is applied as a whole."""

    def __init__(self, pipe: Any) -> None:
        self._pipe = pipe

    def pipeline(self, transaction: bool = False) -> Any:
        """Return the pipeline, whatever Feast asked for."""
        self._pipe.multi()
        return self._pipe


class _Exchange:
    """A pipeline that watches what was read."""

    def __init__(self, online: RedisOnline, pipe: Any, turn: Any) -> None:
        self._online = online
        self._pipe = pipe
        self._turn = turn

    def texts(self, ids: Sequence[str]) -> dict[str, str]:
        """Return the JSON text of each id that has one, and watch them all."""
        if not ids:
            return {}
        try:
            self._pipe.watch(*self._online.keys(ids))
        except WatchError as fault:  # the connection went, and with it what was watched
            raise Overtaken from fault
        found = self._online.read(STATE, ids)
        return {i: text for i, (_, text) in zip(ids, found, strict=True) if text}

    def commit(self, rows: Iterable[Row]) -> None:
        """Write all rows, or raise `Overtaken` where somebody wrote what was read."""
        try:
            self._online._write(self._pipe, STATE, self._kept_up(rows))
        except WatchError as fault:
            raise Overtaken from fault

    def _kept_up(self, rows: Iterable[Row]) -> Iterator[Row]:
        """Yield the rows, and keep the turn while there are many."""
        for n, row in enumerate(rows, start=1):
            if n % _KEEP_UP_ROWS == 0:
                with suppress(LockError):
                    self._turn.reacquire()
            yield row
