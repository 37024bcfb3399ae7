"""One handler turns every failure into `{"code", "message"}`, with the field that caused it."""

import logging
from collections.abc import Sequence
from typing import Any

import orjson
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from domain import errors

logger = logging.getLogger(__name__)

STATUS: dict[type[errors.NextbestError], int] = {
    errors.InvalidInput: 400,
    errors.NotAuthenticated: 401,
    errors.NotAllowed: 403,
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.NotEnoughData: 409,
    errors.Erased: 410,
    errors.TooLarge: 413,
    errors.TooManyRequests: 429,
    errors.Overloaded: 503,
    errors.StoreUnavailable: 503,
}
_COME_BACK = errors.TooManyRequests | errors.Overloaded | errors.StoreUnavailable
_HTTP_CODES = {404: "not_found", 405: "method_not_allowed"}


def install(app: FastAPI) -> None:
    """Give `app` the handlers of all failures."""
    app.add_exception_handler(errors.NextbestError, _known)
    app.add_exception_handler(RequestValidationError, _malformed)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _unforeseen)


def status_of(fault: errors.NextbestError) -> int:
    """Return the HTTP status of a failure: that of its nearest ancestor in the table."""
    return next((STATUS[kind] for kind in type(fault).__mro__ if kind in STATUS), 500)


def body_of(fault: errors.NextbestError) -> dict[str, Any]:
    """Return the failure as it goes over the wire."""
    body: dict[str, Any] = {"code": fault.code, "message": fault.message}
    if fault.field is not None:
        body["field"] = fault.field
    if isinstance(fault, errors.InvalidRule):
        body["problems"] = fault.problems
    return body


def response_of(fault: errors.NextbestError) -> Response:
    """Return the whole answer to a failure, with the headers that belong to it."""
    return _response(status_of(fault), body_of(fault), _headers(fault))


_BOUNDS = {"too_long": ("at most", "max_length"), "too_short": ("at least", "min_length")}  # lists


def _headers(fault: errors.NextbestError) -> dict[str, str]:
    if isinstance(fault, _COME_BACK):
        seconds = str(fault.retry_after_seconds)
        return {"Retry-After": seconds, "X-RateLimit-Reset": seconds}  # analytics.js reads this one
    if isinstance(fault, errors.NotAuthenticated):
        return {"WWW-Authenticate": 'Bearer realm="nextbest"'}
    return {}


def _response(status: int, body: dict[str, Any], headers: dict[str, str] | None = None) -> Response:
    return Response(orjson.dumps(body), status, headers, "application/json")


async def _known(request: Request, fault: Exception) -> Response:
    assert isinstance(fault, errors.NextbestError)
    return response_of(fault)


async def _malformed(request: Request, fault: Exception) -> Response:
    assert isinstance(fault, RequestValidationError)
    field, sentence = described(fault.errors()[0])
    return response_of(errors.InvalidInput(sentence, field=field))


async def _http(request: Request, fault: Exception) -> Response:
    assert isinstance(fault, HTTPException)
    message = str(fault.detail)
    if fault.status_code == 404:
        message = f"no such address: {request.url.path}; /docs lists them all"
    if fault.status_code == 405:
        message = f"{request.method} is not possible at {request.url.path}; see /docs"
    code = _HTTP_CODES.get(fault.status_code, "http_error")
    return _response(
        fault.status_code, {"code": code, "message": message}, dict(fault.headers or {})
    )


async def _unforeseen(request: Request, fault: Exception) -> Response:
    logger.error("%s %s failed", request.method, request.url.path, exc_info=fault)
    return _response(
        500, {"code": "internal", "message": "an error of ours; the log has the details"}
    )


def described(fault: dict[str, Any]) -> tuple[str | None, str]:
    """Return where a fault that pydantic found is, and the fault in words.

    The first word of its location says which part of the request it is in, and is left out.
    """
    return _field(fault["loc"]), _sentence(fault)


def _field(location: Sequence[Any]) -> str | None:
    """Return where in the request a fault is, such as `seed[3]`; None for the body as a whole."""
    path = ""
    for part in location[1:]:
        if isinstance(part, int):
            path += f"[{part}]" if path else ""
        else:
            path += f".{part}" if path else str(part)
    return path or None


def _sentence(fault: dict[str, Any]) -> str:
    """Return one fault that pydantic found, in words."""
    kind, name = fault["type"], _field(fault["loc"])
    if kind == "json_invalid":
        return f"the body is not valid JSON: {fault.get('ctx', {}).get('error', fault['msg'])}"
    if name is None:
        return "the body must be a JSON object with the header Content-Type: application/json"
    if kind == "extra_forbidden":
        return f"unknown field {name!r}; remove it, or see /docs for the fields of this request"
    if kind == "missing":
        return f"{name!r} is missing"
    if kind in _BOUNDS:
        (bound, limit), said = _BOUNDS[kind], fault["ctx"]
        return f"{name!r} has {said['actual_length']} entries; send {bound} {said[limit]}"
    message = str(fault["msg"]).removeprefix("Value error, ")
    return f"{name!r} {_short(fault.get('input'))}: {message[:1].lower()}{message[1:]}"


def _short(given: Any) -> str:
    text = repr(given)
    return text if len(text) <= 60 else f"{text[:57]}..."
