"""POST /v1/lookalikes: more customers like these."""

import asyncio

from fastapi import APIRouter, Depends
from fastapi.responses import Response

from serving.grouping import lookalikes
from serving.keys import SECRET
from serving.routes.given import KeyNeeded, TheRuntime, faults, json_response
from serving.shapes.segments import LookalikesAnswer, LookalikesAsked

router = APIRouter(tags=["segments"], dependencies=[Depends(KeyNeeded(SECRET))])


@router.post(
    "/v1/lookalikes", response_model=LookalikesAnswer, responses=faults(403, 404, 409, 413)
)
async def find(asked: LookalikesAsked, runtime: TheRuntime) -> Response:
    """Return the customers whose behaviour is nearest to that of the seed."""
    return json_response(await asyncio.to_thread(lookalikes, runtime, asked))
