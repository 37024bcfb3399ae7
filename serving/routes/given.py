"""What every route is given: the runtime, the clock, and a caller with the right key."""

import base64
import binascii
import json
from datetime import UTC, datetime
from typing import Annotated, Any

import orjson
from fastapi import Depends, Request
from fastapi.openapi.models import HTTPBearer as BearerModel
from fastapi.responses import Response
from fastapi.security.base import SecurityBase

from domain.errors import NotAllowed, NotAuthenticated
from serving.keys import SECRET, Keys
from serving.runtime import Runtime
from serving.shapes.faults import Fault
from serving.signed_ids import HEADER, Caller, caller_of


async def _runtime(request: Request) -> Runtime:
    found: Runtime = request.app.state.runtime
    return found


async def _clock() -> datetime:
    return datetime.now(UTC)


TheRuntime = Annotated[Runtime, Depends(_runtime)]
Now = Annotated[datetime, Depends(_clock)]


async def _caller(request: Request, runtime: TheRuntime) -> Caller:
    key = key_in(request.headers.get("authorization", ""))
    return caller_of(runtime, key, request.headers.get(HEADER))


TheCaller = Annotated[Caller, Depends(_caller)]  # of a key that was let in


class KeyNeeded(SecurityBase):
    """Lets a request in that carries a key with the right; the secret key has every right."""

    def __init__(self, right: str) -> None:
        self.right = right
        self.model = BearerModel(description=f"`Authorization: Bearer <{right} key>`")
        self.scheme_name = f"{right} key"

    async def __call__(self, request: Request) -> None:
        """Raise NotAuthenticated or NotAllowed unless the key of the request will do."""
        keys: Keys = request.app.state.runtime.keys
        check_key(keys, key_in(request.headers.get("authorization", "")), self.right)


def check_key(keys: Keys, key: str, right: str) -> None:
    """Raise NotAuthenticated or NotAllowed unless `key` has the right."""
    if not key:
        raise NotAuthenticated("no API key; send Authorization: Bearer <key> (see `nextbest keys`)")
    found = keys.right_of(key)
    if found is None:
        raise NotAuthenticated("unknown API key; `nextbest keys` shows the valid ones")
    if found not in (right, SECRET):
        raise NotAllowed("the public write key may not do this; use the secret key (sk_...)")


def key_in(header: str) -> str:
    """Return the key of an Authorization header: Bearer, Basic (as user name), or bare."""
    scheme, _, rest = header.partition(" ")
    if not rest:
        return scheme
    if scheme.lower() == "basic":
        return _user_name(rest)
    return rest.strip() if scheme.lower() == "bearer" else ""


def sent_key(request: Request) -> str:
    """Return the key of an SDK's request where it stands beside the body, '' if there is none."""
    return (
        key_in(request.headers.get("authorization", ""))
        or request.headers.get("x-write-key", "").partition(":")[0]
        or request.query_params.get("writeKey", "")
    )


def _user_name(encoded: str) -> str:
    try:
        return base64.b64decode(encoded, validate=True).decode().partition(":")[0]
    except (binascii.Error, UnicodeDecodeError):
        return ""


def json_response(body: Any, status: int = 200) -> Response:
    """Return a body as JSON; numpy values and times are written too, NaN as null."""
    options = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS
    try:
        plain = orjson.dumps(body, option=options)
    except TypeError:  # a number of more than 64 bits, which some traits are
        plain = json.dumps(body, default=str).encode()
    return Response(plain, status, media_type="application/json")


_MEANINGS = {
    400: "Something in the request is malformed.",
    401: "No key, or an unknown one.",
    403: "The key does not carry the right.",
    404: "There is no such thing.",
    409: "The present state forbids it.",
    410: "It is of a person who was erased.",
    413: "Over a limit of size or number.",
    429: "Over the rate of the key; `Retry-After` says when to come back.",
    503: "Too much waits to be written, or a store is away or full; `Retry-After` says when to "
    "come back.",
}


def faults(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the failures of a route, for OpenAPI."""
    return {s: {"model": Fault, "description": _MEANINGS[s]} for s in (400, 401, *statuses)}
