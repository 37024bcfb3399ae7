"""A request body is read up to a limit and no further, before anything looks at it."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from domain.errors import TooLarge
from serving.errors import response_of


class BodyLimit:
    """ASGI middleware that answers 413 to a body of more than `max_bytes`."""

    def __init__(self, app: ASGIApp, max_bytes: int) -> None:
        self.app = app
        self.max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read the body, then hand it on in one piece."""
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD", "OPTIONS"):
            await self.app(scope, receive, send)
            return
        body = None if self._declared(scope) > self.max_bytes else await self._read(receive)
        if body is None:
            fault = TooLarge(f"the body is larger than {self.max_bytes} bytes; send less at once")
            await response_of(fault)(scope, receive, send)
            return
        await self.app(scope, _replay(body, receive), send)

    def _declared(self, scope: Scope) -> int:
        given = dict(scope["headers"]).get(b"content-length", b"0")
        return int(given) if given.isdigit() else 0

    async def _read(self, receive: Receive) -> bytes | None:
        """Return the body, or None once it is over the limit."""
        parts: list[bytes] = []
        size = 0
        while True:
            message = await receive()
            part = message.get("body", b"")
            size += len(part)
            if size > self.max_bytes:
                return None
            parts.append(part)
            if not message.get("more_body"):
                return b"".join(parts)


def _replay(body: bytes, receive: Receive) -> Receive:
    """Return a receive that gives the body once, then whatever the server says."""
    pending: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return pending.pop() if pending else await receive()

    return replay
