"""Each key may send so many events a second: a token bucket, charged before an event is read."""

import math
import time
from collections.abc import Callable

from domain.errors import TooManyRequests


class RateLimit:
    """A bucket of `burst` tokens per key, filled at `per_second`; 0 a second is no limit.

    Only keys that are known are asked about, so there are few buckets. Each worker counts its own.
    """

    def __init__(
        self, per_second: float, burst: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._per_second, self._burst, self._clock = per_second, float(burst), clock
        self._buckets: dict[str, tuple[float, float]] = {}  # key -> tokens, as of

    def charge(self, key: str, events: int) -> None:
        """Take a token per event, or raise TooManyRequests; 0 events only ask whether any is left.

        A batch larger than the bucket needs a full one and leaves it in debt.
        """
        if self._per_second <= 0:
            return
        now = self._clock()
        tokens, as_of = self._buckets.get(key, (self._burst, now))
        tokens = min(self._burst, tokens + (now - as_of) * self._per_second)
        missing = min(max(events, 1), self._burst) - tokens
        if missing > 0:
            wait = math.ceil(missing / self._per_second)
            raise TooManyRequests(
                f"more than {self._per_second:g} events a second with this key; "
                f"come back in {wait} s",
                retry_after_seconds=wait,
            )
        self._buckets[key] = tokens - events, now
