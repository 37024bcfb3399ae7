"""Lists of items: for one visitor, like one item, on the rise, and as LEO CDP asks for them."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query
from fastapi.responses import Response

from serving import listing
from serving.keys import WRITE
from serving.rerank import rerank
from serving.routes.given import KeyNeeded, Now, TheCaller, TheRuntime, faults, json_response
from serving.shapes.lists import ItemList, LeoList, Limit, RecommendationsAsked
from serving.shapes.rerank import RerankAsked, RerankedList
from serving.signed_ids import check_ids, check_profile

router = APIRouter(tags=["lists"], dependencies=[Depends(KeyNeeded(WRITE))])


@router.post("/v1/recommendations", response_model=ItemList, responses=faults(413))
async def recommendations(
    asked: RecommendationsAsked, caller: TheCaller, runtime: TheRuntime, now: Now
) -> Response:
    """Return what to show to this visitor, by all they did up to this moment."""
    caller = caller.with_signature(asked.customer_signature)
    check_ids(runtime, caller, asked.customer_id, asked.anonymous_id)
    return json_response(listing.recommendations(runtime, asked, now))


@router.post("/v1/rerank", response_model=RerankedList, responses=faults(413))
async def put_in_order(
    asked: RerankAsked, caller: TheCaller, runtime: TheRuntime, now: Now
) -> Response:
    """Return given items, such as search results, in the order that fits this visitor."""
    caller = caller.with_signature(asked.customer_signature)
    check_ids(runtime, caller, asked.customer_id, asked.anonymous_id)
    return json_response(rerank(runtime, asked, now))


@router.get("/v1/items/trending", response_model=ItemList, responses=faults())
async def trending(
    runtime: TheRuntime,
    limit: Annotated[Limit, Query()] = 10,
    category: Annotated[str | None, Query(max_length=200)] = None,
) -> Response:
    """Return items in stock whose demand rises fastest against their own past."""
    return json_response(listing.trending(runtime, limit, category))


@router.get("/v1/items/{item_id}/similar", response_model=ItemList, responses=faults(404))
async def similar(
    item_id: Annotated[str, Path(examples=["sku-42"])],
    runtime: TheRuntime,
    limit: Annotated[Limit, Query()] = 10,
) -> Response:
    """Return items in stock that the same people touch."""
    return json_response(listing.similar(runtime, item_id, limit))


@router.get("/recommend/{profile_id}", response_model=LeoList, responses=faults())
async def leo(
    profile_id: Annotated[str, Path(max_length=256, examples=["c-1001"])],
    caller: TheCaller,
    runtime: TheRuntime,
    now: Now,
    top_n: Annotated[Limit, Query()] = 10,
) -> Response:
    """Return a list in the words of LEO CDP; the key may stand bare in Authorization."""
    check_profile(runtime, caller, profile_id)
    return json_response(listing.leo_list(runtime, profile_id, top_n, now))
