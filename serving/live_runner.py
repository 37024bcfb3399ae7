"""The background work of live segments: one task asks the rules, another sends the messages."""

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime

from feature_repo.stream import Change
from serving.deliveries import Deliverer
from serving.live_segments import LiveSegments

logger = logging.getLogger(__name__)
_GATHER_SECONDS = 0.01  # events that come close together are asked about at once
_RESTS = 2  # times as long as a step and the requests were in each other's way
_AFTER_FAULT_SECONDS = 1.0


class Wake:
    """Wakes the task that waits, from any thread; made before there is an event loop."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._event = asyncio.Event()

    def __call__(self, changes: Sequence[Change] = ()) -> None:
        """Take note that something is new."""
        with self._lock, contextlib.suppress(RuntimeError):  # the loop may be closing
            if self._loop is not None:
                self._loop.call_soon_threadsafe(self._event.set)

    def bind(self) -> None:
        """Wake what waits in the running loop from now on."""
        with self._lock:
            self._loop = asyncio.get_running_loop()

    async def wait(self, seconds: float) -> None:
        """Return when woken, or after some seconds."""
        # Not wait_for: before Python 3.12 it can lose a cancellation that comes with the event.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._event.wait()
        self._event.clear()


class LiveRunner:
    """Runs the live segments and the deliveries of one worker until it is stopped."""

    def __init__(
        self, live: LiveSegments, deliverer: Deliverer, wake: Wake, poll_seconds: float
    ) -> None:
        self.live, self.deliverer = live, deliverer
        self._wake, self._poll = wake, poll_seconds
        self._to_send = Wake()
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin, inside the running loop."""
        self._wake.bind()
        self._to_send.bind()
        self._tasks = [asyncio.create_task(self._ask()), asyncio.create_task(self._send())]

    async def stop(self) -> None:
        """End; what is under way is finished or left for the next start."""
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task
        await self.deliverer.close()
        await asyncio.to_thread(self.live.close)

    async def _ask(self) -> None:
        while True:
            more, rest = await self._step()
            self._to_send()
            if not more:
                await self._wake.wait(self._poll)
            await asyncio.sleep(rest if more else max(rest, _GATHER_SECONDS))

    async def _step(self) -> tuple[bool, float]:
        stepping = asyncio.ensure_future(asyncio.to_thread(self._timed_step))
        try:
            return await asyncio.shield(stepping)
        except asyncio.CancelledError:
            await asyncio.wait([stepping])  # the files must not be closed under it
            raise
        except Exception:  # the live segments must outlive any one failure
            logger.exception("live segments: a step failed; trying again")
            await asyncio.sleep(_AFTER_FAULT_SECONDS)
            return False, 0.0

    def _timed_step(self) -> tuple[bool, float]:
        """Do a step; return whether there is more, and how long to rest for the sake of others.

        What the other threads of this process computed meanwhile, they computed between its turns.
        """
        process, thread = time.process_time(), time.thread_time()
        more = self.live.step(datetime.now(UTC))
        computed = time.thread_time() - thread
        others = time.process_time() - process - computed
        return more, _RESTS * min(computed, others)

    async def _send(self) -> None:
        """Send while this worker is the one that asks the rules."""
        while True:
            wait: float | None = None
            try:
                if self.live.is_leading():
                    wait = await self.deliverer.look(datetime.now(UTC))
            except Exception:  # so must the deliveries
                logger.exception("webhooks: looking for messages failed; trying again")
            await self._to_send.wait(min(self._poll, wait or self._poll))
