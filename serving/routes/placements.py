"""GET /v1/placements and /v1/placements/{name}/performance: what was shown, and what came of it."""

import asyncio
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query
from fastapi.responses import Response

from serving.keys import SECRET
from serving.performance import Asked, list_placements, performance
from serving.routes.given import KeyNeeded, Now, TheRuntime, faults, json_response
from serving.shapes.performance import Performance, Placements

router = APIRouter(tags=["placements"], dependencies=[Depends(KeyNeeded(SECRET))])
_DAYS = "How long after its showing a list is credited."


@router.get("/v1/placements", response_model=Placements, responses=faults(403))
async def list_all(runtime: TheRuntime, now: Now) -> Response:
    """Return every placement that ever showed a list."""
    return json_response(await asyncio.to_thread(list_placements, runtime, now))


@router.get(
    "/v1/placements/{name:path}/performance", response_model=Performance, responses=faults(403, 404)
)
async def measure(
    name: Annotated[str, Path(max_length=100, examples=["home"])],
    runtime: TheRuntime,
    now: Now,
    since: Annotated[str | None, Query(alias="from", description="Default: 30 days ago.")] = None,
    until: Annotated[str | None, Query(alias="to", description="Default: now.")] = None,
    days: Annotated[float, Query(gt=0, le=365, description=_DAYS)] = 7.0,
    rule: Annotated[Literal["carried", "profile"], Query(description="Who gets credit.")] = (
        "carried"
    ),
) -> Response:
    """Return exposures, clicks, purchases and revenue of one placement, by model version."""
    asked = Asked(name, since, until, days, rule)
    return json_response(await asyncio.to_thread(performance, runtime, asked, now))
