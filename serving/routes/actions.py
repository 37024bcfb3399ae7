"""POST /v1/next-best-action: what to do for one customer, or silence."""

from fastapi import APIRouter, Depends
from fastapi.responses import Response

from serving.deciding import next_best_action
from serving.keys import SECRET
from serving.routes.given import KeyNeeded, Now, TheRuntime, faults, json_response
from serving.shapes.actions import ActionAnswer, ActionAsked

router = APIRouter(tags=["actions"], dependencies=[Depends(KeyNeeded(SECRET))])


@router.post("/v1/next-best-action", response_model=ActionAnswer, responses=faults(403, 413))
async def choose(asked: ActionAsked, runtime: TheRuntime, now: Now) -> Response:
    """Return the action that is expected to bring most among those the customer agreed to."""
    return json_response(await next_best_action(runtime, asked, now))
