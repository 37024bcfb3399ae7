"""From the bytes of a request to its messages; what is no clean JSON is named, event by event."""

import gzip
import io
import json
import math
import zlib
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from domain.errors import InvalidEvent, InvalidInput, NextbestError, TooLarge

MAX_BATCH_EVENTS = 2_500
MAX_EVENT_BYTES = 32_768
MAX_DEPTH = 32  # objects and lists within each other


def read_json(body: bytes, encoding: str, max_bytes: int) -> dict[str, Any]:
    """Return the JSON object of a body, unpacked if it is gzip.

    NaN, Infinity and lone surrogates, which some senders write, are read: `fault_in` finds the
    event that holds them, so that they cost that event alone.
    """
    plain = _unpacked(body, encoding.strip().lower(), max_bytes)
    try:
        found = orjson.loads(plain)
    except orjson.JSONDecodeError as fault:
        found = _read_loosely(plain, fault)
    if not isinstance(found, dict):
        raise InvalidInput("the body must be a JSON object")
    return found


def _read_loosely(plain: bytes, strict: orjson.JSONDecodeError) -> Any:
    try:
        return json.loads(plain)
    except RecursionError as fault:
        raise InvalidInput("the body is nested too deep to be read; flatten it") from fault
    except ValueError as fault:
        raise InvalidInput(f"the body is not valid JSON: {strict}") from fault


def _unpacked(body: bytes, encoding: str, max_bytes: int) -> bytes:
    """Return the body without its encoding; no more than `max_bytes` are ever unpacked."""
    if encoding in ("", "identity"):
        return body
    if encoding not in ("gzip", "x-gzip"):
        raise InvalidInput(
            f"Content-Encoding {encoding[:20]!r} is not understood; send gzip, or none",
            field="Content-Encoding",
        )
    try:
        with gzip.open(io.BytesIO(body)) as file:
            plain = file.read(max_bytes + 1)
    except (OSError, EOFError, zlib.error) as fault:
        raise InvalidInput(f"the body is not valid gzip: {fault}") from fault
    if len(plain) > max_bytes:
        raise TooLarge(f"the unpacked body is larger than {max_bytes} bytes; send less at once")
    return plain


def messages_of(body: Mapping[str, Any]) -> list[Any]:
    """Return the messages of a batch, or say what is wrong with it as a whole."""
    batch = body.get("batch")
    if not isinstance(batch, list) or not batch:
        raise InvalidInput("'batch' must be a list with at least one event", field="batch")
    if len(batch) > MAX_BATCH_EVENTS:
        raise TooLarge(
            f"the batch has {len(batch)} events, more than {MAX_BATCH_EVENTS}; send it in parts",
            field="batch",
        )
    return batch


def fault_in(message: Any) -> NextbestError | None:
    """Return why a message cannot be kept as JSON, or None.

    Only messages that may hold something odd are looked through value by value: those that cannot
    be written, those with a null (as which NaN is written), those with many brackets.
    """
    try:
        text = orjson.dumps(message)
    except TypeError:
        fault = _odd_value(message)
        text = b"" if fault else json.dumps(message, ensure_ascii=False).encode()
    else:
        odd = b"null" in text or text.count(b"{") + text.count(b"[") > MAX_DEPTH
        fault = _odd_value(message) if odd else None
    if fault is None and len(text) > MAX_EVENT_BYTES:
        return TooLarge(f"the event has {len(text)} bytes, more than {MAX_EVENT_BYTES}; shorten it")
    return fault


def _odd_value(message: Any) -> InvalidEvent | None:
    """Return the first fault in a message, found without recursion."""
    pending = [("", message, 1)]
    while pending:
        where, value, depth = pending.pop()
        if isinstance(value, float) and not math.isfinite(value):
            return InvalidEvent(
                f"{where} is {value}, which is no number; leave it out", field=where
            )
        if isinstance(value, str) and not _is_text(value):
            return InvalidEvent(f"{where} has half a character (a lone surrogate)", field=where)
        if not isinstance(value, Mapping | list):
            continue
        if depth > MAX_DEPTH:
            return InvalidEvent(
                f"{where:.60} lies deeper than {MAX_DEPTH} levels; flatten it",
                field=where.partition(".")[0].partition("[")[0],
            )
        if isinstance(value, Mapping) and not all(map(_is_text, value)):
            return InvalidEvent(f"a name in {where or 'the event'} has half a character",
                                field=where or "event")  # fmt: skip
        pending.extend((name, part, depth + 1) for name, part in _parts(where, value))
    return None


def _parts(where: str, value: Mapping[str, Any] | list[Any]) -> Iterator[tuple[str, Any]]:
    """Yield each part of an object or list with its path, such as `properties.products[0]`."""
    if isinstance(value, Mapping):
        yield from ((f"{where}.{name}" if where else name, part) for name, part in value.items())
    else:
        yield from ((f"{where}[{n}]", part) for n, part in enumerate(value))


def _is_text(text: str) -> bool:
    """Return whether a text can be written as UTF-8."""
    return text.isascii() or not any("\ud800" <= c <= "\udfff" for c in text)
