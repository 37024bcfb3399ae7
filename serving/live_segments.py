"""Live segments: a changed customer, a ripe instant or a new score is asked of the rules at once.

One worker at a time does this (a lease). Each step is one transaction: membership, journal, due
times, messages to be sent, and how far the log was read. So a restart neither loses nor doubles.
"""

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.behaviour import State
from domain.events import Event
from domain.live_profile import profile_at
from domain.segment_times import next_change_of
from feature_repo.store import Features, StoredProfile
from serving.lease import Lease, LostLease
from serving.live_feed import Heard, LiveFeed
from serving.live_rules import SCORES, LiveRules, LiveSegment
from serving.live_tables import LiveTables
from serving.membership import JOURNAL_DAYS, Membership, Move, Verdict
from serving.release import Release

logger = logging.getLogger(__name__)
TIME = "time"
STITCHED = "identities"  # two customers turned out to be one, or not to be
_RUN = 500  # events read in one step
_BATCH = 200  # due instants, or profiles of a sweep, in one step
_RELEASE = "release"
_SET_BACK = timedelta(seconds=5)  # a smaller step of the clock changes no one's segments


@dataclass(frozen=True, slots=True)
class Asked:
    """Which segments are asked of a profile, and why."""

    segments: Collection[str]
    cause: str


class LiveSegments:
    """Keeps membership equal to what the rules say of every customer at this moment."""

    def __init__(
        self,
        tables: LiveTables,
        rules: LiveRules,
        membership: Membership,
        feed: LiveFeed,
        features: Features,
        release: Callable[[], Release],
        tell: Callable[[Sequence[Move], datetime], None],
        lease: Lease,
    ) -> None:
        self._tables, self._rules, self._membership = tables, rules, membership
        self._feed, self._features, self._release = feed, features, release
        self._tell, self._lease = tell, lease
        self._pruned_at: datetime | None = None
        self._stepped_at: datetime | None = None
        self._swept_for: str | None = None

    def step(self, now: datetime) -> bool:
        """Do a bounded piece of what is to be done; return whether there may be more."""
        if not self._lease.hold(now):
            self._rules.read_again()  # another worker may change what is known here
            return False
        try:
            self._prepare(now)
            parts = (self._follow, self._ripen, self._sweep)
            return any([part(now) for part in parts])
        except LostLease:
            logger.info("another worker has taken over the live segments")
        except BaseException:
            self._rules.read_again()
            raise
        return False

    def catch_up(self, now: datetime) -> None:
        """Do everything there is to be done at `now`."""
        while self.step(now):
            pass

    def is_leading(self) -> bool:
        """Return whether this worker is the one that does all this."""
        return self._lease.is_held()

    def close(self) -> None:
        """Let the next worker take over at once."""
        self._lease.release()

    def _prepare(self, now: datetime) -> None:
        """Take up changed rules and a new release; once an hour, cut the journal's old end."""
        release = self._release()
        is_swept, went_back = self._swept_for == release.release_id, self._went_back(now)
        if is_swept and self._rules.are_current() and self._is_pruned(now) and not went_back:
            self._stepped_at = now
            return
        self._feed.begin()
        with self._tables.transaction():
            self._lease.check()
            self._rules.take_up(release.audience, now)
            noted = self._tables.note(_RELEASE)
            if noted != str(release.release_id):
                if noted is not None:
                    self._rules.sweep(self._rules.index.on_scores(), SCORES)
                self._tables.put_note(_RELEASE, str(release.release_id))
            if went_back:
                logger.warning("the clock was set back; segments that go by time are asked anew")
                self._rules.sweep(self._rules.timed(), TIME)
            if not self._is_pruned(now):
                self._membership.prune(now - timedelta(days=JOURNAL_DAYS))
                self._pruned_at = now
        self._swept_for, self._stepped_at = release.release_id, now

    def _went_back(self, now: datetime) -> bool:
        """Return whether the clock stands before what was done last, also by other workers."""
        before = self._stepped_at or self._membership.last_move_at()
        return before is not None and before - now > _SET_BACK

    def _is_pruned(self, now: datetime) -> bool:
        return self._pruned_at is not None and now - self._pruned_at < timedelta(hours=1)

    def _follow(self, now: datetime) -> bool:
        """Ask the rules of everybody whom new events concern."""
        heard = self._feed.read(_RUN)
        if heard is None:
            return False
        known = self._feed.known_among(list(heard.events))
        asked = {profile: Asked(self._rules.index.all, STITCHED) for profile in heard.stitched}
        for profile, events in heard.events.items():
            is_known = profile in known and profile not in heard.stitched
            asked[profile] = Asked(self._touched(events, is_known), events[-1].message_id)
        self._commit(asked, now, heard)
        return True

    def _touched(self, events: Sequence[Event], is_known: bool) -> Collection[str]:
        index = self._rules.index
        return set().union(*map(index.touched_by, events)) if is_known else index.all

    def _ripen(self, now: datetime) -> bool:
        """Ask again where an instant has come."""
        ripe = self._membership.due.ripe(now, _BATCH)
        if ripe:
            self._commit({p: Asked(keys, TIME) for p, keys in ripe.items()}, now)
        return bool(ripe)

    def _sweep(self, now: datetime) -> bool:
        """Ask the next profiles of the sweep that is furthest behind."""
        rows = self._tables.rows(
            "SELECT cause, reached, segment FROM sweeps ORDER BY reached, cause, segment"
        )
        if not rows:
            return False
        cause, reached, _ = rows[0]
        keys = [segment for c, r, segment in rows if (c, r) == (cause, reached)]
        profiles = self._feed.profiles_after(reached, _BATCH)
        end = profiles[-1] if profiles else None
        asked = {profile: Asked(keys, cause) for profile in profiles}
        self._commit(asked, now, then=lambda: self._swept(keys, cause, end))
        return True

    def _swept(self, keys: Sequence[str], cause: str, end: str | None) -> None:
        one = "segment = ? AND cause = ?"
        if end is None:
            rows = [(key, cause) for key in keys]
            self._tables.change_many(f"DELETE FROM sweeps WHERE {one}", rows)
            self._membership.drop_strangers(keys)
        else:
            moved = [(end, key, cause) for key in keys]
            self._tables.change_many(f"UPDATE sweeps SET reached = ? WHERE {one}", moved)

    def _commit(
        self,
        asked: Mapping[str, Asked],
        now: datetime,
        heard: Heard | None = None,
        then: Callable[[], None] | None = None,
    ) -> None:
        """Ask, and keep all that follows in one transaction."""
        stored = self._features.read_many(asked)
        verdicts = self._verdicts(asked, stored, now)
        there = [p for p in asked if p in stored and stored[p].state.tallies]
        with self._tables.transaction():
            self._lease.check()
            self._tell(self._membership.take(verdicts, now), now)
            self._feed.forget(set(asked).difference(there))
            if heard is not None:
                self._feed.keep(heard, there)
            if then is not None:
                then()

    def _verdicts(
        self, asked: Mapping[str, Asked], stored: Mapping[str, StoredProfile], now: datetime
    ) -> list[Verdict]:
        filled_to = self._rules.filled_to()
        found: list[Verdict] = []
        for profile, question in asked.items():
            kept = stored.get(profile) or StoredProfile(profile)
            found += self._of_one(kept, question, filled_to, now)
        return found

    def _of_one(
        self, kept: StoredProfile, asked: Asked, filled_to: Mapping[str, str], now: datetime
    ) -> list[Verdict]:
        """Return what the rules say; who has no events (any more) is in no segment."""
        index, flat = self._rules.index, None
        if kept.state.tallies:
            flat = profile_at(kept.state, kept.scores, now, index.attributes)
        keys = asked.segments if flat is not None else index.all
        found = []
        for segment in (self._rules.segments[k] for k in sorted(keys) if k in self._rules.segments):
            reached = filled_to.get(segment.key)
            is_new = reached is not None and kept.profile_id > reached
            is_in = flat is not None and segment.ready.test(flat)
            found.append(
                Verdict(
                    kept.profile_id,
                    segment.key,
                    segment.version,
                    is_in,
                    due=_due(segment, kept.state, flat, now, is_in=is_in),
                    cause=asked.cause,
                    is_silent=is_new and not _is_born_since(kept.state, segment.started_at),
                )
            )
        return found


def _due(
    segment: LiveSegment,
    state: State,
    flat: Mapping[str, object] | None,
    now: datetime,
    *,
    is_in: bool,
) -> datetime | None:
    if flat is None or not segment.is_timed:
        return None
    return next_change_of(segment.ready, state, flat, now, is_in=is_in)


def _is_born_since(state: State, at: int) -> bool:
    return bool(state.tallies) and min(t.first_at for t in state.tallies.values()) >= at
