"""POST /v1/decide: send what just happened, get what to show; one call, one answer."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from serving.decide import decide
from serving.keys import WRITE
from serving.routes.given import KeyNeeded, Now, TheRuntime, faults, json_response, key_in
from serving.shapes.decide import DecideAnswer, DecideAsked

router = APIRouter(tags=["decide"], dependencies=[Depends(KeyNeeded(WRITE))])


async def _key(request: Request) -> str:
    return key_in(request.headers.get("authorization", ""))


@router.post("/v1/decide", response_model=DecideAnswer, responses=faults(403, 413, 429))
async def record_and_decide(
    asked: DecideAsked, key: Annotated[str, Depends(_key)], runtime: TheRuntime, now: Now
) -> Response:
    """Store the events, count them at once, and decide on lists, action, segments and scores."""
    runtime.rates.charge(key, len(asked.events))
    return json_response(await decide(runtime, asked, runtime.keys.right_of(key), now))
