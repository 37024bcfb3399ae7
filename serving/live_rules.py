"""The segments as the live side knows them: each rule with its version, and who must be asked."""

import json
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

import duckdb

from domain.events import to_micros
from domain.segment_defaults import Segment
from domain.segment_index import SegmentIndex
from domain.segment_times import Ready, depends_on_time
from domain.segments import Rule, to_plain
from serving.audience import Audience
from serving.live_tables import LiveTables
from serving.membership import Membership
from serving.segments import SegmentStore

logger = logging.getLogger(__name__)
RULE_CHANGED, SCORES = "rule changed", "scores"


@dataclass(frozen=True, slots=True)
class LiveSegment:
    """A rule with its version: 1 for the first rule under a key, one more for each later one."""

    key: str
    rule: Rule
    version: int
    started_at: int  # when this version was taken up, in microseconds
    ready: Ready
    is_timed: bool


class LiveRules:
    """Follows the segments of the shop; a new or changed rule gets a version and a sweep.

    A sweep asks one segment of every profile, in order of id. The sweep of a new rule finds who is
    in it as things stand, so it makes no changes: nobody entered or left.
    """

    def __init__(self, tables: LiveTables, store: SegmentStore, membership: Membership) -> None:
        self._tables, self._store, self._membership = tables, store, membership
        self._seen: list[Segment] | None = None
        self.segments: Mapping[str, LiveSegment] = {}
        self.index = SegmentIndex({})

    def take_up(self, audience: Audience | None, now: datetime) -> None:
        """Take up new, changed and deleted segments, inside the transaction of the caller."""
        found = self._store.all()
        if found == self._seen:
            return
        known = {
            key: (version, rule)
            for key, version, rule in self._tables.rows(
                "SELECT segment, version, rule FROM versions"
            )
        }
        for segment in found:
            version, rule = known.get(segment.key, (0, None))
            if rule != rule_text(segment.rule):
                self._start(segment, version + 1, audience, now)
        gone = [k for k, (_, rule) in known.items() if rule and k not in {s.key for s in found}]
        for key in gone:
            self._end(key)
        self._load(found)

    def timed(self) -> list[str]:
        """Return the segments whose members may change by time alone."""
        return [key for key, segment in self.segments.items() if segment.is_timed]

    def are_current(self) -> bool:
        """Return whether the segments are those that were taken up last."""
        return self._store.all() == self._seen

    def sweep(self, segments: Iterable[str], cause: str) -> None:
        """Have these segments asked of everybody, inside the transaction of the caller."""
        self._tables.change_many(
            "INSERT OR REPLACE INTO sweeps VALUES (?, ?, '')", [(key, cause) for key in segments]
        )

    def filled_to(self) -> dict[str, str]:
        """Return for each segment that is still being filled the last id that was looked at."""
        rows = self._tables.rows(
            "SELECT segment, reached FROM sweeps WHERE cause = ?", (RULE_CHANGED,)
        )
        return dict(rows)

    def read_again(self) -> None:
        """Forget what was seen, so that the next look reads everything."""
        self._seen = None

    def _load(self, found: list[Segment]) -> None:
        rows = self._tables.rows("SELECT segment, version, started_at FROM versions")
        about = {key: (version, started_at) for key, version, started_at in rows}
        self.segments = {
            s.key: LiveSegment(
                s.key, s.rule, *about[s.key], Ready.of(s.rule), depends_on_time(s.rule)
            )
            for s in found
        }
        self.index = SegmentIndex({s.key: s.rule for s in found})
        self._seen = found

    def _start(
        self, segment: Segment, version: int, audience: Audience | None, now: datetime
    ) -> None:
        self._tables.change(
            "INSERT OR REPLACE INTO versions VALUES (?, ?, ?, ?)",
            (segment.key, version, rule_text(segment.rule), to_micros(now)),
        )
        self._membership.start_over(segment.key, _ids(audience, segment.rule), now)
        self._tables.change("DELETE FROM sweeps WHERE segment = ?", (segment.key,))
        self.sweep([segment.key], RULE_CHANGED)

    def _end(self, key: str) -> None:
        self._tables.change("UPDATE versions SET rule = NULL WHERE segment = ?", (key,))
        self._tables.change("DELETE FROM sweeps WHERE segment = ?", (key,))
        self._membership.clear(key)


def rule_text(rule: Rule) -> str:
    """Return a rule as it is kept, equal for equal rules."""
    return json.dumps(to_plain(rule), ensure_ascii=False)


def _ids(audience: Audience | None, rule: Rule) -> list[str]:
    """Return the members by the release; they count until the sweep has looked at each."""
    if audience is None:
        return []
    try:
        return audience.ids(rule, audience.total)
    except duckdb.Error as fault:
        logger.error("the release cannot say who is in a new segment, the sweep will: %s", fault)
        return []
