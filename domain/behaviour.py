"""The behaviour of a customer is a commutative monoid: fold events in any order, merge any parts.

Every part commutes by itself: counts and sums, decayed sums kept at the time of their latest event,
minima and maxima, the latest k by (time, message id), last-writer-wins per trait, consent per id.
What does not commute (gaps, sessions, top categories) is read off these parts in `domain.features`.
Events must be deduplicated by `message_id` before they are folded.
"""

import heapq
import json
import operator
from dataclasses import dataclass, field, fields, replace
from typing import Any, NamedTuple, TypeVar

from domain.catalogue import PURCHASE_GROUP, builtin_catalogue
from domain.events import Event, to_micros

HALF_LIVES_DAYS = {"1h": 1 / 24, "1d": 1.0, "7d": 7.0, "30d": 30.0}
DAY_MICROS = 86_400_000_000
MAX_DAYS = 366  # latest days with a purchase, and latest active days
MAX_TOUCHES = 50  # latest items touched
MAX_MOMENTS = 64  # latest active events, for the session

_LIVES = tuple(days * DAY_MICROS for days in HALF_LIVES_DAYS.values())
_NOTHING = (0.0,) * len(_LIVES)
K = TypeVar("K")
V = TypeVar("V")


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
        plain = {f.name: getattr(self, f.name) for f in fields(self)}
        return json.dumps(plain, ensure_ascii=False, separators=(",", ":"))

    @staticmethod
    def from_json(text: str) -> "State":
        """Return the state that `to_json` wrote; missing parts are empty."""
        plain = json.loads(text)
        return State(
            known=bool(plain.get("known")),
            tallies={
                kind: Tally(t[0], t[1], t[2], t[3], tuple(t[4]), tuple(t[5]))
                for kind, t in (plain.get("tallies") or {}).items()
            },
            purchase_days={int(d): v for d, v in (plain.get("purchase_days") or {}).items()},
            active_days=tuple(plain.get("active_days") or ()),
            touches=tuple(Touch(*t) for t in plain.get("touches") or ()),
            moments=tuple(Moment(*m) for m in plain.get("moments") or ()),
            channels=plain.get("channels") or {},
            devices=plain.get("devices") or {},
            traits={n: Stamped(*s) for n, s in (plain.get("traits") or {}).items()},
            consents={
                purpose: {i: Stamped(*s) for i, s in by_id.items()}
                for purpose, by_id in (plain.get("consents") or {}).items()
            },
        )


def is_active(kind: str) -> bool:
    """Return whether a kind is something the customer did, not something done to them.

    Kinds that the catalogue does not know count as done by the customer, with no points.
    """
    known = builtin_catalogue().kinds.get(kind)
    return known is None or known.group != "none"


def fold(state: State, event: Event) -> State:
    """Return the state with one more event; the event must not have been folded before."""
    return merge(state, of_event(event))


def of_event(event: Event) -> State:
    """Return the state of a history that holds just this event."""
    at = to_micros(event.at)
    stamp = {name: Stamped(at, event.message_id, v) for name, v in event.traits.items()}
    ids = [i for i in (event.customer_id, event.anonymous_id) if i]
    passive = State(
        known=event.customer_id is not None,
        tallies={event.kind: _single(at, float(event.value or 0.0))},
        traits=stamp,
        consents={
            purpose: {i: Stamped(at, event.message_id, granted) for i in ids}
            for purpose, granted in event.consent.items()
        },
    )
    return _with_activity(passive, event, at) if is_active(event.kind) else passive


def _single(at: int, value: float) -> Tally:
    return Tally(1, value, at, at, (1.0,) * len(_LIVES), (value,) * len(_LIVES))


def _with_activity(state: State, event: Event, at: int) -> State:
    """Return the state of one event that the customer did, with its days, touches and session."""
    day = at // DAY_MICROS
    kind = builtin_catalogue().kinds.get(event.kind)
    bought = kind is not None and kind.group == PURCHASE_GROUP
    return replace(
        state,
        purchase_days={day: float(event.value or 0.0)} if bought else {},
        active_days=(day,),
        touches=tuple(
            Touch(at, event.message_id, n, line.item_id, event.kind, line.category, line.brand)
            for n, line in enumerate(event.lines)
        )[-MAX_TOUCHES:],
        moments=(Moment(at, event.message_id, event.campaign),),
        channels={event.channel: 1} if event.channel else {},
        devices={event.device: 1} if event.device else {},
    )


def merge(a: State, b: State) -> State:
    """Return the state of both histories together; associative and commutative."""
    return State(
        known=a.known or b.known,
        tallies=_joined(a.tallies, b.tallies, merge_tallies),
        purchase_days=_latest_days(_joined(a.purchase_days, b.purchase_days, operator.add)),
        active_days=tuple(sorted({*a.active_days, *b.active_days}))[-MAX_DAYS:],
        touches=_latest(a.touches, b.touches, MAX_TOUCHES),
        moments=_latest(a.moments, b.moments, MAX_MOMENTS),
        channels=_joined(a.channels, b.channels, operator.add),
        devices=_joined(a.devices, b.devices, operator.add),
        traits=_joined(a.traits, b.traits, _later),
        consents=_joined(a.consents, b.consents, lambda x, y: _joined(x, y, _later)),
    )


def merge_tallies(a: Tally, b: Tally) -> Tally:
    """Return both tallies together, decayed sums carried to the later of the two times."""
    if a.last_at < b.last_at:
        a, b = b, a
    fade = [2.0 ** ((b.last_at - a.last_at) / life) for life in _LIVES]
    return Tally(
        a.events + b.events,
        a.value + b.value,
        min(a.first_at, b.first_at),
        a.last_at,
        tuple(x + y * f for x, y, f in zip(a.decayed_count, b.decayed_count, fade, strict=True)),
        tuple(x + y * f for x, y, f in zip(a.decayed_value, b.decayed_value, fade, strict=True)),
    )


def decayed(at_last: tuple[float, ...], last_at: int, as_of: int) -> dict[str, float]:
    """Return decayed sums kept at `last_at` as they stand at `as_of`, by half-life name."""
    return {
        name: total * 2.0 ** min((last_at - as_of) / life, 0.0)  # nothing is worth more than fresh
        for name, total, life in zip(HALF_LIVES_DAYS, at_last, _LIVES, strict=True)
    }


def _joined(a: dict[K, V], b: dict[K, V], both: Any) -> dict[K, V]:
    """Return the union of two maps; a key in both gets `both(a, b)`."""
    if not a or not b:
        return a or b
    return a | {key: both(a[key], value) if key in a else value for key, value in b.items()}


def _later(a: Stamped, b: Stamped) -> Stamped:
    """Return the later stamp; of two said at once by one message the larger text, to commute."""
    return max(a, b, key=lambda s: (s.at, s.message_id, json.dumps(s.value, sort_keys=True)))


def _latest(a: tuple[Any, ...], b: tuple[Any, ...], k: int) -> tuple[Any, ...]:
    """Return the latest k of two ascending runs; keys (time, message id, ...) decide."""
    if not a or not b:
        return a or b
    key = _touch_key if isinstance(a[0], Touch) else _moment_key
    return tuple(heapq.merge(a, b, key=key))[-k:]


def _touch_key(touch: Touch) -> tuple[int, str, int]:
    return touch.at, touch.message_id, touch.position


def _moment_key(moment: Moment) -> tuple[int, str]:
    return moment.at, moment.message_id


def _latest_days(days: dict[int, float]) -> dict[int, float]:
    if len(days) <= MAX_DAYS:
        return days
    return {day: days[day] for day in heapq.nlargest(MAX_DAYS, days)}
