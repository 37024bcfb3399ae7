"""Placements: what was shown there and what came of it; their rules, changed on record."""

import asyncio
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, Depends, Path, Query
from fastapi.responses import Response

from serving.keys import SECRET
from serving.performance import Asked, list_placements, performance
from serving.routes.given import KeyNeeded, Now, TheRuntime, faults, json_response
from serving.rule_changes import dry_run, put_rule
from serving.shapes import placements as shapes
from serving.shapes.performance import Performance, Placements

router = APIRouter(tags=["placements"], dependencies=[Depends(KeyNeeded(SECRET))])
Name = Annotated[str, Path(min_length=1, max_length=100, examples=["home"])]
By = Annotated[
    str, Query(min_length=1, max_length=100, description="Who makes the change, for the record.")
]
_RULE_BODY = Body(
    description="The whole rule; a part that is left out does nothing.",
    examples=[shapes.EXAMPLE],
)
_DAYS = "How long after its showing a list is credited."


@router.get("/v1/placements", response_model=Placements, responses=faults(403))
async def list_all(runtime: TheRuntime, now: Now) -> Response:
    """Return every placement that ever showed a list."""
    return json_response(await asyncio.to_thread(list_placements, runtime, now))


@router.get(
    "/v1/placements/{name:path}/performance", response_model=Performance, responses=faults(403, 404)
)
async def measure(
    name: Name,
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


@router.get(
    "/v1/placements/{name:path}/history",
    response_model=shapes.PlacementHistory,
    responses=faults(403, 404),
)
async def history(name: Name, runtime: TheRuntime) -> Response:
    """Return every change of a placement's rule: who, when, before and after."""
    return json_response({"name": name, "changes": runtime.placements.changes(name)})


@router.post(
    "/v1/placements/{name:path}/dry-run",
    response_model=shapes.DryRun,
    responses=faults(403, 413),
)
async def try_rule(
    name: Name, asked: shapes.DryRunAsked, runtime: TheRuntime, now: Now
) -> Response:
    """Return the list as it is, the list with a rule, and why items moved; nothing is kept."""
    return json_response(dry_run(runtime, name, asked, now))


@router.get(
    "/v1/placements/{name:path}", response_model=shapes.PlacementAnswer, responses=faults(403, 404)
)
async def read(name: Name, runtime: TheRuntime) -> Response:
    """Return the rule of a placement."""
    return json_response(runtime.placements.get(name).to_plain())


@router.put(
    "/v1/placements/{name:path}", response_model=shapes.PlacementAnswer, responses=faults(403, 413)
)
async def put(
    name: Name,
    rule: Annotated[dict[str, Any], _RULE_BODY],
    runtime: TheRuntime,
    now: Now,
    by: By = "secret key",
) -> Response:
    """Keep a rule for a placement, in place of an older one; it holds from the next request."""
    return json_response(put_rule(runtime, name, rule, by, now))


@router.delete("/v1/placements/{name:path}", status_code=204, responses=faults(403, 404))
async def delete(name: Name, runtime: TheRuntime, now: Now, by: By = "secret key") -> Response:
    """Forget the rule of a placement; its changes stay on record."""
    runtime.placements.delete(name, now, by)
    return Response(status_code=204)
