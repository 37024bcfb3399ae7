"""Sends messages to webhooks: in order for each, side by side for all, again until they arrive."""

import asyncio
import hashlib
import hmac
import logging
import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import httpx

from domain.errors import InvalidInput
from serving.metrics import Counts
from serving.outbox import Delivery, Outbox, Webhook
from serving.webhook_urls import target_of

logger = logging.getLogger(__name__)
SIGNATURE = "X-Nextbest-Signature"
DELIVERY = "X-Nextbest-Delivery"
_HEALTHY, _FAILING = 32, 8  # destinations that are sent to at once; failing ones apart
_LONGEST_WAIT = 3_600.0
_AT_ONCE = 50  # messages of one destination before it is looked at anew


@dataclass(frozen=True, slots=True)
class Patience:
    """How long one attempt may take, how long to wait for the next, and when to give up."""

    private: str  # on, off or loopback: which addresses inside the network are allowed
    timeout_seconds: float = 10.0
    first_wait_seconds: float = 5.0
    max_age: timedelta = timedelta(hours=24)


def sign(secret: str, at: int, body: bytes) -> str:
    """Return the signature header: HMAC-SHA256 over the time, a point and the body."""
    code = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={code}"


class Deliverer:
    """One queue and one task per destination, so that a dead one slows no other."""

    def __init__(self, outbox: Outbox, patience: Patience, counts: Counts) -> None:
        self._outbox, self._patience, self._counts = outbox, patience, counts
        self._client: httpx.AsyncClient | None = None
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._healthy, self._failing = asyncio.Semaphore(_HEALTHY), asyncio.Semaphore(_FAILING)
        self._random = random.Random()

    @property
    def private(self) -> str:
        """Which addresses inside the network are allowed: on, off or loopback."""
        return self._patience.private

    async def look(self, now: datetime) -> float | None:
        """Start what may be sent now; return the seconds until more may be, None for never."""
        heads = await asyncio.to_thread(self._outbox.heads)
        free = {
            hook_id: self._seconds_left(head, now)
            for hook_id, head in heads.items()
            if not self._is_running(hook_id)
        }
        for hook_id, left in free.items():
            if not left:
                self._tasks[hook_id] = asyncio.create_task(self._drain(hook_id))
        return min((left for left in free.values() if left), default=None)

    async def ping(self, hook: Webhook, now: datetime) -> str | None:
        """Send a test message once; return what went wrong, or None."""
        body = b'{"op":"ping","at":"%s"}' % now.isoformat().encode()
        return await self._post(hook, f"ping_{int(now.timestamp())}", body)

    async def settle(self) -> None:
        """Return when no message is being sent."""
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def close(self) -> None:
        """End all sending; what has not arrived stays in the outbox."""
        for task in self._tasks.values():
            task.cancel()
        await self.settle()
        if self._client is not None:
            await self._client.aclose()

    def _is_running(self, hook_id: str) -> bool:
        return hook_id in self._tasks and not self._tasks[hook_id].done()

    async def _drain(self, hook_id: str) -> None:
        """Send the messages of one destination in order, until one must wait."""
        try:
            hook = await asyncio.to_thread(self._outbox.get, hook_id)
            for _ in range(_AT_ONCE):
                delivery = await asyncio.to_thread(self._outbox.first, hook_id)
                if delivery is None or self._seconds_left(delivery, datetime.now(UTC)):
                    return
                async with self._failing if delivery.attempts else self._healthy:
                    error = await self._post(hook, delivery.id, delivery.body.encode())
                await asyncio.to_thread(self._note, delivery, error, datetime.now(UTC))
        except Exception:  # a destination must not end the others
            logger.exception("webhook %s: sending failed", hook_id)

    def _note(self, delivery: Delivery, error: str | None, now: datetime) -> None:
        """Keep what became of an attempt."""
        if error is None:
            self._outbox.delivered(delivery)
            self._counts.add("delivered")
        elif now - delivery.created_at >= self._patience.max_age:
            self._outbox.give_up(delivery, now, error)
            self._counts.add("dead")
        else:
            self._outbox.put_off(delivery, now + self._wait(delivery.attempts), error)
            self._counts.add("failed")

    def _wait(self, attempts: int) -> timedelta:
        """Return the wait: twice as long each time, up to an hour, less up to a half by chance."""
        return timedelta(seconds=self._longest_wait(attempts) * self._random.uniform(0.5, 1.0))

    def _longest_wait(self, attempts: int) -> float:
        return min(self._patience.first_wait_seconds * 2.0 ** min(attempts, 20), _LONGEST_WAIT)

    def _seconds_left(self, delivery: Delivery, now: datetime) -> float:
        """Return how long a message must still wait.

        One that should wait longer than was ever planned, was planned before the clock was set
        back, and waits no more.
        """
        left = (delivery.next_at - now).total_seconds()
        longest = self._longest_wait(delivery.attempts - 1) if delivery.attempts else 0.0
        return left if 0 < left <= longest else 0.0

    async def _post(self, hook: Webhook, delivery_id: str, body: bytes) -> str | None:
        """Send once; return what went wrong, or None for an answer of 2xx."""
        try:
            async with asyncio.timeout(self._patience.timeout_seconds):
                status = await self._status_of(hook, delivery_id, body)
        except TimeoutError:
            return f"no answer within {self._patience.timeout_seconds:g} s"
        except InvalidInput as fault:
            return fault.message
        except (httpx.HTTPError, OSError) as fault:
            return f"{type(fault).__name__}: {fault}"[:500]
        return None if 200 <= status < 300 else f"status {status}"

    async def _status_of(self, hook: Webhook, delivery_id: str, body: bytes) -> int:
        target = await target_of(hook.url, self._patience.private)
        headers = {
            "Host": target.host_header,
            "Content-Type": "application/json",
            "User-Agent": "Nextbest-Webhook/1",
            DELIVERY: delivery_id,
            SIGNATURE: sign(hook.secret, int(datetime.now(UTC).timestamp()), body),
        }
        request = self._http().stream(
            "POST", target.url, content=body, headers=headers,
            extensions={"sni_hostname": target.name},
        )  # fmt: skip
        async with request as answer:  # its body is of no interest and is not read
            return answer.status_code

    def _http(self) -> httpx.AsyncClient:
        """Return the client, made when first needed: no proxies, no redirects."""
        if self._client is None:
            self._client = httpx.AsyncClient(
                trust_env=False, follow_redirects=False, timeout=self._patience.timeout_seconds
            )
        return self._client
