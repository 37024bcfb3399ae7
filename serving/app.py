"""The app factory: `create_app(settings)` is the whole API, opened and closed with its lifespan."""

import asyncio
import contextlib
import logging
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime

from fastapi import FastAPI

from domain.settings import Settings, load_settings
from serving import errors
from serving.body_limit import BodyLimit
from serving.browsers import Browsers
from serving.erasure import resume_erasures
from serving.leader import end_with_leader
from serving.memory import settle
from serving.metrics import Measured, Metrics
from serving.routes import (
    actions,
    collect,
    decide,
    explain,
    health,
    identity,
    lists,
    lookalikes,
    pages,
    placements,
    profiles,
    segments,
    sources,
    webhooks,
)
from serving.runtime import keep_fresh, open_runtime

logger = logging.getLogger(__name__)
_ROUTERS = (
    collect,
    sources,
    decide,
    lists,
    explain,
    actions,
    placements,
    profiles,
    identity,
    segments,
    webhooks,
    lookalikes,
    health,
    pages,
)
_SWITCH_SECONDS = 0.0005  # how long the writing thread may hold up an answer; Python's own is 5 ms
_ABOUT = """Learned scores, recommendations, next best action and live segments.

Errors are `{"code", "message"}`, with `field` where one is at fault. The public write key (pk_)
may collect and ask for lists; everything else needs the secret key (sk_). Health and metrics need
no key."""


def create_app(settings: Settings) -> FastAPI:
    """Return the API over the state under `settings.home`; nothing is opened before it starts."""
    metrics = Metrics()

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        sys.setswitchinterval(_SWITCH_SECONDS)
        runtime = await asyncio.to_thread(open_runtime, settings, metrics, datetime.now(UTC))
        await asyncio.to_thread(resume_erasures, runtime, datetime.now(UTC))
        app.state.runtime = runtime
        watch = asyncio.create_task(keep_fresh(runtime))
        runtime.live.runner.start()
        try:
            yield
        finally:
            watch.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watch
            await runtime.exposures.flush()
            await runtime.live.runner.stop()
            await asyncio.to_thread(runtime.close)

    app = FastAPI(
        title="Nextbest",
        version="1",
        description=_ABOUT,
        lifespan=lifespan,
        docs_url=None,  # the framework's pages load their scripts from elsewhere
        redoc_url=None,
    )
    app.add_middleware(BodyLimit, max_bytes=settings.max_body_bytes)
    app.add_middleware(Measured, metrics=metrics)
    app.add_middleware(Browsers, origins=settings.cors_origins)
    errors.install(app)
    for part in _ROUTERS:
        app.include_router(part.router)
    return app


def app_from_environment() -> FastAPI:
    """Return the app by the settings of the environment: `uvicorn --factory` with many workers."""
    end_with_leader()
    settle()
    return create_app(load_settings())
