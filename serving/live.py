"""Opens the live side of one home: membership, webhooks, and the task that keeps them going."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from domain.settings import Settings
from feature_repo.log import Log
from feature_repo.store import Features
from serving.deliveries import Deliverer, Patience
from serving.demo_visitor import is_loopback
from serving.lease import Lease
from serving.live_feed import LiveFeed
from serving.live_members import LiveMembers
from serving.live_rules import LiveRules
from serving.live_runner import LiveRunner, Wake
from serving.live_segments import LiveSegments
from serving.live_tables import LiveTables
from serving.membership import Membership, Move
from serving.metrics import Metrics
from serving.outbox import Outbox
from serving.release import Release
from serving.segments import SegmentStore
from serving.webhook_urls import LOOPBACK, OFF

LEASE_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Live:
    """The parts that routes and the lifespan of the app need."""

    tables: LiveTables
    membership: Membership
    members: LiveMembers
    outbox: Outbox
    segments: LiveSegments
    deliverer: Deliverer
    runner: LiveRunner

    def forget(self, profiles: list[str]) -> None:
        """Remove everything kept of these profiles; for erasure."""
        self.membership.forget(profiles)
        self.outbox.forget(profiles)

    def close(self) -> None:
        """Close the file."""
        self.tables.close()


def open_live(
    settings: Settings,
    metrics: Metrics,
    store: SegmentStore,
    log: Log,
    features: Features,
    release: Callable[[], Release],
    wake: Wake,
) -> Live:
    """Open everything under `settings.home`; `wake` is told of changed states."""
    tables = LiveTables(Path(settings.home))
    membership, outbox = Membership(tables), Outbox(tables)

    def tell(moves: Sequence[Move], now: datetime) -> None:
        outbox.put(moves, now)
        for move in moves:
            metrics.segment_changes.add(move.op)

    feed = LiveFeed(tables, log, features)
    segments = LiveSegments(
        tables, LiveRules(tables, store, membership), membership, feed, features, release, tell,
        Lease(tables, "live", LEASE_SECONDS),
    )  # fmt: skip
    deliverer = Deliverer(outbox, patience_of(settings), metrics.deliveries)
    runner = LiveRunner(segments, deliverer, wake, settings.segment_poll_seconds)
    members = LiveMembers(tables, feed, membership.due, features)
    return Live(tables, membership, members, outbox, segments, deliverer, runner)


def patience_of(settings: Settings) -> Patience:
    """Return how deliveries go by the settings; auto allows a service of this machine itself."""
    private = settings.webhooks_private
    if private == "auto":
        private = LOOPBACK if is_loopback(settings.host) else OFF
    return Patience(
        private,
        settings.webhook_timeout_seconds,
        settings.webhook_retry_seconds,
        timedelta(hours=settings.webhook_max_age_hours),
    )
