"""From a request about webhooks or changes of segments to its answer."""

import asyncio
import time
from datetime import datetime
from typing import Any

from serving.outbox import Webhook
from serving.runtime import Runtime
from serving.shapes.webhooks import WebhookAsked
from serving.webhook_urls import check_target


async def create(runtime: Runtime, asked: WebhookAsked, now: datetime) -> dict[str, Any]:
    """Keep a new webhook; this answer alone shows its secret."""
    for key in asked.segments:
        runtime.segments.get(key)
    await check_target(asked.url, runtime.live.deliverer.private)
    made = await asyncio.to_thread(runtime.live.outbox.add, asked.url, asked.segments, now)
    return _shown(made) | {"secret": made.secret}


def list_all(runtime: Runtime) -> dict[str, Any]:
    """Return all webhooks with what waits for them."""
    outbox = runtime.live.outbox
    return {"webhooks": [_shown(hook) | outbox.counts(hook.id) for hook in outbox.all()]}


def dead(runtime: Runtime, webhook_id: str, after: int, limit: int) -> dict[str, Any]:
    """Return one page of the messages that were given up."""
    found = runtime.live.outbox.dead(webhook_id, after, limit + 1)
    more = len(found) > limit
    return {"messages": found[:limit], "next": found[limit - 1]["seq"] if more else None}


async def ping(runtime: Runtime, webhook_id: str, now: datetime) -> dict[str, Any]:
    """Send a test message at once and say how it went."""
    hook = await asyncio.to_thread(runtime.live.outbox.get, webhook_id)
    started = time.perf_counter()
    error = await runtime.live.deliverer.ping(hook, now)
    took = time.perf_counter() - started
    return {"delivered": error is None, "error": error, "seconds": round(took, 3)}


def changes(runtime: Runtime, key: str, after: int, limit: int) -> dict[str, Any]:
    """Return one page of who entered and left a segment."""
    runtime.segments.get(key)
    found, more = runtime.live.membership.changes(key, after, limit)
    return {"key": key, "changes": found, "next": found[-1]["seq"] if more else None}


def _shown(hook: Webhook) -> dict[str, Any]:
    return {
        "id": hook.id, "url": hook.url, "segments": list(hook.segments),
        "created_at": hook.created_at.isoformat(),
    }  # fmt: skip
