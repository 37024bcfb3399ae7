"""POST /v1/{track, identify, page, screen, group, alias, batch}: events in the Segment spec.

SDKs of the Segment family call the same by other names: `/v1/import` and the first letters
(`/v1/t`, `/v1/b`, ...) those of Segment, `/beacon/v1/batch` RudderStack, `/api/s/...` Jitsu. The
write key comes as `Authorization: Bearer pk_...`, as Basic user name, as `X-Write-Key`, as
`?writeKey=`, or as `writeKey` in the body. The body is JSON whatever its Content-Type says, as
`navigator.sendBeacon` sends it. Unknown fields are kept or ignored, as the spec wants it.
"""

from collections import Counter
from collections.abc import Callable
from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from serving.intake import DUPLICATE, REJECTED, STORED, Outcome
from serving.keys import WRITE
from serving.payload import messages_of, read_json
from serving.routes.given import Now, TheRuntime, check_key, faults, json_response, sent_key
from serving.runtime import Runtime
from serving.shapes import collect as shapes
from serving.signed_ids import HEADER, NAME, Caller, caller_of, take

router = APIRouter(tags=["collect"])
_EXAMPLES = {
    "track": shapes.TRACK,
    "identify": shapes.IDENTIFY,
    "page": shapes.PAGE,
    "screen": shapes.SCREEN,
    "group": shapes.GROUP,
    "alias": shapes.ALIAS,
}
_BATCH_ALIASES = (
    "/v1/import", "/v1/b", "/beacon/v1/batch", "/api/s/batch", "/api/s/s2s/batch",
)  # fmt: skip


async def _read(request: Request, runtime: Runtime) -> tuple[str, dict[str, Any]]:
    """Return the key and the body of a caller who may write; one over its rate is not read."""
    key = sent_key(request)
    if key:
        _admit(runtime, key)
    encoding = request.headers.get("content-encoding", "")
    body = read_json(await request.body(), encoding, runtime.settings.max_body_bytes)
    if not key:
        key = _text_of(body.get("writeKey"))
        _admit(runtime, key)
    return key, body


def _text_of(given: Any) -> str:
    return given.encode(errors="replace").decode() if isinstance(given, str) else ""


def _admit(runtime: Runtime, key: str) -> None:
    check_key(runtime.keys, key, WRITE)
    runtime.rates.charge(key, 0)


def _caller(request: Request, runtime: Runtime, key: str, body: dict[str, Any]) -> Caller:
    return caller_of(runtime, key, request.headers.get(HEADER), body.get(NAME))


async def _one(
    runtime: Runtime, caller: Caller, message: dict[str, Any], now: datetime
) -> Response:
    (outcome,) = await take(runtime, caller, [message], now)
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


async def _take_batch(request: Request, runtime: TheRuntime, now: Now) -> Response:
    """Take up to 2,500 events (500 KB) in; each gets a result of its own."""
    key, body = await _read(request, runtime)
    messages = messages_of(body)
    runtime.rates.charge(key, len(messages))
    caller = _caller(request, runtime, key, body)
    return _batch(runtime, await take(runtime, caller, messages, now, body.get("sentAt")))


def _taking(kind: str) -> Callable[..., Any]:
    """Return the handler of one kind of message."""

    async def collect(request: Request, runtime: TheRuntime, now: Now) -> Response:
        key, body = await _read(request, runtime)
        runtime.rates.charge(key, 1)
        caller = _caller(request, runtime, key, body)
        return await _one(runtime, caller, body | {"type": kind}, now)

    collect.__doc__ = f"Take one {kind} event in (32 KB); it is on disk when the answer comes."
    return collect


def _add(name: str, handler: Callable[..., Any], aliases: tuple[str, ...], **about: Any) -> None:
    """Add a route under its own name, and unlisted under those of other SDKs."""
    router.add_api_route(
        f"/v1/{name}",
        handler,
        methods=["POST"],
        name=name,
        responses=faults(413, 429, 503),
        **about,
    )
    for path in aliases:
        router.add_api_route(path, handler, methods=["POST"], include_in_schema=False)


_add(
    "batch", _take_batch, _BATCH_ALIASES,
    response_model=shapes.BatchTaken, openapi_extra=shapes.request_body(shapes.BATCH),
)  # fmt: skip
for _kind, _example in _EXAMPLES.items():
    _add(
        _kind, _taking(_kind), (f"/v1/{_kind[0]}", f"/api/s/{_kind}", f"/api/s/s2s/{_kind}"),
        response_model=shapes.Taken, openapi_extra=shapes.request_body(_example),
    )  # fmt: skip
