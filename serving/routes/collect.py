"""POST /v1/{track, identify, page, screen, group, alias, batch}: events in the Segment spec.

The write key comes as `Authorization: Bearer pk_...`, as Basic user name, or as `writeKey` in the
body. Unknown fields are kept or ignored, as the spec wants it.
"""

from collections import Counter
from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from serving.intake import DUPLICATE, REJECTED, STORED, Outcome, messages_of, read_json
from serving.keys import WRITE
from serving.routes.given import Now, TheRuntime, check_key, faults, json_response, key_in
from serving.runtime import Runtime
from serving.shapes import collect as shapes

router = APIRouter(tags=["collect"])
_EXAMPLES = {
    "track": shapes.TRACK,
    "identify": shapes.IDENTIFY,
    "page": shapes.PAGE,
    "screen": shapes.SCREEN,
    "group": shapes.GROUP,
    "alias": shapes.ALIAS,
}


async def _read(request: Request, runtime: Runtime) -> dict[str, Any]:
    """Return the body of a caller who may write."""
    header = request.headers.get("authorization", "")
    if header:
        check_key(runtime.keys, key_in(header), WRITE)
    encoding = request.headers.get("content-encoding", "")
    body = read_json(await request.body(), encoding, runtime.settings.max_body_bytes)
    if not header:
        check_key(runtime.keys, str(body.get("writeKey") or ""), WRITE)
    return body


async def _one(runtime: Runtime, message: dict[str, Any], now: datetime) -> Response:
    (outcome,) = await runtime.intake.take([message], now)
    runtime.metrics.events.add(outcome.status)
    if outcome.fault is not None:
        raise outcome.fault
    return json_response({"success": True} | outcome.to_plain())


def _batch(runtime: Runtime, outcomes: list[Outcome]) -> Response:
    counts = Counter(outcome.status for outcome in outcomes)
    for status, count in counts.items():
        runtime.metrics.events.add(status, count=count)
    body = {"success": not counts[REJECTED]} | {s: counts[s] for s in (STORED, DUPLICATE, REJECTED)}
    return json_response(body | {"results": [outcome.to_plain() for outcome in outcomes]})


@router.post(
    "/v1/batch",
    response_model=shapes.BatchTaken,
    responses=faults(413),
    openapi_extra=shapes.request_body(shapes.BATCH),
)
async def batch(request: Request, runtime: TheRuntime, now: Now) -> Response:
    """Take up to 2,500 events (500 KB) in; each gets a result of its own."""
    body = await _read(request, runtime)
    outcomes = await runtime.intake.take(messages_of(body), now, body.get("sentAt"))
    return _batch(runtime, outcomes)


def _add(kind: str) -> None:
    """Add the route of one kind of message."""

    async def collect(request: Request, runtime: TheRuntime, now: Now) -> Response:
        body = await _read(request, runtime)
        return await _one(runtime, body | {"type": kind}, now)

    collect.__doc__ = f"Take one {kind} event in (32 KB); it is on disk when the answer comes."
    router.add_api_route(
        f"/v1/{kind}",
        collect,
        methods=["POST"],
        name=kind,
        response_model=shapes.Taken,
        responses=faults(413),
        openapi_extra=shapes.request_body(_EXAMPLES[kind]),
    )


for _kind in _EXAMPLES:
    _add(_kind)
