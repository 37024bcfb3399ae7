"""The behaviour of a customer is a commutative monoid: fold events in any order, merge any parts.

Every part commutes by itself: counts and sums, decayed sums kept at the time of their latest event,
minima and maxima, the latest k by (time, message id), last-writer-wins per trait, consent per id.
What does not commute (gaps, sessions, top categories) is read off these parts in `domain.features`.
Events must be deduplicated by `message_id` before they are folded.
"""

import heapq
import json
import operator
from collections.abc import Mapping
from typing import Any, TypeVar

from domain.catalogue import PURCHASE_GROUP, builtin_catalogue
from domain.events import Event, to_micros
from domain.state import Moment, Stamped, State, Tally, Touch

__all__ = [  # the parts of a state are known by this module, whose rules they obey
    "DAY_MICROS", "HALF_LIVES_DAYS", "MAX_DAYS", "MAX_MOMENTS", "MAX_TOUCHES", "Moment", "Stamped",
    "State", "Tally", "Touch", "decayed", "fold", "is_active", "merge", "merge_tallies", "of_event",
]  # fmt: skip

HALF_LIVES_DAYS = {"1h": 1 / 24, "1d": 1.0, "7d": 7.0, "30d": 30.0}
DAY_MICROS = 86_400_000_000
MAX_DAYS = 366  # latest days with a purchase, and latest active days
MAX_TOUCHES = 50  # latest items touched
MAX_MOMENTS = 64  # latest active events, for the session

_LIVES = tuple(days * DAY_MICROS for days in HALF_LIVES_DAYS.values())
_LIFE_OF = {
    name: (n, life) for n, (name, life) in enumerate(zip(HALF_LIVES_DAYS, _LIVES, strict=True))
}
_ONCE = (1.0,) * len(_LIVES)
_TOUCH_KEY, _MOMENT_KEY = operator.itemgetter(0, 1, 2), operator.itemgetter(0, 1)
K = TypeVar("K")
V = TypeVar("V")
_EMPTY = State()


def is_active(kind: str) -> bool:
    """Return whether a kind is something the customer did, not something done to them.

    Kinds that the catalogue does not know count as done by the customer, with no points.
    """
    known = builtin_catalogue().kinds.get(kind)
    return known is None or known.group != "none"


def fold(state: State, event: Event) -> State:
    """Return the state with one more event; the event must not have been folded before.

    It is `merge(state, of_event(event))`, without the way through a state of one event.
    """
    at = to_micros(event.at)
    amount = float(event.value or 0.0)
    known = state.known or event.customer_id is not None
    tallies = _joined(state.tallies, {event.kind: _single(at, amount)}, merge_tallies)
    traits, consents = state.traits, state.consents
    if event.traits:
        traits = _joined(traits, _said(event, at, event.traits), _later)
    if event.consent:
        consents = _joined(consents, _consents(event, at), _both_said)
    if not is_active(event.kind):
        return State(known, tallies, state.purchase_days, state.active_days, state.touches,
                     state.moments, state.channels, state.devices, traits, consents)  # fmt: skip
    return State(
        known,
        tallies,
        _with_purchase(state.purchase_days, event, at, amount),
        _with_day(state.active_days, at // DAY_MICROS),
        _latest(state.touches, _touches(event, at), MAX_TOUCHES),
        _latest(state.moments, (Moment(at, event.message_id, event.campaign),), MAX_MOMENTS),
        _counted(state.channels, event.channel),
        _counted(state.devices, event.device),
        traits,
        consents,
    )


def of_event(event: Event) -> State:
    """Return the state of a history that holds just this event."""
    return fold(_EMPTY, event)


def _single(at: int, value: float) -> Tally:
    return Tally(1, value, at, at, _ONCE, (value,) * len(_LIVES))


def _said(event: Event, at: int, given: Mapping[str, Any]) -> dict[str, Stamped]:
    return {name: Stamped(at, event.message_id, value) for name, value in given.items()}


def _consents(event: Event, at: int) -> dict[str, dict[str, Stamped]]:
    """Return what the event says of each purpose, for each id it was said under."""
    ids = [i for i in (event.customer_id, event.anonymous_id) if i]
    return {
        purpose: {i: Stamped(at, event.message_id, granted) for i in ids}
        for purpose, granted in event.consent.items()
    }


def _touches(event: Event, at: int) -> tuple[Touch, ...]:
    return tuple(
        Touch(at, event.message_id, n, line.item_id, event.kind, line.category, line.brand)
        for n, line in enumerate(event.lines)
    )[-MAX_TOUCHES:]


def _with_purchase(
    days: dict[int, float], event: Event, at: int, amount: float
) -> dict[int, float]:
    kind = builtin_catalogue().kinds.get(event.kind)
    if kind is None or kind.group != PURCHASE_GROUP:
        return days
    return _latest_days(_joined(days, {at // DAY_MICROS: amount}, operator.add))


def _with_day(days: tuple[int, ...], day: int) -> tuple[int, ...]:
    if not days or days[-1] < day:
        return (*days, day)[-MAX_DAYS:]
    return days if day in days else tuple(sorted((*days, day)))[-MAX_DAYS:]


def _counted(counts: dict[str, int], name: str | None) -> dict[str, int]:
    return {**counts, name: counts.get(name, 0) + 1} if name else counts


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
        consents=_joined(a.consents, b.consents, _both_said),
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


def decayed(at_last: tuple[float, ...], last_at: int, as_of: int, life: str) -> float:
    """Return a decayed sum kept at `last_at` as it stands at `as_of`; `life` is a half-life's name.

    Nothing is worth more than fresh.
    """
    place, micros = _LIFE_OF[life]
    faded: float = 2.0 ** min((last_at - as_of) / micros, 0.0)
    return at_last[place] * faded


def _joined(a: dict[K, V], b: dict[K, V], both: Any) -> dict[K, V]:
    """Return the union of two maps; a key in both gets `both(a, b)`."""
    if not a or not b:
        return a or b
    return a | {key: both(a[key], value) if key in a else value for key, value in b.items()}


def _later(a: Stamped, b: Stamped) -> Stamped:
    """Return the later stamp; of two said at once by one message the larger text, to commute."""
    return max(a, b, key=lambda s: (s.at, s.message_id, json.dumps(s.value, sort_keys=True)))


def _both_said(a: dict[str, Stamped], b: dict[str, Stamped]) -> dict[str, Stamped]:
    return _joined(a, b, _later)


def _latest(a: tuple[Any, ...], b: tuple[Any, ...], k: int) -> tuple[Any, ...]:
    """Return the latest k of two ascending runs; keys (time, message id, ...) decide."""
    if not a or not b:
        return a or b
    key = _TOUCH_KEY if isinstance(a[0], Touch) else _MOMENT_KEY
    if key(a[-1]) <= key(b[0]):  # as events mostly come: in order of time
        return (a + b)[-k:]
    return tuple(sorted(a + b, key=key)[-k:])


def _latest_days(days: dict[int, float]) -> dict[int, float]:
    if len(days) <= MAX_DAYS:
        return days
    return {day: days[day] for day in heapq.nlargest(MAX_DAYS, days)}
