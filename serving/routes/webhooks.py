"""Webhooks: create, list, delete, test, see what was given up; and the journal of a segment."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query
from fastapi.responses import Response

from serving import webhooks
from serving.keys import SECRET
from serving.routes.given import KeyNeeded, Now, TheRuntime, faults, json_response
from serving.shapes import webhooks as shapes

router = APIRouter(tags=["segments"], dependencies=[Depends(KeyNeeded(SECRET))])

Id = Annotated[str, Path(max_length=60, examples=["wh_5f0c2d7a91b34e68"])]
Key = Annotated[str, Path(max_length=60, examples=["likely-to-churn"])]
After = Annotated[int, Query(ge=0, le=2**62, description="`next` of a page, or the last `seq`.")]
Limit = Annotated[int, Query(ge=1, le=1000, description="How many of one page.")]


@router.post(
    "/v1/webhooks",
    status_code=201,
    response_model=shapes.MadeWebhook,
    responses=faults(403, 404, 413),
)
async def create(asked: shapes.WebhookAsked, runtime: TheRuntime, now: Now) -> Response:
    """Keep a new webhook; the secret is shown in this answer alone."""
    return json_response(await webhooks.create(runtime, asked, now), 201)


@router.get("/v1/webhooks", response_model=shapes.WebhookList, responses=faults(403))
async def list_all(runtime: TheRuntime) -> Response:
    """Return all webhooks with what waits for them."""
    return json_response(await asyncio.to_thread(webhooks.list_all, runtime))


@router.delete("/v1/webhooks/{id}", status_code=204, responses=faults(403, 404))
async def delete(id: Id, runtime: TheRuntime) -> Response:
    """Forget a webhook and what waits for it."""
    await asyncio.to_thread(runtime.live.outbox.delete, id)
    return Response(status_code=204)


@router.post("/v1/webhooks/{id}/ping", response_model=shapes.PingAnswer, responses=faults(403, 404))
async def ping(id: Id, runtime: TheRuntime, now: Now) -> Response:
    """Send a signed test message at once."""
    return json_response(await webhooks.ping(runtime, id, now))


@router.get("/v1/webhooks/{id}/dead", response_model=shapes.DeadList, responses=faults(403, 404))
async def dead(id: Id, runtime: TheRuntime, after: After = 0, limit: Limit = 100) -> Response:
    """Return the messages that were given up, oldest first."""
    return json_response(await asyncio.to_thread(webhooks.dead, runtime, id, after, limit))


@router.get(
    "/v1/segments/{key}/changes", response_model=shapes.ChangesAnswer, responses=faults(403, 404)
)
async def changes(key: Key, runtime: TheRuntime, after: After = 0, limit: Limit = 100) -> Response:
    """Return who entered and left a segment, oldest first."""
    return json_response(await asyncio.to_thread(webhooks.changes, runtime, key, after, limit))
