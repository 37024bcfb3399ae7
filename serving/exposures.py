"""What was shown is an event too: written behind the answer, counted once, never lost in silence.

The identity of an exposure is the decision id of its list, so a call that is repeated counts once.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from domain.catalogue import RECOMMENDATION_SHOWN
from domain.events import MAX_ID_LENGTH, Event, Line
from serving.metrics import Metrics

logger = logging.getLogger(__name__)
CAPACITY = 10_000  # exposures that may wait; more are lost, and counted
_GATHER_SECONDS = 0.05  # what comes within this time is written in one transaction
_AT_ONCE = 20  # an event that comes meanwhile waits for no more than these
FULL, FAILED = "queue_full", "not_stored"

Ids = tuple[str | None, str | None]  # customer, device


def exposure_of(answer: Mapping[str, Any], ids: Ids, now: datetime) -> Event | None:
    """Return the event that says which items a list showed, in order; None for an empty list."""
    shown = [i for i in answer["items"] if len(i["item_id"]) <= MAX_ID_LENGTH]
    if not shown:
        return None
    customer_id, anonymous_id = ids
    return Event(
        message_id=answer["decision_id"],
        kind=RECOMMENDATION_SHOWN,
        at=now,
        received_at=now,
        customer_id=customer_id,
        anonymous_id=None if customer_id else anonymous_id,  # being shown a list links nobody
        lines=tuple(Line(i["item_id"], 1.0, i["price"], i["category"], i["brand"]) for i in shown),
        decision_id=answer["decision_id"],
        properties={
            "placement": answer["placement"],
            "model_versions": answer["model_versions"],
            "fallback": answer["fallback"],
            "propensity": answer["propensity"],
        },
    )


class Exposures:
    """Events that wait to be written after the answer; used from the event loop alone."""

    def __init__(
        self,
        record: Callable[[Sequence[Event]], Awaitable[list[bool]]],
        metrics: Metrics,
        capacity: int = CAPACITY,
    ) -> None:
        self._record = record
        self._counts = metrics.exposures
        self._capacity = capacity
        self._waiting: deque[Event] = deque()
        self._written: list[Event] = []  # those that are being written
        self._writing: asyncio.Task[None] | None = None

    def offer(self, event: Event) -> bool:
        """Take an exposure; when too many wait it is lost, counted as such, and False returned."""
        if len(self._waiting) >= self._capacity:
            self._counts.add(FULL)
            return False
        self._waiting.append(event)
        if self._writing is None or self._writing.done():
            self._writing = asyncio.get_running_loop().create_task(self._write_soon())
        return True

    def waiting_for(self, ids: Collection[str]) -> list[Event]:
        """Return what was shown to one of these ids, and is not in the log yet."""
        waiting = [*self._written, *self._waiting]
        return [e for e in waiting if e.customer_id in ids or e.anonymous_id in ids]

    async def flush(self) -> None:
        """Write everything that waits; it is on disk when this returns."""
        while self._waiting or (self._writing and not self._writing.done()):
            if self._waiting:
                await self._write()
            elif self._writing:
                await self._writing

    async def _write_soon(self) -> None:
        while self._waiting:
            if len(self._waiting) < _AT_ONCE:
                await asyncio.sleep(_GATHER_SECONDS)
            await self._write()

    async def _write(self) -> None:
        """Write the next few in one transaction; a second failure gives them up."""
        batch = [self._waiting.popleft() for _ in range(min(_AT_ONCE, len(self._waiting)))]
        if not batch:
            return
        self._written = batch
        for attempt in (1, 2):
            try:
                new = await self._record(batch)
            except Exception as fault:  # whatever it is, the next exposures have their turn
                logger.error("%d exposures not written, attempt %d: %s", len(batch), attempt, fault)
            else:
                self._counts.add("stored", count=sum(new))
                self._counts.add("duplicate", count=len(new) - sum(new))
                return
        self._counts.add(FAILED, count=len(batch))
