"""GET /v1/recommendations/explain: why this item, and why not that one."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response

from serving import listing
from serving.keys import SECRET
from serving.routes.given import KeyNeeded, Now, TheRuntime, faults, json_response
from serving.shapes.explain import ExplainAsked, Explanation

router = APIRouter(tags=["lists"], dependencies=[Depends(KeyNeeded(SECRET))])


@router.get("/v1/recommendations/explain", response_model=Explanation, responses=faults(403))
async def explain(
    asked: Annotated[ExplainAsked, Query()], runtime: TheRuntime, now: Now
) -> Response:
    """Return why an item is in the list that a visitor would get now, or why it is not."""
    return json_response(listing.explanation(runtime, asked.list_asked(), asked.item_id, now))
