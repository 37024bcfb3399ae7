"""Who is in which segment at this moment, and the journal of who entered and who left."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from domain.events import from_micros, to_micros
from serving.due_times import DueTimes, Pair
from serving.live_tables import LiveTables, marks

ENTERED, LEFT = "entered", "left"
JOURNAL_DAYS = 90


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a rule says of one profile now; `is_silent` sets membership without a change."""

    profile: str
    segment: str
    version: int
    is_in: bool
    due: datetime | None  # when time alone may change the answer
    cause: str
    is_silent: bool = False


@dataclass(frozen=True, slots=True)
class Move:
    """One profile that entered or left one segment."""

    profile: str
    segment: str
    version: int
    op: str  # ENTERED or LEFT
    cause: str


class Membership:
    """Membership and journal in `live.sqlite`; writes are inside the caller's transaction."""

    def __init__(self, tables: LiveTables) -> None:
        self._tables = tables
        self.due = DueTimes(tables)

    def take(self, verdicts: Sequence[Verdict], now: datetime) -> list[Move]:
        """Make membership what the verdicts say; return the changes, which are in the journal."""
        members = self._members_among({v.profile for v in verdicts})
        changed = [v for v in verdicts if ((v.profile, v.segment) in members) != v.is_in]
        at = to_micros(now)
        self._tables.change_many(
            "INSERT INTO members VALUES (?, ?, ?)",
            [(v.segment, v.profile, at) for v in changed if v.is_in],
        )
        self._tables.change_many(
            "DELETE FROM members WHERE segment = ? AND profile = ?",
            [(v.segment, v.profile) for v in changed if not v.is_in],
        )
        moves = [_move(v) for v in changed if not v.is_silent]
        self._tables.change_many(
            "INSERT INTO journal (segment, version, profile, op, at, cause) "
            "VALUES (?, ?, ?, ?, ?, ?)",
            [(m.segment, m.version, m.profile, m.op, at, m.cause) for m in moves],
        )
        self.due.replace({(v.profile, v.segment): v.due for v in verdicts})
        return moves

    def of(self, profile: str) -> set[str]:
        """Return the segments that a profile is in."""
        rows = self._tables.rows("SELECT segment FROM members WHERE profile = ?", (profile,))
        return {row[0] for row in rows}

    def members(self, segment: str) -> set[str]:
        """Return the profiles in a segment."""
        rows = self._tables.rows("SELECT profile FROM members WHERE segment = ?", (segment,))
        return {row[0] for row in rows}

    def changes(self, segment: str, after: int, limit: int) -> tuple[list[dict[str, Any]], bool]:
        """Return changes behind a sequence number, oldest first, and whether there are more."""
        rows = self._tables.rows(
            "SELECT seq, profile, op, version, at, cause FROM journal "
            "WHERE segment = ? AND seq > ? ORDER BY seq LIMIT ?",
            (segment, after, limit + 1),
        )
        return [_shown(row) for row in rows[:limit]], len(rows) > limit

    def start_over(self, segment: str, ids: Iterable[str], now: datetime) -> None:
        """Set the members of a segment without a change; its due times are forgotten."""
        self.clear(segment)
        at = to_micros(now)
        self._tables.change_many(
            "INSERT OR IGNORE INTO members VALUES (?, ?, ?)", [(segment, i, at) for i in ids]
        )

    def drop_strangers(self, segments: Iterable[str]) -> None:
        """Take out members whom nobody knows any more, such as ids of a release."""
        self._tables.change_many(
            "DELETE FROM members WHERE segment = ? "
            "AND profile NOT IN (SELECT profile FROM profiles)",
            [(segment,) for segment in segments],
        )

    def clear(self, segment: str) -> None:
        """Forget members and due times of a segment; the journal stays."""
        for table in ("members", "due"):
            self._tables.change(f"DELETE FROM {table} WHERE segment = ?", (segment,))

    def forget(self, profiles: Sequence[str]) -> None:
        """Remove everything kept of these profiles, the journal included; for erasure."""
        with self._tables.transaction():
            for table in ("members", "journal", "due", "profiles"):
                self._tables.change(
                    f"DELETE FROM {table} WHERE profile IN ({marks(profiles)})", profiles
                )
            self._tables.change(
                "UPDATE sweeps SET reached = coalesce((SELECT max(p.profile) FROM profiles p "
                f"WHERE p.profile < reached), '') WHERE reached IN ({marks(profiles)})",
                profiles,
            )
            for column in ("device", "customer"):
                self._tables.change(
                    f"DELETE FROM links WHERE {column} IN ({marks(profiles)})", profiles
                )

    def last_move_at(self) -> datetime | None:
        """Return when somebody last entered or left a segment, by the clock of then."""
        rows = self._tables.rows("SELECT at FROM journal ORDER BY seq DESC LIMIT 1")
        return from_micros(rows[0][0]) if rows else None

    def prune(self, before: datetime) -> None:
        """Forget the journal older than `before`."""
        self._tables.change("DELETE FROM journal WHERE at < ?", (to_micros(before),))

    def _members_among(self, profiles: Iterable[str]) -> set[Pair]:
        asked = sorted(profiles)
        rows = self._tables.rows(
            f"SELECT profile, segment FROM members WHERE profile IN ({marks(asked)})", asked
        )
        return {(profile, segment) for profile, segment in rows}


def _move(verdict: Verdict) -> Move:
    op = ENTERED if verdict.is_in else LEFT
    return Move(verdict.profile, verdict.segment, verdict.version, op, verdict.cause)


def _shown(row: tuple[Any, ...]) -> dict[str, Any]:
    seq, profile, op, version, at, cause = row
    return {
        "seq": seq, "profile_id": profile, "op": op, "version": version,
        "at": from_micros(at).isoformat(), "cause": cause,
    }  # fmt: skip
