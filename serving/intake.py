"""The collector's way of an event: read it, store it durably, say for each what became of it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from domain.errors import Erased, NextbestError, StoreUnavailable
from domain.events import Event
from serving.collector import to_event
from serving.errors import body_of
from serving.group_commit import GroupCommit, Recorder
from serving.instants import instant
from serving.payload import fault_in

STORED, DUPLICATE, REJECTED = "stored", "duplicate", "rejected"
MAX_WAITING_EVENTS = 20_000
Read = Event | NextbestError


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one message."""

    message_id: str | None
    status: str  # STORED, DUPLICATE or REJECTED
    fault: NextbestError | None = None

    def to_plain(self) -> dict[str, Any]:
        """Return the outcome as it goes over the wire."""
        plain: dict[str, Any] = {"messageId": self.message_id, "status": self.status}
        return plain if self.fault is None else plain | body_of(self.fault)


class Intake:
    """Takes messages in; one writer stores those of all requests together."""

    def __init__(
        self,
        recorder: Recorder,
        max_waiting_events: int = MAX_WAITING_EVENTS,
        admits: Callable[[Sequence[Event]], Sequence[bool]] | None = None,
    ) -> None:
        """`admits` says for each event whether it may be kept; without it all may."""
        self._commits = GroupCommit(recorder, max_waiting_events)
        self._admits = admits

    def read(
        self, messages: Sequence[Any], received_at: datetime, sent_at: Any = None
    ) -> list[Read]:
        """Return for each message its event, or why it is not taken in.

        `sent_at` is that of the whole batch, ISO 8601; if it is none, nothing is taken.
        """
        read = read_messages(messages, received_at, sent_at)
        events = events_in(read)
        may = iter(self._admitted(events))
        return [part if not isinstance(part, Event) or next(may) else _erased() for part in read]

    def _admitted(self, events: Sequence[Event]) -> Sequence[bool]:
        """Return which events may be kept; the log asks that again when it stores them."""
        try:
            return self._admits(events) if self._admits and events else [True] * len(events)
        except StoreUnavailable:  # what cannot be written either is told as such
            return [True] * len(events)

    async def record(self, events: Sequence[Event]) -> list[bool]:
        """Store events, durable before this returns; say for each whether it was new."""
        return await self._commits.record(events)

    def close(self) -> None:
        """Finish what is being written."""
        self._commits.close()


def read_messages(
    messages: Sequence[Any], received_at: datetime, sent_at: Any = None
) -> list[Read]:
    """Return for each message its event, or what is wrong with it."""
    sent = instant(sent_at, "sentAt")
    return [_read(message, received_at, sent) for message in messages]


def _erased() -> Erased:
    return Erased("this person was erased, so nothing more is kept of them", field="userId")


def events_in(read: Sequence[Read]) -> list[Event]:
    """Return the events among what was read."""
    return [part for part in read if isinstance(part, Event)]


def outcomes_of(
    messages: Sequence[Any], read: Sequence[Read], new: Sequence[bool]
) -> list[Outcome]:
    """Return one outcome per message; `new` says for each event whether it was new."""
    is_new = iter(new)
    return [
        Outcome(part.message_id, STORED if next(is_new) else DUPLICATE)
        if isinstance(part, Event)
        else Outcome(_id_of(message), REJECTED, part)
        for part, message in zip(read, messages, strict=True)
    ]


def _read(message: Any, received_at: datetime, sent_at: datetime | None) -> Read:
    try:
        return fault_in(message) or to_event(message, received_at, sent_at)
    except NextbestError as fault:
        return fault


def _id_of(message: Any) -> str | None:
    found = message.get("messageId") if isinstance(message, Mapping) else None
    return found if isinstance(found, str) and len(found) <= 1_000 and found.isprintable() else None
