"""Pages of other origins may call what the public write key opens, and nothing else (CORS)."""

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

_CALLS = "track identify page screen group alias batch import t i p s g a b decide recommendations"
_EXACT = frozenset(f"/v1/{call}" for call in _CALLS.split())
_BELOW = (
    "/beacon/v1/",
    "/api/s/",
    "/v1/items/",
    "/v1/decide/",
    "/recommend/",
    "/v1/projects/",
    "/sourceConfig",
)
_A_DAY = 86_400


def is_for_browsers(path: str) -> bool:
    """Return whether a page may call a path: collecting, lists, decisions."""
    return path in _EXACT or path.startswith(_BELOW)


class Browsers:
    """ASGI middleware that answers preflights and marks answers as readable.

    `navigator.sendBeacon` always asks with credentials, so the origin is echoed and credentials are
    allowed; there are none to steal, since a key in the request is the only way in.
    """

    def __init__(self, app: ASGIApp, origins: str) -> None:
        self.app = app
        self._marked = CORSMiddleware(
            app,
            allow_origins=[origin.strip() for origin in origins.split(",") if origin.strip()],
            allow_methods=["GET", "POST"],
            allow_headers=["*"],
            allow_credentials=True,
            expose_headers=["Retry-After", "X-RateLimit-Reset"],
            max_age=_A_DAY,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, with the headers of CORS where a page may ask."""
        for_pages = scope["type"] == "http" and is_for_browsers(scope["path"])
        await (self._marked if for_pages else self.app)(scope, receive, send)
