"""Group commit: what many requests ask to be written while one commit runs, the next one stores."""

import asyncio
import logging
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

from domain.errors import Overloaded, StoreUnavailable
from domain.events import Event

logger = logging.getLogger(__name__)
MAX_COMMIT_EVENTS = 1_000  # so that nobody waits long for the neighbours of one commit
_Result = list[bool] | Exception


class Recorder(Protocol):
    """Stores events and folds the new ones into the online states."""

    def record(self, events: Sequence[Event]) -> list[bool]:
        """Return for each event whether it was new; all are stored, or none."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class _Asked:
    """The events of one request, and where it waits for its answer."""

    events: Sequence[Event]
    answer: "asyncio.Future[list[bool]]"


class GroupCommit:
    """Writes for many requests at once, on one thread, so that one sync to disk serves them all."""

    def __init__(self, recorder: Recorder, max_waiting_events: int) -> None:
        self._recorder = recorder
        self._max_waiting_events = max_waiting_events
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="intake")
        self._waiting: deque[_Asked] = deque()
        self._waiting_events = 0
        self._writer: asyncio.Task[None] | None = None

    async def record(self, events: Sequence[Event]) -> list[bool]:
        """Store events, durable before this returns; say for each whether it was new.

        Raises Overloaded when more is waiting to be written than may wait.
        """
        if not events:
            return []
        self._check_room(len(events))
        loop = asyncio.get_running_loop()
        asked = _Asked(events, loop.create_future())
        self._waiting.append(asked)
        self._waiting_events += len(events)
        if self._writer is None or self._writer.done():
            self._writer = loop.create_task(self._write())
        return await asked.answer

    def close(self) -> None:
        """Finish what is being written."""
        self._thread.shutdown(wait=True)

    def _check_room(self, count: int) -> None:
        if self._waiting and self._waiting_events + count > self._max_waiting_events:
            raise Overloaded(
                f"{self._waiting_events} events wait to be written; send this again in a second",
                retry_after_seconds=1,
            )

    async def _write(self) -> None:
        """Store group after group until nobody waits."""
        loop = asyncio.get_running_loop()
        while self._waiting:
            group = self._next_group()
            try:
                found = await loop.run_in_executor(self._thread, self._commit, group)
            except RuntimeError as fault:  # the thread has ended: the service is closing
                found = [fault] * len(group)
            for asked, result in zip(group, found, strict=True):
                _answer(asked, result)

    def _next_group(self) -> list[_Asked]:
        """Take the first request, and more while they fit into one commit."""
        group = [self._waiting.popleft()]
        count = len(group[0].events)
        while self._waiting and count + len(self._waiting[0].events) <= MAX_COMMIT_EVENTS:
            group.append(self._waiting.popleft())
            count += len(group[-1].events)
        self._waiting_events -= count
        return group

    def _commit(self, group: list[_Asked]) -> list[_Result]:
        """Store a group in one transaction; if that fails, each request stands for itself."""
        try:
            new = iter(self._recorder.record([e for asked in group for e in asked.events]))
            return [list(islice(new, len(asked.events))) for asked in group]
        except Exception as fault:  # whatever it is, it belongs to one request, not to all
            if len(group) == 1 or isinstance(fault, StoreUnavailable):
                return [fault] * len(group)  # a store that is away or full takes none of them
            logger.warning("a commit of %d requests failed, so each goes alone: %r",
                           len(group), fault)  # fmt: skip
            return [result for asked in group for result in self._commit([asked])]


def _answer(asked: _Asked, result: _Result) -> None:
    """Give a request its result, unless its client has gone."""
    if asked.answer.done():
        return
    if isinstance(result, Exception):
        asked.answer.set_exception(result)
    else:
        asked.answer.set_result(result)
