"""What is kept of one customer, and its text: JSON that any version of this can read."""

import json
import math
from dataclasses import dataclass, field, fields
from typing import Any, NamedTuple

import orjson


class Tally(NamedTuple):
    """All events of one kind. Decayed sums (one per half-life) are as of `last_at`; times in µs."""

    events: int
    value: float
    first_at: int
    last_at: int
    decayed_count: tuple[float, ...]
    decayed_value: tuple[float, ...]


class Touch(NamedTuple):
    """One item in one event; ordered by time, then message id, then position in the event."""

    at: int
    message_id: str
    position: int
    item_id: str
    kind: str
    category: str | None
    brand: str | None


class Moment(NamedTuple):
    """One active event; ordered by time, then message id."""

    at: int
    message_id: str
    campaign: str | None


class Stamped(NamedTuple):
    """A value and when it was said; the latest by (time, message id) counts."""

    at: int
    message_id: str
    value: Any


@dataclass(frozen=True, slots=True)
class State:
    """Everything kept of one customer. `known` says a customer id was seen, not only a device."""

    known: bool = False
    tallies: dict[str, Tally] = field(default_factory=dict)  # kind ->
    purchase_days: dict[int, float] = field(default_factory=dict)  # day number -> spend
    active_days: tuple[int, ...] = ()  # ascending
    touches: tuple[Touch, ...] = ()  # ascending
    moments: tuple[Moment, ...] = ()  # ascending
    channels: dict[str, int] = field(default_factory=dict)
    devices: dict[str, int] = field(default_factory=dict)
    traits: dict[str, Stamped] = field(default_factory=dict)
    consents: dict[str, dict[str, Stamped]] = field(default_factory=dict)  # purpose -> id ->

    def to_json(self) -> str:
        """Return the state as compact JSON text."""
        plain = {name: getattr(self, name) for name in _PARTS}
        plain["purchase_days"] = {str(day): spend for day, spend in self.purchase_days.items()}
        try:
            return orjson.dumps(plain, default=tuple).decode()
        except TypeError:  # a trait with a number of more than 64 bits
            return json.dumps(plain, ensure_ascii=False, separators=(",", ":"))

    @staticmethod
    def from_json(text: str) -> "State":
        """Return the state that `to_json` wrote; missing parts are empty."""
        try:
            plain = orjson.loads(text)
            if any(map(_is_rounded, (s[2] for s in (plain.get("traits") or {}).values()))):
                plain = json.loads(text)
        except orjson.JSONDecodeError:  # as `json` writes what is no number
            plain = json.loads(text)
        return State(
            known=bool(plain.get("known")),
            tallies={kind: _tally(*t) for kind, t in (plain.get("tallies") or {}).items()},
            purchase_days={int(d): _sum(v) for d, v in (plain.get("purchase_days") or {}).items()},
            active_days=tuple(plain.get("active_days") or ()),
            touches=tuple(map(Touch._make, plain.get("touches") or ())),
            moments=tuple(map(Moment._make, plain.get("moments") or ())),
            channels=plain.get("channels") or {},
            devices=plain.get("devices") or {},
            traits={n: Stamped(*s) for n, s in (plain.get("traits") or {}).items()},
            consents={
                purpose: {i: Stamped(*s) for i, s in by_id.items()}
                for purpose, by_id in (plain.get("consents") or {}).items()
            },
        )


_PARTS = tuple(f.name for f in fields(State))


def _tally(
    events: int,
    value: float | None,
    first_at: int,
    last_at: int,
    counts: list[float],
    values: list[float | None],
) -> Tally:
    """Return a tally as it was written."""
    return Tally(events, _sum(value), first_at, last_at, tuple(counts), tuple(map(_sum, values)))


def _sum(written: float | None) -> float:
    """Return a sum of money as it was written: one beyond all floats is null."""
    return math.inf if written is None else written


def _is_rounded(value: Any) -> bool:
    """Return whether a value may have been an integer of more than 64 bits."""
    if isinstance(value, dict | list):
        return any(map(_is_rounded, value.values() if isinstance(value, dict) else value))
    return isinstance(value, float) and abs(value) >= 2.0**63
