"""Each key may send so many events a second: a token bucket, charged before an event is read.

All workers of a home share the buckets: a small file that each of them maps, and locks for the
microseconds of one charge. The system lets go of the lock of a worker that dies.
"""

import fcntl
import hashlib
import math
import mmap
import os
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from domain.errors import TooManyRequests

FILE = "rates"
_BUCKET = struct.Struct("<16sdd")  # digest of the key, tokens, as of (seconds of the clock)
_BUCKETS = 64  # keys are few; the bucket that rested longest makes room for a new one
_FREE = bytes(16)


class RateLimit:
    """A bucket of `burst` tokens per key, filled at `per_second`; 0 a second is no limit.

    The clock is that of the machine since it started, the same for every process.
    """

    def __init__(
        self,
        per_second: float,
        burst: int,
        home: Path,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._per_second, self._burst, self._clock = per_second, float(burst), clock
        home.mkdir(parents=True, exist_ok=True)
        self._file = os.open(home / FILE, os.O_RDWR | os.O_CREAT, 0o600)
        os.truncate(self._file, _BUCKET.size * _BUCKETS)
        self._buckets = mmap.mmap(self._file, _BUCKET.size * _BUCKETS)
        self._turn = threading.Lock()

    def charge(self, key: str, events: int) -> None:
        """Take a token per event, or raise TooManyRequests; 0 events only ask whether any is left.

        A batch larger than the bucket needs a full one and leaves it in debt.
        """
        if self._per_second <= 0:
            return
        with self._alone():
            wait = self._charge(hashlib.blake2b(key.encode(), digest_size=16).digest(), events)
        if wait:
            raise TooManyRequests(
                f"more than {self._per_second:g} events a second with this key; "
                f"come back in {wait} s",
                retry_after_seconds=wait,
            )

    def close(self) -> None:
        """Close the file; what was used up stays used up."""
        self._buckets.close()
        os.close(self._file)

    def _charge(self, digest: bytes, events: int) -> int:
        """Take the tokens and return 0, or return how many seconds are missing."""
        now = self._clock()
        place, tokens, as_of = self._bucket(digest, now)
        tokens = min(self._burst, tokens + (now - as_of) * self._per_second)
        missing = min(max(events, 1), self._burst) - tokens
        if missing > 0:
            return math.ceil(missing / self._per_second)
        _BUCKET.pack_into(self._buckets, place, digest, tokens - events, now)
        return 0

    def _bucket(self, digest: bytes, now: float) -> tuple[int, float, float]:
        """Return place, tokens and time of a key's bucket; a new one is full."""
        oldest, place = math.inf, 0
        for at in range(0, len(self._buckets), _BUCKET.size):
            found, tokens, as_of = _BUCKET.unpack_from(self._buckets, at)
            if found == digest:  # a later time is of before the machine started anew
                return (at, tokens, as_of) if as_of <= now else (at, self._burst, now)
            if found == _FREE:
                return at, self._burst, now
            if as_of < oldest:
                oldest, place = as_of, at
        return place, self._burst, now

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with self._turn:
            fcntl.flock(self._file, fcntl.LOCK_EX)
            try:
                yield
            finally:
                fcntl.flock(self._file, fcntl.LOCK_UN)
