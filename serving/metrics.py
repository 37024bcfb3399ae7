"""What the service counts about itself, in the format of Prometheus; each worker counts its own.

The numbers are kept here and only written out with prometheus_client: its own counters move into
shared files as soon as Feast is imported, and would then outlive the app that counted.
"""

import threading
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.015, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


class Counts:
    """Numbers that only grow, one per combination of labels."""

    def __init__(self, name: str, help_text: str, labels: tuple[str, ...]) -> None:
        self._about = (name, help_text, labels)
        self._lock = threading.Lock()
        self._totals: Counter[tuple[str, ...]] = Counter()

    def add(self, *labels: str, count: int = 1) -> None:
        """Count `count` more under these labels."""
        with self._lock:
            self._totals[labels] += count

    def family(self) -> Metric:
        """Return the numbers of this moment."""
        name, help_text, labels = self._about
        found = CounterMetricFamily(name, help_text, labels=labels)
        for values, total in sorted(self._totals.copy().items()):
            found.add_metric(values, total)
        return found


class Durations:
    """How long requests took, by route."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: dict[str, tuple[list[int], float]] = {}  # route -> per bound, sum of seconds

    def add(self, route: str, seconds: float) -> None:
        """Count one request of `route`."""
        with self._lock:
            counts, total = self._seen.get(route) or ([0] * (len(_BOUNDS) + 1), 0.0)
            counts[bisect_left(_BOUNDS, seconds)] += 1
            self._seen[route] = counts, total + seconds

    def family(self) -> Metric:
        """Return the histogram of this moment."""
        found = HistogramMetricFamily(
            "nextbest_http_request_seconds", "Time from request to answer.", labels=("route",)
        )
        with self._lock:
            for route, (counts, total) in sorted(self._seen.items()):
                found.add_metric((route,), list(_running(counts)), total)
        return found


def _running(counts: Iterable[int]) -> Iterator[tuple[str, float]]:
    """Yield (upper bound, how many took at most so long)."""
    so_far = 0
    for bound, count in zip((*map(str, _BOUNDS), "+Inf"), counts, strict=True):
        so_far += count
        yield bound, so_far


class Metrics(Collector):
    """The counters of one app."""

    def __init__(self) -> None:
        self.requests = Counts(
            "nextbest_http_requests", "Requests answered.", ("method", "route", "status")
        )
        self.seconds = Durations()
        self.events = Counts("nextbest_events", "Events received, by result.", ("result",))
        self.answers = Counts(
            "nextbest_answers",
            "Lists and decisions given; fallback is empty when none was needed.",
            ("kind", "fallback"),
        )
        self.exposures = Counts(
            "nextbest_exposures",
            "Lists that were shown; stored or duplicate, else lost: queue_full, not_stored.",
            ("result",),
        )
        self.segment_changes = Counts(
            "nextbest_segment_changes", "Profiles that entered or left a segment.", ("op",)
        )
        self.deliveries = Counts(
            "nextbest_webhook_deliveries",
            "Attempts to deliver: delivered, failed (tried again), dead (given up).",
            ("result",),
        )
        self.swaps = Counts("nextbest_release_swaps", "Releases taken up while running.", ())
        self._made_at = 0.0
        self._registry = CollectorRegistry()
        self._registry.register(self)

    def show_release(self, created_at: str | None) -> None:
        """Show when the release in use was made (ISO 8601)."""
        self._made_at = datetime.fromisoformat(created_at).timestamp() if created_at else 0.0

    def collect(self) -> Iterator[Metric]:
        """Yield every number of this moment."""
        counts = (self.requests, self.events, self.answers, self.exposures, self.swaps)
        live = (self.segment_changes, self.deliveries)
        for part in (self.seconds, *counts, *live):
            yield part.family()
        yield GaugeMetricFamily(
            "nextbest_release_created_seconds",
            "When the release in use was made; 0 for none.",
            value=self._made_at,
        )

    def text(self) -> bytes:
        """Return everything counted so far."""
        return generate_latest(self._registry)


class Measured:
    """ASGI middleware that counts and times each request by the pattern of its route."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app = app
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, then count; a request that broke counts as 500."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started, status = time.perf_counter(), 500

        async def watch(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, watch)
        finally:
            route = getattr(scope.get("route"), "path", "none")
            self.metrics.requests.add(scope["method"], route, str(status))
            self.metrics.seconds.add(route, time.perf_counter() - started)
