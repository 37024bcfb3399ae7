"""GET /tracker.js, the API page at /docs, and the demo shop at /demo; no key is needed."""

import hashlib
import html
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from domain.errors import NotFound
from serving import demo_panel, demo_visitor
from serving.routes.given import Now, TheRuntime, json_response

router = APIRouter(tags=["pages"], include_in_schema=False)
_STATIC = Path(__file__).parent.parent / "static"
_TYPES = {".js": "text/javascript", ".css": "text/css", ".html": "text/html"}
_DEMO_FILES = ("demo.css", "demo.js", "demo_art.js", "demo_panel.js")
_DOCS_FILES = ("docs.css", "docs.js")
_THIRTY_DAYS = 30 * 86_400
_PAGE_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'"
    ),
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
Id = Annotated[str, Query(min_length=1, max_length=256)]


@dataclass(frozen=True, slots=True)
class Asset:
    """A file of ours, read once."""

    body: bytes
    etag: str
    media_type: str


@cache
def _asset(name: str) -> Asset:
    path = _STATIC / name
    body = path.read_bytes()
    return Asset(body, f'"{hashlib.sha256(body).hexdigest()[:20]}"', _TYPES[path.suffix])


def _served(request: Request, name: str, max_age: int) -> Response:
    """Return a file, or 304 to who has it already."""
    asset = _asset(name)
    headers = {
        "Cache-Control": f"public, max-age={max_age}",
        "ETag": asset.etag,
        "X-Content-Type-Options": "nosniff",
        "Cross-Origin-Resource-Policy": "cross-origin",
    }
    known = {tag.strip().removeprefix("W/") for tag in _header(request, "if-none-match").split(",")}
    if asset.etag in known or "*" in known:
        return Response(status_code=304, headers=headers)
    return Response(asset.body, headers=headers, media_type=asset.media_type)


def _header(request: Request, name: str) -> str:
    return str(request.headers.get(name, ""))


@router.get("/tracker.js")
async def tracker(request: Request) -> Response:
    """Return the tracker, the same file for every shop; it is configured on its script tag."""
    return _served(request, "tracker.js", 600)


@router.get("/docs")
async def docs() -> Response:
    """Return the page of all calls; all that it needs comes from here."""
    return Response(_asset("docs.html").body, headers=_PAGE_HEADERS, media_type="text/html")


@router.get("/docs/static/{name}")
async def docs_static(name: str, request: Request) -> Response:
    """Return a part of the API page."""
    if name not in _DOCS_FILES:
        raise NotFound(f"no file {name[:40]!r} belongs to the API page")
    return _served(request, name, 0)


async def _demo_on(request: Request, runtime: TheRuntime) -> None:
    if not demo_visitor.is_on(runtime.settings, _header(request, "host")):
        raise NotFound("the demo page is off here; NEXTBEST_DEMO_PAGE=on turns it on")


async def _visitor(request: Request, runtime: TheRuntime) -> str | None:
    """Return the prefix of the visitor's ids by the cookie of the demo page."""
    return demo_visitor.from_cookie(request.cookies.get(demo_visitor.COOKIE, ""), runtime.keys)


demo = APIRouter(dependencies=[Depends(_demo_on)], include_in_schema=False)
Visitor = Annotated[str | None, Depends(_visitor)]


@demo.get("/demo")
@demo.get("/demo/search")
@demo.get("/demo/cart")
@demo.get("/demo/items/{item_id}")
async def page(request: Request, runtime: TheRuntime, visitor: Visitor) -> Response:
    """Return the demo shop; its script shows the part that the address names."""
    prefix = visitor or demo_visitor.new_prefix()
    text = _asset("demo.html").body.decode()
    given = {
        "write_key": runtime.keys.write_key,
        "id_prefix": prefix,
        "currency": runtime.settings.currency,
    }
    for name, value in given.items():
        text = text.replace(f"{{{{{name}}}}}", html.escape(value))
    answer = Response(text, headers=_PAGE_HEADERS, media_type="text/html")
    answer.set_cookie(
        demo_visitor.COOKIE,
        demo_visitor.to_cookie(prefix, runtime.keys),
        max_age=_THIRTY_DAYS,
        path="/demo",
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="lax",
    )
    return answer


@demo.get("/demo/static/{name}")
async def static(name: str, request: Request) -> Response:
    """Return a part of the demo page."""
    if name not in _DEMO_FILES:
        raise NotFound(f"no file {name[:40]!r} belongs to the demo page")
    return _served(request, name, 0)


@demo.get("/demo/shelf")
def shelf(
    runtime: TheRuntime,
    q: Annotated[str, Query(max_length=100)] = "",
    category: Annotated[str | None, Query(max_length=200)] = None,
    ids: Annotated[list[str] | None, Query(max_length=50)] = None,
    limit: Annotated[int, Query(ge=1, le=60)] = 24,
) -> Response:
    """Return items for the demo page, and the categories."""
    items = runtime.release.items
    return json_response(demo_panel.shelf(items, q, category, ids or [], limit))


@demo.get("/demo/panel")
def panel(anonymous_id: Id, visitor: Visitor, runtime: TheRuntime, now: Now) -> Response:
    """Return what is known of the visitor that the page was given to, of nobody else."""
    if visitor is None:
        raise NotFound("no visitor of this demo page has that id", field="anonymous_id")
    told: dict[str, Any] = demo_panel.panel(runtime, visitor, anonymous_id, now)
    answer = json_response(told)
    answer.headers["Cache-Control"] = "no-store"
    return answer


router.include_router(demo)
