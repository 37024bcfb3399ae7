"""The collector's way of an event: read it, store it durably, say for each what became of it."""

import asyncio
import gzip
import io
import zlib
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import orjson

from domain.errors import InvalidInput, NextbestError, TooLarge
from domain.events import Event
from serving.collector import MAX_EVENT_BYTES, to_event
from serving.errors import body_of

MAX_BATCH_EVENTS = 2_500
STORED, DUPLICATE, REJECTED = "stored", "duplicate", "rejected"


class Recorder(Protocol):
    """Stores events and folds the new ones into the online states."""

    def record(self, events: Sequence[Event]) -> list[bool]:
        """Return for each event whether it was new."""
        ...


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
    """Takes messages in; all writing happens on one thread, so that writers never wait in line."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="intake")

    async def take(
        self, messages: Sequence[Any], received_at: datetime, sent_at: Any = None
    ) -> list[Outcome]:
        """Store what can be read; return one outcome per message, in order."""
        read = [_read(message, received_at, sent_at) for message in messages]
        new = iter(await self.record([event for event in read if isinstance(event, Event)]))
        return [
            Outcome(part.message_id, STORED if next(new) else DUPLICATE)
            if isinstance(part, Event)
            else Outcome(_id_of(message), REJECTED, part)
            for part, message in zip(read, messages, strict=True)
        ]

    async def record(self, events: Sequence[Event]) -> list[bool]:
        """Store events, durable before this returns; say for each whether it was new."""
        if not events:
            return []
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, self._recorder.record, events)

    def close(self) -> None:
        """Finish what is being written."""
        self._thread.shutdown(wait=True)


def _read(message: Any, received_at: datetime, sent_at: Any) -> Event | NextbestError:
    try:
        size = len(orjson.dumps(message))
        if size > MAX_EVENT_BYTES:
            raise TooLarge(f"the event has {size} bytes, more than {MAX_EVENT_BYTES}; shorten it")
        return to_event(message, received_at, sent_at)
    except NextbestError as fault:
        return fault


def _id_of(message: Any) -> str | None:
    found = message.get("messageId") if isinstance(message, Mapping) else None
    return found if isinstance(found, str) else None


def read_json(body: bytes, encoding: str, max_bytes: int) -> dict[str, Any]:
    """Return the JSON object of a body, unpacked if it is gzip."""
    plain = _unpacked(body, max_bytes) if encoding == "gzip" else body
    try:
        found = orjson.loads(plain)
    except orjson.JSONDecodeError as fault:
        raise InvalidInput(f"the body is not valid JSON: {fault}") from fault
    if not isinstance(found, dict):
        raise InvalidInput("the body must be a JSON object")
    return found


def _unpacked(body: bytes, max_bytes: int) -> bytes:
    try:
        with gzip.open(io.BytesIO(body)) as file:
            plain = file.read(max_bytes + 1)
    except (OSError, EOFError, zlib.error) as fault:
        raise InvalidInput(f"the body is not valid gzip: {fault}") from fault
    if len(plain) > max_bytes:
        raise TooLarge(f"the unpacked body is larger than {max_bytes} bytes; send less at once")
    return plain


def messages_of(body: Mapping[str, Any]) -> list[Any]:
    """Return the messages of a batch, or say what is wrong with it as a whole."""
    batch = body.get("batch")
    if not isinstance(batch, list) or not batch:
        raise InvalidInput("'batch' must be a list with at least one event", field="batch")
    if len(batch) > MAX_BATCH_EVENTS:
        raise TooLarge(
            f"the batch has {len(batch)} events, more than {MAX_BATCH_EVENTS}; send it in parts",
            field="batch",
        )
    return batch
