"""The persons of the log in Redis: whose a device is, who is stitched to whom, who was erased."""

import itertools
import random
import time
import zlib
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime
from typing import TypeVar

from domain.errors import Conflict
from domain.events import Event, to_micros
from domain.identity import hashed
from feature_repo.persons import Merge, Persons, Plan, checked_undoable
from feature_repo.redis_client import Changed, Keyspace, place
from feature_repo.redis_erasure import RedisErasure
from feature_repo.redis_identity import RedisIdentity
from feature_repo.redis_rewrite import written_anew
from feature_repo.tombstones import ID, Named, admitted, named_in

_Result = TypeVar("_Result")
_PAGE = 1_000


class RedisPersons(Persons):
    """The part of the log that tells persons; it holds the connections."""

    def __init__(self, place: Keyspace, salt: bytes, max_profiles: int, partitions: int) -> None:
        self._place, self._salt = place, salt
        self.partitions = partitions
        self._erasures = 0  # that the log knew of when it was last asked
        self._identity = RedisIdentity(place, max_profiles)
        self._erasure = RedisErasure(place, self._identity, salt, self.partition_of)
        _check_salt(place, salt)

    def partition_of(self, subject_id: str) -> int:
        """Return the partition of a subject's events."""
        return zlib.crc32(subject_id.encode()) % self.partitions

    def customer_of(self, anonymous_id: str) -> str | None:
        """Return the customer a device was linked to, or None."""
        found = self._place.ask("hget", "links", anonymous_id)
        return None if found is None else str(found.split(" ", 1)[1])

    def canonical_of(self, customer_id: str) -> str:
        """Return the id that a customer goes by now, its own where it is stitched to no other."""
        return self._identity.canonical_of_many([customer_id])[0]

    def resolve_many(self, ids: Collection[str]) -> dict[str, str]:
        """Return by id the profile that it leads to now, of all ids at once."""
        asked = list(ids)
        links = self._place.ask("hmget", "links", asked) if asked else []
        owners = [t.split(" ", 1)[1] if t else i for i, t in zip(asked, links, strict=True)]
        return dict(zip(asked, self._identity.canonical_of_many(owners), strict=True))

    def restitched(self, after: int) -> tuple[int, dict[str, str]]:
        """Return the number of the last change of identities, and what id each id goes by now.

        Only ids that changed behind `after` are there.
        """
        return self._identity.restitched(after)

    def stitches(self) -> tuple[int, list[tuple[str, str, int, int]]]:
        """Return the number of the last change, and (id, canonical id, from µs, to µs) of all."""
        return self._identity.stitches()

    def merges_of(self, profile_id: str) -> list[Merge]:
        """Return the merges of a profile, of all its ids, undone ones too, by time."""
        self._identity.settle()
        return self._identity.merges_of(self._identity.members_of(profile_id))

    def members_of(self, profile_id: str) -> list[str]:
        """Return all customer ids that go by this one now, itself first."""
        return self._identity.members_of(profile_id)

    def undo_merge(self, merge_id: str, at: datetime) -> Merge:
        """Take back a merge for all time; the states follow with the next fold."""

        def undo(version: str) -> Merge:
            merge = checked_undoable(self._identity.merge(merge_id), merge_id)
            self._identity.undo(merge, to_micros(at), version)
            return merge

        return self._changed(undo)

    def is_erased(self, profile_id: str) -> bool:
        """Return whether the id is that of somebody who was erased."""
        mark = hashed((ID, profile_id), self._salt)
        return bool(self._place.ask("sismember", "marks", mark))

    def erasures(self) -> int:
        """Return a number that grows with each erasure; 0 as long as nobody was erased."""
        self._erasures = int(self._place.ask("hget", "about", "erasures") or 0)
        return self._erasures

    def erased_among(self, ids: Iterable[str]) -> frozenset[str]:
        """Return those of the ids that are of somebody who was erased."""
        marked = self._marked((ID, i) for i in ids) if self.erasures() else set()
        return frozenset(i for _, i in marked)

    def admits(self, events: Iterable[Event]) -> list[bool]:
        """Return for each event whether it may be kept: it is not of somebody who was erased."""
        self.erasures()
        return [event is not None for event in self.screened(list(events))]

    def screened(self, events: Sequence[Event]) -> list[Event | None]:
        """Return what may be kept of each event, by the erasures known when last asked."""
        if not self._erasures:
            return list(events)
        marked = self._marked({name for event in events for name in named_in(event)})
        return [admitted(event, marked.__contains__) for event in events]

    def _marked(self, names: Iterable[Named]) -> set[Named]:
        """Return those of the names that are marked as erased."""
        waiting, found = iter(names), set()
        while page := list(itertools.islice(waiting, _PAGE)):
            digests = [hashed(name, self._salt) for name in page]
            told = self._place.ask("smismember", "marks", digests)
            found |= {name for name, is_set in zip(page, told, strict=True) if is_set}
        return found

    def erase(self, profile_id: str) -> Plan | None:
        """Remove a person under all their ids; return what else is to be done, None for nobody."""

        def erase(version: str) -> Plan | None:
            owner = self.customer_of(profile_id) or profile_id
            return self._erasure.erase(self.canonical_of(owner), version)

        return self._changed(erase)

    def pending_erasures(self) -> list[Plan]:
        """Return the erasures that were begun and not ended."""
        return self._erasure.pending()

    def end_erasure(self, plan: Plan) -> None:
        """Forget whom an erasure was about: all of it is done."""
        self._erasure.end(plan)

    def compact(self) -> bool:
        """Let Redis write its files anew; return whether they are free of what was removed."""
        return written_anew(self._place.client, self._place.url)

    def _changed(self, change: Callable[[str], _Result]) -> _Result:
        """Change what is known of persons, again where news came between, and stitch what waits."""
        while True:
            self._identity.settle()
            try:
                result = change(self._place.version())
                break
            except Changed:
                time.sleep(random.uniform(0, 0.005))
        self._identity.settle()
        return result


def _check_salt(keys: Keyspace, salt: bytes) -> None:
    """Refuse another salt than that of the keys and marks in the log."""
    mark = hashed(("salt",), salt)
    keys.ask("hsetnx", "about", "salt", mark)
    if keys.ask("hget", "about", "salt") != mark:
        raise Conflict(
            f"the event log in Redis at {place(keys.url)} knows keys and erased persons by another "
            "salt; copy the file identity.salt from the home folder of the machine that began the "
            "log into this one",
            field="event_log",
        )
