"""Segments: create, list, read, delete, try a rule, and fetch the members."""

import asyncio
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query
from fastapi.responses import Response, StreamingResponse

from serving import grouping
from serving.keys import SECRET
from serving.routes.given import KeyNeeded, Now, TheRuntime, faults, json_response
from serving.shapes import segments as shapes

router = APIRouter(tags=["segments"], dependencies=[Depends(KeyNeeded(SECRET))])

Form = Annotated[Literal["native", "jquery"], Query(description="Shape of the rule in the answer.")]
Key = Annotated[str, Path(max_length=60, examples=["likely-to-churn"])]


@router.post(
    "/v1/segments",
    status_code=201,
    response_model=shapes.SegmentAnswer,
    responses=faults(403, 409, 413),
)
async def create(asked: shapes.SegmentAsked, runtime: TheRuntime, now: Now) -> Response:
    """Keep a new segment."""
    return json_response(grouping.create(runtime, asked, now), 201)


@router.get("/v1/segments", response_model=shapes.SegmentList, responses=faults(403))
async def list_all(runtime: TheRuntime, now: Now, format: Form = "native") -> Response:
    """Return all segments with how many are in them now."""
    return json_response(await asyncio.to_thread(grouping.list_all, runtime, format, now))


@router.post(
    "/v1/segments/preview", response_model=shapes.PreviewAnswer, responses=faults(403, 413)
)
async def preview(asked: shapes.PreviewAsked, runtime: TheRuntime) -> Response:
    """Try a rule on the profiles of the release: how many, which share of all, and some of them."""
    return json_response(await asyncio.to_thread(grouping.preview, runtime, asked))


@router.get("/v1/segments/{key}", response_model=shapes.SegmentAnswer, responses=faults(403, 404))
async def read(key: Key, runtime: TheRuntime, format: Form = "native") -> Response:
    """Return one segment."""
    return json_response(grouping.show(runtime, key, format))


@router.delete("/v1/segments/{key}", status_code=204, responses=faults(403, 404))
async def delete(key: Key, runtime: TheRuntime) -> Response:
    """Forget a segment."""
    runtime.segments.delete(key)
    return Response(status_code=204)


@router.get(
    "/v1/segments/{key}/members",
    response_model=shapes.MembersAnswer,
    responses=faults(403, 404) | {200: {"content": {"text/csv": {}}, "description": "Members."}},
)
async def members(
    key: Key,
    runtime: TheRuntime,
    now: Now,
    limit: Annotated[int, Query(ge=1, le=1000, description="Members of one page.")] = 100,
    after: Annotated[str | None, Query(max_length=256, description="`next` of a page.")] = None,
    format: Annotated[Literal["json", "csv"], Query(description="csv gives all at once.")] = "json",
) -> Response:
    """Return who is in it now, page by page as JSON, or all of them as CSV."""
    if format == "csv":
        lines, headers = await asyncio.to_thread(grouping.members_csv, runtime, key, now)
        return StreamingResponse(lines, media_type="text/csv", headers=headers)
    page = await asyncio.to_thread(grouping.members, runtime, key, limit, after, now)
    return json_response(page)
