"""What the live segments read: the log as far as the states have it, and whose each event is."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from domain.events import Event
from feature_repo.event_rows import to_event
from feature_repo.log import Log
from feature_repo.offsets import read_progress
from feature_repo.store import Features
from serving.live_tables import LiveTables, marks

_PAGE = 2_000


@dataclass(slots=True)
class Heard:
    """A run of the log: profile -> its events, oldest first; the run ends at `offsets`.

    `stitched` are the profiles that were joined with others, or taken apart.
    """

    events: dict[str, list[Event]] = field(default_factory=dict)
    stitched: set[str] = field(default_factory=set)
    links: set[tuple[str, str]] = field(default_factory=set)  # id -> a customer it led to
    offsets: dict[int, int] = field(default_factory=dict)
    number: int = 0  # of the last change of identities


class LiveFeed:
    """Reads the log behind an offset of its own, kept in the transaction of what came of it.

    So nothing is lost and nothing counts twice, in whichever process an event was recorded.
    """

    def __init__(self, tables: LiveTables, log: Log, features: Features) -> None:
        self._tables, self._log, self._features = tables, log, features
        self._name = f"offset/{log.log_id}"
        self._stitches = f"stitched/{log.log_id}"

    def begin(self) -> None:
        """Note at the very first start who is known already, and go on from there."""
        if self._tables.note(self._name) is not None:
            return
        folded, number = self._folded()
        links = {(device, customer) for device, customer, _ in self._log.identities()}
        stitched = set(self._log.restitched(0)[1].items())
        found = sorted(self._everybody(dict(links)))
        with self._tables.transaction():
            self.keep(Heard(links=links | stitched, offsets=folded, number=number), found)

    def read(self, limit: int) -> Heard | None:
        """Return what is new as far as the states hold it already, or None."""
        kept = json.loads(self._tables.note(self._name) or "{}")
        offsets = {part: int(kept.get(str(part), 0)) for part in range(self._log.partitions)}
        known = int(self._tables.note(self._stitches) or 0)
        runs = {part: rows for part, rows in self._log.rows_since(offsets, limit).items() if rows}
        if not runs and self._log.restitched(known)[0] == known:
            return None
        folded, number = self._folded()
        canonical = self._log.restitched(known)[1] if number != known else {}
        runs = {part: [r for r in rows if r[0] <= folded[part]] for part, rows in runs.items()}
        rows = sorted((row for run in runs.values() for row in run), key=lambda row: row[0])
        if not rows and number == known:
            return None
        reached = offsets | {part: run[-1][0] for part, run in runs.items() if run}
        return self._heard([to_event(row[1:]) for row in rows], canonical, reached, number)

    def has_begun(self) -> bool:
        """Return whether it is noted how far was read."""
        return self._kept_offsets() is not None

    def first_unread(self) -> datetime | None:
        """Return when the oldest event was received that was not read yet, or None."""
        kept = self._kept_offsets() or {}
        offsets = {part: int(kept.get(str(part), 0)) for part in range(self._log.partitions)}
        rows = [row for run in self._log.rows_since(offsets, 1).values() for row in run]
        return min((to_event(row[1:]).received_at for row in rows), default=None)

    def keep(self, heard: Heard, profiles: Sequence[str]) -> None:
        """Note how far was read and who is known, inside the transaction of the caller."""
        self._tables.change_many("INSERT OR IGNORE INTO links VALUES (?, ?)", sorted(heard.links))
        self.know(profiles)
        self._tables.put_note(self._name, json.dumps(heard.offsets))
        self._tables.put_note(self._stitches, str(heard.number))

    def know(self, profiles: Iterable[str]) -> None:
        """Note profiles that are there, inside the transaction of the caller."""
        self._tables.change_many(
            "INSERT OR IGNORE INTO profiles VALUES (?)", [(profile,) for profile in profiles]
        )

    def forget(self, profiles: Iterable[str]) -> None:
        """Forget profiles that are not there any more, inside the transaction of the caller."""
        self._tables.change_many(
            "DELETE FROM profiles WHERE profile = ?", [(profile,) for profile in profiles]
        )

    def known_among(self, profiles: Sequence[str]) -> set[str]:
        """Return those of the profiles that were noted before."""
        rows = self._tables.rows(
            f"SELECT profile FROM profiles WHERE profile IN ({marks(profiles)})", profiles
        )
        return {row[0] for row in rows}

    def profiles_after(self, profile: str, limit: int) -> list[str]:
        """Return known profiles behind an id, in order."""
        rows = self._tables.rows(
            "SELECT profile FROM profiles WHERE profile > ? ORDER BY profile LIMIT ?",
            (profile, limit),
        )
        return [row[0] for row in rows]

    def _heard(
        self,
        events: Sequence[Event],
        canonical: Mapping[str, str],
        offsets: dict[int, int],
        number: int,
    ) -> Heard:
        """Return whom it concerns: who did it, and all that these ids lead or ever led to."""
        heard = Heard(offsets=offsets, number=number, links=set(canonical.items()))
        heard.links |= {
            (e.anonymous_id, e.customer_id) for e in events if e.anonymous_id and e.customer_id
        }
        ids = {i for e in events for i in (e.customer_id, e.anonymous_id) if i}
        leads = self._leads(ids | {*canonical, *canonical.values()}, heard)
        for event in events:
            subjects = [leads[i] for i in (event.customer_id, event.anonymous_id) if i]
            for profile in sorted(set().union(*subjects)):
                heard.events.setdefault(profile, []).append(event)
        heard.stitched = set().union(*(leads[i] for i in (*canonical, *canonical.values())))
        return heard

    def _leads(self, ids: set[str], heard: Heard) -> dict[str, set[str]]:
        """Return for each id itself and every profile that it leads or led to."""
        asked = sorted(ids)
        rows = self._tables.rows(
            f"SELECT device, customer FROM links WHERE device IN ({marks(asked)})", asked
        )
        found = {i: {i} for i in asked}
        for device, customer in [*rows, *heard.links]:
            found.setdefault(device, {device}).add(customer)
        now = self._log.resolve_many(set().union(*found.values()))
        return {i: led | {now[one] for one in led} for i, led in found.items()}

    def _kept_offsets(self) -> dict[str, int] | None:
        found = self._tables.look("SELECT value FROM progress WHERE what = ?", (self._name,))
        return dict(json.loads(found[0][0])) if found else None

    def _folded(self) -> tuple[dict[int, int], int]:
        """Return how far the states are: in the log, and in the changes of identities."""
        return read_progress(self._features, self._log, range(self._log.partitions))

    def _everybody(self, owner: Mapping[str, str]) -> set[str]:
        found: set[str] = set()
        seq = 0
        while rows := self._log.rows_after(seq, _PAGE):
            seq = rows[-1][0]
            for row in rows:
                customer, device = row[5], row[6]
                profile = customer or owner.get(device or "", device)
                if profile:
                    found.add(profile)
        return found
