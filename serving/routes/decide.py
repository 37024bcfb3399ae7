"""POST /v1/decide: send what just happened, get what to show; one call, one answer."""

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from serving.decide import decide
from serving.keys import WRITE
from serving.routes.given import (
    KeyNeeded,
    Now,
    TheCaller,
    TheRuntime,
    faults,
    json_response,
    key_in,
)
from serving.shapes.decide import DecideAnswer, DecideAsked

router = APIRouter(tags=["decide"], dependencies=[Depends(KeyNeeded(WRITE))])


@router.post("/v1/decide", response_model=DecideAnswer, responses=faults(403, 413, 429))
async def record_and_decide(
    asked: DecideAsked, request: Request, caller: TheCaller, runtime: TheRuntime, now: Now
) -> Response:
    """Store the events, count them at once, and decide on lists, action, segments and scores."""
    runtime.rates.charge(key_in(request.headers["authorization"]), len(asked.events))
    return json_response(await decide(runtime, asked, caller, now))
