"""Who is in a segment at this moment, how many, and their list with what the rule looks at now."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from domain.events import from_micros
from domain.live_profile import profile_at
from domain.scores import field_names, flat_record
from domain.segment_defaults import Segment
from domain.segments import fields_of
from feature_repo.store import Features
from serving.due_times import DueTimes
from serving.live_feed import LiveFeed
from serving.live_rules import rule_text
from serving.live_tables import LiveTables

CATCHING_UP = "catching_up"  # everybody is still being asked: of a new rule, or about new scores
_CHUNK = 2_000


@dataclass(frozen=True, slots=True)
class Page:
    """Some members in order of their id; `after` fetches the next ones, None at the end."""

    members: list[dict[str, Any]]
    after: str | None


class LiveMembers:
    """Reads the live membership; reading holds up neither its keeper nor other readers."""

    def __init__(
        self, tables: LiveTables, feed: LiveFeed, due: DueTimes, features: Features
    ) -> None:
        self._tables, self._feed, self._due, self._features = tables, feed, due, features

    def as_of(self, now: datetime) -> datetime | None:
        """Return up to when all that happened is in it: `now` unless something waits; None: never.

        What may wait is an event that came, or an instant at which time alone changes an answer.
        """
        if not self._feed.has_begun():
            return None
        waiting = (self._feed.first_unread(), self._due.first())
        return min([now, *(at for at in waiting if at is not None)])

    def catching_up(self, segments: Iterable[Segment]) -> bool:
        """Return whether a segment is still being asked of everybody."""
        asked = {row[0] for row in self._tables.look("SELECT segment FROM sweeps")}
        known = dict(self._tables.look("SELECT segment, rule FROM versions"))
        return any(s.key in asked or known.get(s.key) != rule_text(s.rule) for s in segments)

    def total(self) -> int:
        """Return how many profiles there are."""
        return int(self._tables.look("SELECT count(*) FROM profiles")[0][0])

    def sizes(self) -> dict[str, int]:
        """Return how many are in each segment; one that nobody is in is left out."""
        return dict(self._tables.look("SELECT segment, count(*) FROM members GROUP BY segment"))

    def size(self, segment: str) -> int:
        """Return how many are in a segment."""
        sql = "SELECT count(*) FROM members WHERE segment = ?"
        return int(self._tables.look(sql, (segment,))[0][0])

    def page(self, segment: Segment, limit: int, after: str | None, now: datetime) -> Page:
        """Return up to `limit` members with an id behind `after`, with what the rule looks at."""
        rows = self._rows(segment.key, limit + 1, after or "")
        members = self._members(segment, rows[:limit], now)
        return Page(members, rows[limit - 1][0] if len(rows) > limit else None)

    def csv(self, segment: Segment, models: Sequence[str], now: datetime) -> Iterator[bytes]:
        """Yield all members as CSV, a head line first; each is as of when its line is read.

        Behind what the rule looks at stand the whole records of the scores of `models`.
        """
        scored = [name for model in models for name in field_names(model)]
        names = list(dict.fromkeys(["profile_id", "since", *_shown(segment), *scored]))
        yield _csv_lines([names])
        after = ""
        while rows := self._rows(segment.key, _CHUNK, after):
            members = self._members(segment, rows, now, models)
            yield _csv_lines([member[name] for name in names] for member in members)
            after = rows[-1][0]

    def _rows(self, segment: str, limit: int, after: str) -> list[tuple[Any, ...]]:
        sql = (
            "SELECT profile, since FROM members WHERE segment = ? AND profile > ? "
            "ORDER BY profile LIMIT ?"
        )
        return self._tables.look(sql, (segment, after, limit))

    def _members(
        self,
        segment: Segment,
        rows: Sequence[tuple[str, int]],
        now: datetime,
        models: Sequence[str] = (),
    ) -> list[dict[str, Any]]:
        """Return the members of these rows; who was erased meanwhile is left out.

        With them come the records of `models`, each field as one value.
        """
        stored, names = self._features.read_many(profile for profile, _ in rows), _shown(segment)
        found = []
        for profile, since in rows:
            if (kept := stored.get(profile)) is None:
                continue
            flat = profile_at(kept.state, kept.scores, now)
            about: dict[str, Any] = {"profile_id": profile, "since": from_micros(since).isoformat()}
            about |= {name: flat.get(name) for name in names}
            for model in models:
                about |= flat_record(model, kept.scores.get(model))
            found.append(about)
        return found


def _shown(segment: Segment) -> list[str]:
    return sorted(fields_of(segment.rule))


def _csv_lines(rows: Iterable[Iterable[Any]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows([_safe(value) for value in row] for row in rows)
    return text.getvalue().encode()


def _safe(value: Any) -> Any:
    """Return a value that a spreadsheet does not run: text that begins like a formula is quoted."""
    return (
        f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t") else value
    )
