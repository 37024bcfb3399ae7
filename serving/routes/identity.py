"""Who a profile is, everything held of it, and its erasure; all of it needs the secret key."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Depends, Path
from fastapi.responses import Response

from serving import erasure, identities
from serving.keys import SECRET
from serving.routes.given import KeyNeeded, Now, TheRuntime, faults, json_response
from serving.shapes.identity import ErasedAnswer, ExportAnswer, MergesAnswer, UndoneAnswer

router = APIRouter(tags=["profiles"], dependencies=[Depends(KeyNeeded(SECRET))])
ProfileId = Annotated[str, Path(max_length=256, examples=["c-1001"])]


@router.get(
    "/v1/profiles/{profile_id}/merges",
    response_model=MergesAnswer,
    responses=faults(403, 404),
)
async def merges(profile_id: ProfileId, runtime: TheRuntime) -> Response:
    """Return the ids that are one person with this one, and what joined them."""
    return json_response(await asyncio.to_thread(identities.merges_of, runtime, profile_id))


@router.post(
    "/v1/profiles/{profile_id}/merges/{merge_id}/undo",
    response_model=UndoneAnswer,
    responses=faults(403, 404, 409),
)
async def undo(
    profile_id: ProfileId,
    merge_id: Annotated[str, Path(max_length=64)],
    runtime: TheRuntime,
    now: Now,
) -> Response:
    """Take a merge back: for all time, the later id is rid of what joined it."""
    undone = await asyncio.to_thread(identities.undo_merge, runtime, profile_id, merge_id, now)
    return json_response(undone)


@router.get(
    "/v1/profiles/{profile_id}/export",
    response_model=ExportAnswer,
    responses=faults(403, 404),
)
async def export(profile_id: ProfileId, runtime: TheRuntime, now: Now) -> Response:
    """Return everything that is held of a person, under all their ids."""
    held = await asyncio.to_thread(erasure.export_person, runtime, profile_id, now)
    return json_response(held)


@router.delete(
    "/v1/profiles/{profile_id}",
    response_model=ErasedAnswer,
    responses=faults(403, 404),
)
async def erase(profile_id: ProfileId, runtime: TheRuntime, now: Now) -> Response:
    """Erase a person under all their ids, from everything; they cannot be brought back."""
    return json_response(await asyncio.to_thread(erasure.erase_person, runtime, profile_id, now))
