"""What the rest of the house asks of an event log; it stands in SQLite or in Redis alike."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from domain.events import Event
from domain.items import Item
from feature_repo.consumers import Consumer, PartitionLag
from feature_repo.event_rows import Row
from feature_repo.persons import Merge, Plan


@dataclass(frozen=True, slots=True)
class Appended:
    """What an append did: `stored` new events, `duplicates` whose message_id was there already."""

    stored: int
    duplicates: int


@dataclass(frozen=True, slots=True)
class Stored:
    """What `store` did: per event whether it is new, and how far a reader must read to know all.

    `reached` names for each partition the sequence number up to which these events lie, also those
    that were there already.
    """

    is_new: list[bool]
    reached: dict[int, int]


@dataclass(frozen=True, slots=True)
class Together:
    """All ids of one person; they go by the first of the customers."""

    customers: tuple[str, ...]
    devices: tuple[str, ...]  # whose events count while nobody was known on them


@dataclass(frozen=True, slots=True)
class LogSummary:
    """What the log holds."""

    events: int
    customers: int
    devices: int
    items: int
    first_at: datetime | None
    last_at: datetime | None


class Log(Protocol):
    """Every event once, numbered in the order of storing, in one or more partitions.

    All events of a subject id (the customer, else the device) lie in one partition. An event with
    sequence number n can be read before any with a larger one is stored in its partition.
    """

    @property
    def log_id(self) -> str:
        """Return the name that this log got when it was made; no other has it."""
        ...

    @property
    def partitions(self) -> int:
        """Return how many partitions there are, numbered from 0."""
        ...

    def append(self, events: Iterable[Event], items: Iterable[Item] = ()) -> Appended:
        """Store any number of events and items."""
        ...

    def store(self, events: Sequence[Event]) -> Stored:
        """Store a few events, durable when this returns, all of them or none."""
        ...

    def erasures(self) -> int:
        """Return a number that grows with each erasure; 0 as long as nobody was erased."""
        ...

    def erased_among(self, ids: Iterable[str]) -> frozenset[str]:
        """Return those of the ids that are of somebody who was erased."""
        ...

    def may_join(self, events: Sequence[Event]) -> bool:
        """Return whether storing these events may make customers one person who were not so."""
        ...

    def together_with(
        self, events: Sequence[Event], customer_id: str | None, anonymous_id: str | None
    ) -> Together:
        """Return who a person would be if these events were stored; nothing is stored."""
        ...

    def put_items(self, items: Iterable[Item]) -> None:
        """Add items, or replace those with an older `updated_at`."""
        ...

    def item_changes(self) -> int:
        """Return the number of the last change of the catalogue, 0 if there never was an item."""
        ...

    def items_since(self, change: int) -> list[Item]:
        """Return the items, as they are now, that changed behind that number."""
        ...

    def last_seq(self) -> int:
        """Return the sequence number of the newest event, 0 when there is none."""
        ...

    def rows_after(self, seq: int, limit: int) -> list[Row]:
        """Return up to `limit` rows (seq, *COLUMNS) with a larger sequence number, in order."""
        ...

    def rows_since(self, offsets: Mapping[int, int], limit: int) -> dict[int, list[Row]]:
        """Return by partition up to `limit` rows behind its offset, in order."""
        ...

    def partition_of(self, subject_id: str) -> int:
        """Return the partition of a subject's events."""
        ...

    def trail(self, subject_id: str, *, known: bool) -> list[tuple[int, Event]]:
        """Return (seq, event) of a customer id (`known`), or of a device while nobody was known."""
        ...

    def events_of(
        self, profile_id: str, limit: int | None = None, kinds: Collection[str] = ()
    ) -> list[Event]:
        """Return the events of one profile, its linked devices included, newest first.

        `kinds` keeps to these kinds of event; empty means all.
        """
        ...

    def stored_ids(self, message_ids: Iterable[str]) -> set[str]:
        """Return those of the message ids that are in the log already."""
        ...

    def rows_with(self, message_ids: Sequence[str]) -> list[Row]:
        """Return the rows (seq, *COLUMNS) with these message ids, in no order."""
        ...

    def with_decision(self, kind: str, since: int, until: int) -> Iterator[Row]:
        """Yield rows (seq, *COLUMNS) of a kind with a decision id, by time (µs, `until` not in)."""
        ...

    def customer_of(self, anonymous_id: str) -> str | None:
        """Return the customer a device was linked to, or None."""
        ...

    def profile_id_of(self, event: Event) -> str | None:
        """Return the profile an event belongs to by what is known now; None for item-only lines."""
        ...

    def resolve(self, profile_id: str) -> str:
        """Return the profile that any id of a person leads to now: a device's, a stitched one's."""
        ...

    def resolve_many(self, ids: Collection[str]) -> dict[str, str]:
        """Return by id the profile that it leads to now, of all ids at once."""
        ...

    def canonical_of(self, customer_id: str) -> str:
        """Return the id that a customer goes by now, its own where it is stitched to no other."""
        ...

    def restitched(self, after: int) -> tuple[int, dict[str, str]]:
        """Return the number of the last change of identities, and what id each id goes by now.

        Only ids that changed behind `after` are there. A change can be read as soon as the events
        that led to it.
        """
        ...

    def stitches(self) -> tuple[int, list[tuple[str, str, int, int]]]:
        """Return the number of the last change, and (id, canonical id, from µs, to µs) of all."""
        ...

    def merges_of(self, profile_id: str) -> list[Merge]:
        """Return the merges of a profile, of all its ids, undone ones too, by time."""
        ...

    def members_of(self, profile_id: str) -> list[str]:
        """Return all customer ids that go by this one now, itself first."""
        ...

    def undo_merge(self, merge_id: str, at: datetime) -> Merge:
        """Take back a merge for all time; the states follow with the next fold."""
        ...

    def is_erased(self, profile_id: str) -> bool:
        """Return whether the id is that of somebody who was erased."""
        ...

    def admits(self, events: Iterable[Event]) -> list[bool]:
        """Return for each event whether it may be kept: it is not of somebody who was erased."""
        ...

    def erase(self, profile_id: str) -> Plan | None:
        """Remove a person under all their ids; return what else is to be done, None for nobody."""
        ...

    def pending_erasures(self) -> list[Plan]:
        """Return the erasures that were begun and not ended."""
        ...

    def end_erasure(self, plan: Plan) -> None:
        """Forget whom an erasure was about: all of it is done."""
        ...

    def compact(self) -> bool:
        """Write the files of the log anew, without what was removed; False where that failed."""
        ...

    def consumer(self) -> Consumer:
        """Return a new consumer, for a process that folds and does nothing else."""
        ...

    def lag(self) -> list[PartitionLag]:
        """Return how consumers fold each partition; empty where there never was one."""
        ...

    def identities(self) -> list[tuple[str, str, int]]:
        """Return (anonymous_id, customer_id, linked at in µs) of every link, by device."""
        ...

    def items(self) -> Iterator[Item]:
        """Yield the catalogue in item id order."""
        ...

    def summary(self) -> LogSummary:
        """Count what is there."""
        ...

    def close(self) -> None:
        """Close what is open; the log cannot be used afterwards."""
        ...
