"""What the feature store asks of the place where values are kept online: SQLite or Redis."""

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, Protocol

import feature_repo.light_feast  # noqa: F401  # isort: skip

from feast.protos.feast.types.Value_pb2 import Value

from feature_repo.definitions import KEY

Row = tuple[str, str, datetime]  # profile_id, JSON text, when it was true (UTC)
Found = tuple[datetime | None, str]  # when it was true, JSON text ('' where nothing is kept)
STATE, SCORES = "state", "scores"
FEATURE = {STATE: "state", SCORES: "records"}  # view -> its one feature
RESERVED = "\x00"  # ids that begin so are rows of our own; no event can carry them


class Overtaken(Exception):
    """Somebody else wrote what was read; nothing of the exchange was written."""


class Texts(Protocol):
    """Whoever can be asked for states as they are written."""

    def texts(self, ids: Sequence[str]) -> dict[str, str]:
        """Return the JSON text of each id that has one."""
        ...


class Exchange(Texts, Protocol):
    """States that are read, and written as one, with nobody else's write between the two."""

    def commit(self, rows: Iterable[Row]) -> None:
        """Write all rows, or none of them; raise `Overtaken` where another writer came between."""
        ...


class Online(Protocol):
    """Values by profile id in Feast's online store; safe for many threads and processes."""

    def read(self, view: str, ids: Sequence[str]) -> list[Found]:
        """Return what is kept of each id, in order."""
        ...

    def write(self, view: str, rows: Sequence[Row]) -> None:
        """Replace what is kept; all rows or none."""
        ...

    def exchange(self) -> AbstractContextManager[Exchange]:
        """Open an exchange of states; leaving it without a commit changes nothing."""
        ...

    def flush(self) -> None:
        """Return when what was written outlives a loss of power."""
        ...

    def delete(self, ids: Sequence[str]) -> int:
        """Remove all views of the ids; return how many values went."""
        ...

    def compact(self) -> bool:
        """Write the files anew, without what was removed; False where that failed."""
        ...

    def close(self) -> None:
        """Close what is open."""
        ...


class _OnceStored:
    """A text as Feast's value; in SQLite its copy in plain text beside the value is left out."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def WhichOneof(self, _: str) -> None:
        """Name no type, which is what Feast asks to make that copy."""

    def SerializeToString(self) -> bytes:
        """Return the bytes of Feast's own value."""
        return bytes(Value(string_val=self._text).SerializeToString())


class _Id:
    """An id as Feast reads a value of a key."""

    __slots__ = ("string_val",)

    def __init__(self, text: str) -> None:
        self.string_val = text

    def WhichOneof(self, _: str) -> str:
        """Return the type."""
        return "string_val"


class _Key:
    """A key as Feast reads it, to the same bytes as its own message, in half of the time."""

    __slots__ = ("entity_values", "join_keys")

    def __init__(self, profile_id: str) -> None:
        self.join_keys = (KEY,)
        self.entity_values = (_Id(profile_id),)


def entity_key(profile_id: str) -> Any:
    """Return Feast's key of a profile."""
    return _Key(profile_id)


def to_feast(view: str, rows: Iterable[Row]) -> Iterable[tuple[Any, ...]]:
    """Yield rows as Feast writes them."""
    feature = FEATURE[view]
    return ((entity_key(i), {feature: _OnceStored(text)}, at, None) for i, text, at in rows)


def from_feast(at: datetime | None, values: dict[str, Value] | None) -> Found:
    """Return what Feast read; a store may answer an unknown id with an empty value."""
    text = next(iter(values.values())).string_val if values else ""
    return (at if text else None), text
