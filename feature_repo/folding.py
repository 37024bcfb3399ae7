"""One run of events, folded into the states of their profiles.

What is kept of an id is its state and, for a device that has a customer, the link: the first
customer of a device (by time, then id) gets what the device did while nobody was known on it. Links
count from the event that made them, so the states at an offset follow from the events up to it.
Customers that are stitched together have one state, kept under the id they go by.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce

from domain.behaviour import State, fold, merge
from domain.events import Event, to_micros
from feature_repo.kept import Kept, Link
from feature_repo.remembered import Remembered


@dataclass(frozen=True, slots=True)
class Change:
    """The state of a profile before and after a run of events."""

    profile_id: str
    before: State
    after: State


Reader = Callable[[Sequence[str]], Mapping[str, str]]  # ids -> JSON text of those that have one
Trail = Callable[[str, bool], Iterable[Event]]  # (id, known) -> events up to the end of the run
Devices = Callable[[str], set[str]]  # customer id -> every device it was ever seen on


class Folding:
    """Reads each state once, folds events in the order of the log, and says what changed."""

    def __init__(self, read: Reader, remembered: Remembered) -> None:
        self._read = read
        self._remembered = remembered
        self._before: dict[str, Kept] = {}
        self._kept: dict[str, Kept] = {}
        self._broken: set[str] = set()  # profiles that only the log can tell: a link changed hands

    def take(self, events: Sequence[Event]) -> None:
        """Fold a run of events that were not folded before."""
        self._fetch(i for e in events for i in (e.customer_id, e.anonymous_id) if i)
        self._fetch(k.link.customer_id for k in list(self._kept.values()) if k.link)
        self._fetch(k.canonical for k in list(self._kept.values()) if k.canonical)
        for event in events:
            self._take_link(event)
            base = event.customer_id or self._owner(event.anonymous_id)
            if base:
                profile_id = self._canonical(base)
                kept = self._kept[profile_id]
                self._kept[profile_id] = kept.with_state(fold(kept.state, event))

    def stitch(self, canonical: Mapping[str, str]) -> None:
        """Take note of the ids that customers go by now, and move their states there."""
        self._fetch([*canonical, *canonical.values()])
        self._fetch(k.canonical for k in list(self._kept.values()) if k.canonical)
        moves: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
        for i, new in canonical.items():
            if self._canonical(i) != new:
                moves[self._canonical(i), new].add(i)
        whole = {old for (old, _), ids in moves.items() if ids == {old, *self._kept[old].members}}
        for (old, new), ids in moves.items():
            self._move(old, new, ids, whole=old in whole)

    def refold(self, profile_ids: Iterable[str]) -> None:
        """Leave it to `mend` to fold these profiles anew."""
        wanted = list(profile_ids)
        self._fetch(wanted)
        self._broken.update(wanted)

    def mend(self, trail: Trail, devices: Devices) -> None:
        """Fold anew from the log the profiles whose states cannot be told from states alone."""
        for profile_id in sorted(self._broken):
            kept = self._kept[profile_id]
            bases = [] if kept.canonical else [profile_id, *sorted(kept.members)]
            events = [e for base in bases for e in self._events_of(base, trail, devices)]
            self._kept[profile_id] = replace(kept, state=reduce(fold, events, State()))
        self._broken.clear()

    def _events_of(self, base: str, trail: Trail, devices: Devices) -> list[Event]:
        """Return what a customer did, and what their devices did while nobody was known on them."""
        seen = {base, *devices(base)}
        self._fetch(seen)
        mine = [device for device in sorted(seen) if self._owner(device) == base]
        return [*trail(base, True), *(e for device in mine for e in trail(device, False))]

    def _move(self, old: str, new: str, ids: set[str], *, whole: bool) -> None:
        """Let ids go by another one; a whole profile takes its state along."""
        before, there = self._kept[old], self._kept[new]
        if whole and new not in ids:
            there = replace(there, state=merge(there.state, before.state))
            before = replace(before, state=State())
        else:
            self._broken |= {old, new}
        self._kept[old] = replace(before, members=before.members - ids)
        self._kept[new] = replace(there, members=(there.members | ids) - {new})
        for i in ids:
            self._kept[i] = replace(self._kept[i], canonical=None if i == new else new)

    def rows(self) -> list[tuple[str, str]]:
        """Return (id, text) of everything that is to be written."""
        changed = [(i, kept) for i, kept in self._kept.items() if kept != self._before[i]]
        return [(i, self._text(i, kept)) for i, kept in changed]

    def changes(self) -> list[Change]:
        """Return every profile whose state is another one now."""
        return [
            Change(i, self._before[i].state, kept.state)
            for i, kept in self._kept.items()
            if kept.state != self._before[i].state
        ]

    @property
    def is_broken(self) -> bool:
        """Whether `mend` has something to do."""
        return bool(self._broken)

    def _fetch(self, ids: Iterable[str]) -> None:
        missing = [i for i in dict.fromkeys(ids) if i not in self._kept]
        texts = self._read(missing) if missing else {}
        for i in missing:
            self._before[i] = self._remembered.kept(i, texts[i]) if i in texts else Kept()
            self._kept[i] = self._before[i]

    def _text(self, profile_id: str, kept: Kept) -> str:
        text = kept.to_text()
        self._remembered.put(profile_id, text, kept)
        return text

    def _owner(self, device: str | None) -> str | None:
        link = self._kept[device].link if device else None
        return link.customer_id if link else device

    def _canonical(self, customer_id: str) -> str:
        return self._kept[customer_id].canonical or customer_id

    def _take_link(self, event: Event) -> None:
        """Note whose the device is, and move what was folded under another name."""
        device, customer = event.anonymous_id, event.customer_id
        if not device or not customer:
            return
        said, kept = Link(to_micros(event.at), customer), self._kept[device]
        if kept.link is not None and kept.link <= said:
            return
        self._kept[device] = replace(kept, link=said)
        before = kept.link.customer_id if kept.link else device
        if before == customer:
            return
        is_customer = kept.state.known or kept.canonical or kept.members  # and a device: one id
        if kept.link is not None or is_customer:
            self._fetch([before])
            self._broken |= {self._canonical(before), self._canonical(customer)}
        else:
            self._join(device, self._canonical(customer))

    def _join(self, device: str, customer: str) -> None:
        state = merge(self._kept[customer].state, self._kept[device].state)
        self._kept[customer] = replace(self._kept[customer], state=state)
        self._kept[device] = replace(self._kept[device], state=State())
