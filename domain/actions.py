"""An action is something the shop may do for a customer, with what it earns, costs and presumes."""

import re
import tomllib
from collections.abc import Callable, Collection, Mapping
from dataclasses import MISSING, Field, asdict, dataclass, field, fields
from functools import cache
from math import isfinite
from pathlib import Path
from typing import Any

from domain.attributes import suggestion
from domain.catalogue import builtin_catalogue
from domain.errors import InvalidAction
from domain.events import CHANNELS

CONSENT_PURPOSES = ("marketing",)

_KEY = re.compile(r"[a-z0-9][a-z0-9_-]{1,59}")
_SEGMENT = re.compile(r"[a-z0-9-]{2,60}")


def _is_number(low: float, high: float) -> Callable[[Any], bool]:
    """Return a check for a finite number of `low` to `high`."""
    return lambda v: (
        isinstance(v, int | float) and not isinstance(v, bool) and isfinite(v) and low <= v <= high
    )


def _is_whole(low: int, high: int) -> Callable[[Any], bool]:
    return lambda v: isinstance(v, int) and not isinstance(v, bool) and low <= v <= high


def _is_text(length: int) -> Callable[[Any], bool]:
    return lambda v: isinstance(v, str) and bool(v.strip()) and len(v) <= length


def _is_like(pattern: re.Pattern[str]) -> Callable[[Any], bool]:
    return lambda v: isinstance(v, str) and bool(pattern.fullmatch(v))


def _is_kinds(v: Any) -> bool:
    return isinstance(v, tuple) and bool(v) and all(isinstance(kind, str) and kind for kind in v)


def _entry(must: str, holds: Callable[[Any], bool], default: Any = MISSING) -> Any:
    return field(default=default, metadata={"must": must, "holds": holds})


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One row of the action catalogue; each field's metadata says what it must be.

    `value` is the margin of one success and `cost` what one showing costs, both in the currency of
    the shop. Before anything was shown, `prior_rate` is the expected share of acceptances; it
    weighs as much as `prior_strength` showings.
    """

    key: str = _entry("be 2 to 60 of a-z, 0-9, _ and -", _is_like(_KEY))
    title: str = _entry("be a text of 1 to 100 characters", _is_text(100))
    channel: str = _entry(f"be one of {', '.join(CHANNELS)}", lambda v: v in CHANNELS)
    message: str = _entry("be a text of 1 to 2000 characters", _is_text(2000))
    value: float = _entry("be a number of 0 or more", _is_number(0, 1e9))
    cost: float = _entry("be a number of 0 or more", _is_number(0, 1e9))
    prior_rate: float = _entry("be a number of 0 to 1", _is_number(0, 1))
    success_kinds: tuple[str, ...] = _entry("be a list of event kinds", _is_kinds)
    prior_strength: float = _entry("be a number of 1 to 1000000", _is_number(1, 1e6), 50.0)
    segment: str | None = _entry(  # who is eligible; None is everybody
        "be the key of a segment", lambda v: v is None or _is_like(_SEGMENT)(v), None
    )
    consent_purpose: str | None = _entry(
        f"be one of {', '.join(CONSENT_PURPOSES)}, or be left out",
        lambda v: v is None or v in CONSENT_PURPOSES,
        None,
    )
    cool_down_days: float = _entry("be a number of 0 to 3650", _is_number(0, 3650), 7.0)
    success_window_days: float = _entry("be a number of 0.01 to 365", _is_number(0.01, 365), 7.0)
    priority: int = _entry("be a whole number", _is_whole(-1000, 1000), 0)  # decides between equals
    enabled: bool = _entry("be true or false", lambda v: isinstance(v, bool), True)

    def __post_init__(self) -> None:
        """Check every field by its metadata."""
        faults = _faults_of({f.name: getattr(self, f.name) for f in fields(self)})
        if faults:
            raise InvalidAction("; ".join(f"action {self.key!r}: {fault}" for fault in faults))

    def to_plain(self) -> dict[str, Any]:
        """Return the action as it goes over the wire."""
        return asdict(self) | {"success_kinds": list(self.success_kinds)}


_FIELDS: dict[str, "Field[Any]"] = {f.name: f for f in fields(Action)}
_REQUIRED = [name for name, f in _FIELDS.items() if f.default is MISSING]


def parse_actions(
    text: str, source: str, known_kinds: Collection[str] | None = None
) -> tuple[Action, ...]:
    """Read the action catalogue from TOML, or raise InvalidAction with every fault in it.

    `source` names the file in messages; `known_kinds` are the event kinds that can be a success
    (those of the built-in event catalogue, if not given).
    """
    rows = _rows(text, source)
    kinds = builtin_catalogue().kinds if known_kinds is None else known_kinds
    faults: list[str] = []
    for number, row in enumerate(rows, start=1):
        where = f"{source}: action {_name(row, number)}"
        faults += [f"{where}: {fault}" for fault in (*_faults_of(row), *_kind_faults(row, kinds))]
    faults += _twice(rows, source)
    if faults:
        raise InvalidAction("; ".join(faults))
    return tuple(Action(**row) for row in rows)


@cache
def builtin_actions() -> tuple[Action, ...]:
    """Return the action catalogue that ships with Nextbest."""
    file = Path(__file__).with_name("actions.toml")
    return parse_actions(file.read_text(encoding="utf-8"), file.name)


def _rows(text: str, source: str) -> list[dict[str, Any]]:
    """Return the [[action]] tables, lists as tuples."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as fault:
        raise InvalidAction(f"{source} is not valid TOML: {fault}") from fault
    odd = sorted(set(document) - {"action"})
    rows = document.get("action", [])
    if odd or not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        name = odd[0] if odd else "action"
        raise InvalidAction(
            f"{source}: {name!r} is not an [[action]] table; keep only those", field=name
        )
    return [
        {key: tuple(value) if isinstance(value, list) else value for key, value in row.items()}
        for row in rows
    ]


def _name(row: Mapping[str, Any], number: int) -> str:
    return repr(row["key"]) if isinstance(row.get("key"), str) else f"number {number}"


def _faults_of(row: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with the fields of one action, in words."""
    unknown = [
        f"unknown key {key!r}{suggestion(key, _FIELDS) or '; remove it'}"
        for key in row
        if key not in _FIELDS
    ]
    missing = [f"{key} is missing; it must {_must(key)}" for key in _REQUIRED if key not in row]
    wrong = [
        f"{key} {value!r:.60} must {_must(key)}"
        for key, value in row.items()
        if key in _FIELDS and not _FIELDS[key].metadata["holds"](value)
    ]
    return [*unknown, *missing, *wrong]


def _must(key: str) -> str:
    return str(_FIELDS[key].metadata["must"])


def _kind_faults(row: Mapping[str, Any], known: Collection[str]) -> list[str]:
    kinds = row.get("success_kinds")
    if not _is_kinds(kinds) or not isinstance(kinds, tuple):
        return []
    return [
        f"success_kinds: unknown event kind {kind!r}{suggestion(kind, known)}"
        for kind in kinds
        if kind not in known
    ]


def _twice(rows: list[dict[str, Any]], source: str) -> list[str]:
    keys = [row["key"] for row in rows if isinstance(row.get("key"), str)]
    again = sorted({key for key in keys if keys.count(key) > 1})
    return [f"{source}: the action {key!r} stands there twice; keep one" for key in again]
