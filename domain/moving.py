"""The attributes that time alone moves: their value at any instant, and when they cross a value.

Three ways to move: an age rises, a decayed sum fades towards zero, a sum over the latest days drops
at a UTC midnight. Values are computed as `domain.derived` computes them, so a crossing found here
is exact to the microsecond.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Protocol

from domain.behaviour import DAY_MICROS, HALF_LIVES_DAYS, State, Tally, is_active
from domain.catalogue import ADD_TO_CART, GROUPS, PURCHASE_GROUP
from domain.derived import (
    CART_DAYS,
    SESSION_GAP_MICROS,
    decayed_sum,
    decayed_value_name,
    latest_session,
    of_group,
)
from domain.events import to_micros

SPEND_WINDOWS_DAYS = (30, 90, 365)
VISIT_WINDOWS_DAYS = (90, 365)
LATEST = to_micros(datetime.max.replace(tzinfo=UTC))

_SMALLEST = 5e-324  # what is smaller is zero in float64


class Moving(Protocol):
    """One attribute of one customer; instants are microseconds since 1970."""

    def at(self, now: int) -> float | bool:
        """Return its value at an instant."""
        ...

    def crossing(self, threshold: float, now: int) -> int | None:
        """Return the first instant after `now` on another side of the threshold, None for never.

        Being equal is a side of its own.
        """
        ...


@dataclass(frozen=True, slots=True)
class Age:
    """Days since `anchor`; it rises."""

    anchor: int

    def at(self, now: int) -> float:
        """Return the days."""
        return (now - self.anchor) / DAY_MICROS

    def crossing(self, threshold: float, now: int) -> int | None:
        """Return when the age reaches or leaves the threshold."""
        if self.at(now) > threshold:
            return None
        return _first_change(self.at, threshold, now, self.anchor + threshold * DAY_MICROS)


@dataclass(frozen=True, slots=True)
class Fading:
    """A decayed sum; it halves every `life`, towards zero."""

    tallies: list[Tally]
    part: str  # decayed_count or decayed_value
    life: str  # a key of HALF_LIVES_DAYS

    def at(self, now: int) -> float:
        """Return the sum."""
        return decayed_sum(self.tallies, now, self.part, self.life)

    def crossing(self, threshold: float, now: int) -> int | None:
        """Solve sum * 2 ** (-t / life) = threshold; zero is reached where float64 ends."""
        total = self.at(now)
        sign = math.copysign(1.0, total)
        if total == 0 or sign * threshold < 0 or sign * total < sign * threshold:
            return None
        lives = math.log2(abs(total)) - math.log2(max(abs(threshold), _SMALLEST))
        guess = now + lives * HALF_LIVES_DAYS[self.life] * DAY_MICROS
        return _first_change(self.at, threshold, now, guess)


@dataclass(frozen=True, slots=True)
class Window:
    """A sum over the days of the last `length` days; it changes at UTC midnights."""

    days: dict[int, float]  # day number -> what the day counts
    length: int

    def at(self, now: int) -> float:
        """Return the sum."""
        today = now // DAY_MICROS
        return math.fsum(v for day, v in self.days.items() if day >= today - self.length)

    def crossing(self, threshold: float, now: int) -> int | None:
        """Return the first midnight at which a day drops out and the side changes."""
        side = _side(self.at(now), threshold)
        ends = sorted((day + self.length + 1) * DAY_MICROS for day in self.days)
        later = (end for end in ends if end > now)
        return next((end for end in later if _side(self.at(end), threshold) != side), None)


@dataclass(frozen=True, slots=True)
class Cart:
    """Whether a cart was left; true from `first` to `last` (both included)."""

    first: int
    last: int

    def at(self, now: int) -> bool:
        """Return whether the cart counts as left."""
        return self.first <= now <= self.last

    def crossing(self, threshold: float, now: int) -> int | None:
        """Return when the cart begins to count, or grows too old."""
        if now < self.first:
            return self.first
        return self.last + 1 if now <= self.last else None


def moving(name: str, state: State) -> Moving | None:
    """Return how an attribute of this customer moves, or None where it stands still."""
    make = _makers().get(name)
    return make(state) if make else None


def moving_names() -> frozenset[str]:
    """Return the attributes that time alone can change."""
    return frozenset(_makers())


def _side(value: float, threshold: float) -> int:
    return (value > threshold) - (value < threshold)


def _first_change(
    value: Callable[[int], float], threshold: float, now: int, guess: float
) -> int | None:
    """Return the first instant after `now` on another side; it is looked for around the guess."""
    side = _side(value(now), threshold)

    def changed(at: int) -> bool:
        return _side(value(at), threshold) != side

    if guess > LATEST:
        return None
    low, step = max(int(guess) - 2, now), 4
    if low > now and changed(low):
        high = low
        while low > now and changed(low):
            low, high, step = max(low - step, now), low, step * 4
    else:
        high = low + step
        while high < LATEST and not changed(high):
            low, high, step = high, high + step, step * 4
    return _bisected(changed, low, high) if high < LATEST else None


def _bisected(changed: Callable[[int], bool], low: int, high: int) -> int:
    """Return the first instant that changed; `low` has not, `high` has."""
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if changed(middle) else (middle, high)
    return high


_Maker = Callable[[State], Moving | None]


@cache
def _makers() -> dict[str, _Maker]:
    found: dict[str, _Maker] = {
        "days_since_first_event": lambda s: _first(_active(s)),
        "days_since_last_event": lambda s: _last(_active(s)),
        "days_since_add_to_cart": lambda s: _last([t for t in [s.tallies.get(ADD_TO_CART)] if t]),
        "recency_days": lambda s: _last(of_group(s, PURCHASE_GROUP)),
        "customer_age_days": lambda s: _first(of_group(s, PURCHASE_GROUP)),
        "days_since_session_start": _session,
        "cart_abandoned": _cart,
    }
    for group in GROUPS:
        found[f"days_since_{group}"] = _last_of(group)
        for life in HALF_LIVES_DAYS:
            found[f"{group}_count_{life}"] = _fading_of(group, "decayed_count", life)
            name = decayed_value_name(group, life)
            found[name] = _fading_of(group, "decayed_value", life)
    for length in SPEND_WINDOWS_DAYS:
        found[f"spend_{length}d"] = _spend_of(length)
    for length in VISIT_WINDOWS_DAYS:
        found[f"purchase_days_{length}d"] = _visits_of(length)
    return found


def _active(state: State) -> list[Tally]:
    return [tally for kind, tally in state.tallies.items() if is_active(kind)]


def _first(tallies: list[Tally]) -> Age | None:
    return Age(min(t.first_at for t in tallies)) if tallies else None


def _last(tallies: list[Tally]) -> Age | None:
    return Age(max(t.last_at for t in tallies)) if tallies else None


def _session(state: State) -> Age | None:
    latest = latest_session(state)
    return Age(latest[0].at) if latest else None


def _last_of(group: str) -> _Maker:
    return lambda state: _last(of_group(state, group))


def _fading_of(group: str, part: str, life: str) -> _Maker:
    return lambda state: Fading(of_group(state, group), part, life)


def _spend_of(length: int) -> _Maker:
    return lambda state: Window(state.purchase_days, length)


def _visits_of(length: int) -> _Maker:
    return lambda state: Window(dict.fromkeys(state.purchase_days, 1.0), length)


def _cart(state: State) -> Cart | None:
    cart = state.tallies.get(ADD_TO_CART)
    bought = max((t.last_at for t in of_group(state, PURCHASE_GROUP)), default=None)
    if cart is None or (bought is not None and bought >= cart.last_at):
        return None
    return Cart(cart.last_at + SESSION_GAP_MICROS + 1, cart.last_at + CART_DAYS * DAY_MICROS)
