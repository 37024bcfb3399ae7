"""GET /health/live, /health/ready and /metrics: for those who watch over the service; no key."""

from fastapi import APIRouter
from fastapi.responses import Response
from prometheus_client import CONTENT_TYPE_LATEST

from serving.routes.given import TheRuntime, json_response
from serving.shapes.health import Live, Ready

router = APIRouter(tags=["health"])


@router.get("/health/live", response_model=Live)
async def live() -> Response:
    """Answer as long as the process runs."""
    return json_response({"status": "live"})


@router.get("/health/ready", response_model=Ready)
async def ready(runtime: TheRuntime) -> Response:
    """Answer 200 when requests can be served; before a first release they get fallbacks."""
    return json_response({"status": "ready"} | runtime.describe())


@router.get("/metrics", responses={200: {"content": {"text/plain": {}}}})
async def metrics(runtime: TheRuntime) -> Response:
    """Return the counters in the format of Prometheus."""
    return Response(runtime.metrics.text(), media_type=CONTENT_TYPE_LATEST)
