"""A consumer of the log in Redis: each partition is one consumer's, by a claim that has to be kept.

Every partition has a consumer group of Redis. What a consumer was given and has not acknowledged is
what its states may not hold yet; it acknowledges behind the commit of the states. Where the next
one goes on is told by the offset beside the states, never by the group.
"""

import os
import secrets
import socket
import time
from collections.abc import Collection, Mapping
from typing import Any

from redis.exceptions import ResponseError

from feature_repo.consumers import PartitionLag
from feature_repo.redis_client import Keyspace, reaching
from feature_repo.redis_scripts import CLAIM, LEAVE

GROUP = "nextbest"
CLAIM_SECONDS = 2.0  # after which a consumer that says nothing has none any more
_BEAT_SECONDS = 0.5
_COUNT = 1_000  # entries of one partition that are given at once
_LAG_LIMIT = 100_000  # beyond which events that wait are not counted


class RedisConsumer:
    """Claims an equal share of the partitions among all consumers that live."""

    def __init__(self, keys: Keyspace, partitions: int) -> None:
        self._keys = keys
        self._partitions = partitions
        self.name = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"
        self._claim = keys.client.register_script(CLAIM)
        self._leave = keys.client.register_script(LEAVE)
        self._beat_at = -_BEAT_SECONDS
        self._given: dict[int, list[str]] = {}  # partition -> entries that are not acknowledged

    def claimed(self) -> Collection[int]:
        """Return the partitions that are this consumer's now, and say that it lives."""
        if time.monotonic() - self._beat_at >= _BEAT_SECONDS:
            now = time.monotonic()
            milliseconds = int(1_000 * CLAIM_SECONDS)
            mine = self._keys.run(self._claim, self.name, milliseconds, self._partitions)
            self._beat_at = now
            for part in set(self._given) - set(mine):
                del self._given[part]
            for part in mine:
                if part not in self._given:
                    self._given[part] = self._taken_over(part)
        return sorted(self._given)

    def wait(self, seconds: float) -> bool:
        """Return when there is an entry for this consumer, at the latest after some seconds."""
        if not self._given:
            time.sleep(seconds)
            return False
        streams = {self._keys.prefix + stream_key(part): ">" for part in self._given}
        with reaching(self._keys.url):
            found = self._keys.client.xreadgroup(
                GROUP, self.name, streams, count=_COUNT, block=max(1, int(1_000 * seconds))
            )
        for key, entries in found or []:
            self._given[int(key.rsplit(":", 1)[1])] += [entry for entry, _ in entries]
        return bool(found)

    def done(self, offsets: Mapping[int, int]) -> None:
        """Acknowledge the entries up to the offsets."""
        for part, entries in self._given.items():
            until = offsets.get(part, 0)
            held = [entry for entry in entries if seq_of(entry) <= until]
            for start in range(0, len(held), _COUNT):
                self._keys.ask("xack", stream_key(part), GROUP, *held[start : start + _COUNT])
            self._given[part] = entries[len(held) :]

    def leave(self) -> None:
        """Give all partitions back at once."""
        for part in self._given:
            self._keys.ask("xgroup_delconsumer", stream_key(part), GROUP, self.name)
        self._keys.run(self._leave, self.name)
        self._given.clear()

    def _taken_over(self, part: int) -> list[str]:
        """Return the entries that the consumer before was given and did not finish."""
        key = self._keys.prefix + stream_key(part)
        with reaching(self._keys.url):
            try:
                self._keys.client.xgroup_create(key, GROUP, "0", mkstream=True)
            except ResponseError as fault:
                if "BUSYGROUP" not in str(fault):
                    raise
        found: list[str] = []
        begin = "0-0"
        while True:
            begin, entries, *_ = self._claimed_from(key, begin)
            found += [entry for entry, _ in entries]
            if begin == "0-0":
                break
        for other in self._keys.ask("xinfo_consumers", stream_key(part), GROUP):
            if other["name"] != self.name:
                self._keys.ask("xgroup_delconsumer", stream_key(part), GROUP, other["name"])
        return found

    def _claimed_from(self, key: str, begin: str) -> Any:
        """Return where to go on and the entries; with JUSTID the client would lose the former."""
        with reaching(self._keys.url):
            return self._keys.client.xautoclaim(key, GROUP, self.name, 0, begin, count=_COUNT)


def lag_of(keys: Keyspace, partitions: int) -> list[PartitionLag]:
    """Return how each partition is folded by consumers; none where there never was one."""
    claims, alive = keys.ask("hgetall", "claims"), set(_alive(keys))
    found = []
    for part in range(partitions):
        group = _group(keys, part)
        if group is not None:
            owner = claims.get(str(part))
            begin = f"({group['last-delivered-id']}"
            waiting = keys.ask("xrange", stream_key(part), begin, "+", _LAG_LIMIT)
            consumer = owner if owner in alive else None
            found.append(PartitionLag(part, consumer, len(waiting), group["pending"]))
    return found


def stream_key(partition: int) -> str:
    """Return the key of a partition's stream, without the prefix."""
    return f"events:{partition}"


def seq_of(entry: str) -> int:
    """Return the sequence number of an entry of a stream."""
    return int(entry.split("-", 1)[0])


def _alive(keys: Keyspace) -> list[str]:
    seconds, micros = keys.client.time()
    since = 1_000 * (seconds + micros / 1e6 - CLAIM_SECONDS)
    return list(keys.ask("zrangebyscore", "consumers", since, "+inf"))


def _group(keys: Keyspace, part: int) -> Any:
    if not keys.ask("exists", stream_key(part)):
        return None
    groups = keys.ask("xinfo_groups", stream_key(part))
    return next((group for group in groups if group["name"] == GROUP), None)
