"""What the service counts about itself, in the format of Prometheus."""

import time
from datetime import datetime

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.015, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


class Metrics:
    """The counters of one app; each app has a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "nextbest_http_requests", "Requests answered.", ("method", "route", "status"),
            registry=self.registry,
        )  # fmt: skip
        self.seconds = Histogram(
            "nextbest_http_request_seconds", "Time from request to answer.", ("route",),
            buckets=_BUCKETS, registry=self.registry,
        )  # fmt: skip
        self.events = Counter(
            "nextbest_events", "Events received, by result.", ("result",), registry=self.registry
        )
        self.answers = Counter(
            "nextbest_answers", "Lists and decisions given; fallback is '' when none was needed.",
            ("kind", "fallback"), registry=self.registry,
        )  # fmt: skip
        self.releases = Counter(
            "nextbest_release_swaps", "Releases taken up while running.", registry=self.registry
        )
        self.release_created = Gauge(
            "nextbest_release_created_seconds", "When the release in use was made; 0 for none.",
            registry=self.registry,
        )  # fmt: skip

    def show_release(self, created_at: str | None) -> None:
        """Show when the release in use was made (ISO 8601)."""
        made = datetime.fromisoformat(created_at).timestamp() if created_at else 0.0
        self.release_created.set(made)

    def text(self) -> bytes:
        """Return everything counted so far."""
        return generate_latest(self.registry)


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
            self.metrics.requests.labels(scope["method"], route, status).inc()
            self.metrics.seconds.labels(route).observe(time.perf_counter() - started)
