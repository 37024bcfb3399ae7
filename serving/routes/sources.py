"""GET /v1/projects/{write_key}/settings and /sourceConfig: what SDKs load before they send.

With these an SDK that is told our host instead of its vendor's needs nothing else.
"""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from serving.keys import WRITE
from serving.routes.given import TheRuntime, check_key, json_response, sent_key
from serving.source_settings import rudderstack_source, segment_settings

router = APIRouter(tags=["collect"], include_in_schema=False)


@router.get("/v1/projects/{write_key}/settings")
async def settings_of_project(write_key: str, request: Request, runtime: TheRuntime) -> Response:
    """Return the settings of SDKs of Segment: this host is where they send to."""
    check_key(runtime.keys, write_key, WRITE)
    return json_response(segment_settings(write_key, str(request.base_url)))


@router.get("/sourceConfig")
@router.get("/sourceConfig/")
async def source_config(request: Request, runtime: TheRuntime) -> Response:
    """Return the source configuration of SDKs of RudderStack."""
    key = sent_key(request)
    check_key(runtime.keys, key, WRITE)
    return json_response(rudderstack_source(key))
