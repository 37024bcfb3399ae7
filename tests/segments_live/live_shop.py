"""Live segments over a real log and feature store, with a clock that the test sets."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from domain.events import Event
from domain.segment_defaults import Segment
from domain.segments import parse_rule
from feature_repo.event_log import EventLog
from feature_repo.store import Features
from feature_repo.stream import Recorder
from serving.lease import Lease
from serving.live_feed import LiveFeed
from serving.live_rules import LiveRules
from serving.live_segments import LiveSegments
from serving.live_tables import LiveTables
from serving.membership import Membership
from serving.outbox import Outbox
from serving.segments import SegmentStore

START = datetime(2024, 1, 1, tzinfo=UTC)


def rule(field: str, operator: str, value: object = None):
    return parse_rule({"field": field, "operator": operator, "value": value})


class LiveShop:
    """One worker; several over one home share its files."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.log, self.features = EventLog(home), Features.open(home)
        self.recorder = Recorder(self.log, self.features)
        self.store = SegmentStore(home, START)
        self.tables = LiveTables(home)
        self.membership, self.outbox = Membership(self.tables), Outbox(self.tables)
        self.release: Any = SimpleNamespace(release_id="r1", audience=None)
        self.live = LiveSegments(
            self.tables,
            LiveRules(self.tables, self.store, self.membership),
            self.membership,
            LiveFeed(self.tables, self.log, self.features),
            self.features,
            lambda: self.release,
            self.outbox.put,
            Lease(self.tables, "live", 10),
        )
        self.count = 0

    def __enter__(self) -> "LiveShop":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self, *, crashed: bool = False) -> None:
        if not crashed:
            self.live.close()
        for part in (self.features, self.log, self.store, self.tables):
            part.close()

    def only(self, **rules: Any) -> None:
        """Have these segments and no others."""
        for segment in self.store.all():
            self.store.delete(segment.key)
        self.add(**rules)

    def add(self, **rules: Any) -> None:
        for key, found in rules.items():
            key = key.replace("_", "-")
            self.store.add(Segment(key, key, "", found), ["churn"], START)

    def happens(self, kind: str, days: float, who: str = "ada", **more: Any) -> Event:
        self.count += 1
        at = START + timedelta(days=days)
        ids = {"customer_id": who} if "anonymous_id" not in more or who else {}
        event = Event(more.pop("message_id", f"m{self.count}"), kind, at, at, **ids, **more)
        self.recorder.record([event])
        return event

    def at(self, days: float) -> None:
        self.live.catch_up(START + timedelta(days=days))

    def scored(self, who: str, probability: float) -> None:
        records = {"churn": {"probability": probability, "percentile": 50, "tier": "C"}}
        self.features.write_scores([(who, json.dumps(records), START)])

    def story(self, segment: str) -> list[tuple[str, str, str]]:
        """Who entered and left, and why, in order."""
        found, more = self.membership.changes(segment, 0, 1000)
        assert not more
        return [(c["profile_id"], c["op"], c["cause"]) for c in found]
