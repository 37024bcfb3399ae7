"""GET /v1/profiles/{id}: one profile with traits, behaviour, scores, segments and last events."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query
from fastapi.responses import Response

from serving.keys import SECRET
from serving.portrait import portrait
from serving.routes.given import KeyNeeded, Now, TheRuntime, faults, json_response
from serving.shapes.profiles import ProfileAnswer

router = APIRouter(tags=["profiles"], dependencies=[Depends(KeyNeeded(SECRET))])


@router.get("/v1/profiles/{profile_id}", response_model=ProfileAnswer, responses=faults(403, 404))
async def profile(
    profile_id: Annotated[str, Path(max_length=256, examples=["c-1001"])],
    runtime: TheRuntime,
    now: Now,
    events: Annotated[int, Query(ge=0, le=500, description="How many of the last events.")] = 20,
) -> Response:
    """Return everything known of one profile at this moment."""
    return json_response(portrait(runtime, profile_id, events, now))
