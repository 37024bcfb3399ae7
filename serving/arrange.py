"""Choose among candidates and order them: caps, diversity, a share of new ones, pins.

Pure: the same candidates and the same wishes give the same list. A candidate is a number, from 0
in the order of worth.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

FLOOR = 0.1  # the worth of the last candidate; that of the first is 1


def worth_of(scores: Sequence[float]) -> np.ndarray:
    """Return the worth of ranked candidates, (n,) float64: 1 for the first, 0.1 for the last.

    In between it falls as the scores do. A score above one before it (what fills up a list is
    ranked by something else) counts as equal to that one.
    """
    falling = np.minimum.accumulate(np.asarray(scores, dtype=np.float64))
    if not len(falling) or falling[0] == falling[-1]:
        return np.ones(len(falling))
    return np.asarray(FLOOR + (1 - FLOOR) * (falling - falling[-1]) / (falling[0] - falling[-1]))


def likeness(codes: np.ndarray, ways: np.ndarray | None) -> Callable[[int], np.ndarray]:
    """Return how like each candidate is to one of them: by direction, else by an attribute.

    codes (n,) of the attribute, -1 for none; ways (n, d) unit vectors, zeros where there is none,
    or None where there are none at all.
    """

    def same(n: int) -> np.ndarray:
        return np.asarray((codes == codes[n]) & (codes >= 0), dtype=np.float64)

    if ways is None:
        return same
    has_way = np.linalg.norm(ways, axis=1) > 0

    def near(n: int) -> np.ndarray:
        if not has_way[n]:
            return same(n)
        return np.where(has_way, np.clip(ways @ ways[n], 0.0, 1.0), same(n))

    return near


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """Candidates in the order of their worth, and what the list of them is to keep to."""

    worth: np.ndarray  # (n,) float64 above 0, falling
    caps: Mapping[str, tuple[np.ndarray, int]]  # name -> codes (n,), -1 for none; at most
    new: np.ndarray  # (n,) bool
    share: float = 0.0  # of the list that is to be new
    trade: float = 1.0  # the lambda of MMR (Carbonell & Goldstein 1998); 1 is by worth alone
    likeness: Callable[[int], np.ndarray] | None = None  # to each candidate, (n,) 0..1


@dataclass(slots=True)
class Arranged:
    """The list, best place first, and what made it differ from the order of worth."""

    order: list[int] = field(default_factory=list)
    pinned: dict[int, int] = field(default_factory=dict)  # candidate -> its pin
    over: dict[int, str] = field(default_factory=dict)  # candidate -> the cap that is full
    reserved: list[int] = field(default_factory=list)  # new ones that the share let in
    is_spread: bool = False  # by diversity


def arrange(candidates: Candidates, pins: Sequence[tuple[int, int]], limit: int) -> Arranged:
    """Return at most `limit` candidates; `pins` are (candidate, place from 1), strongest first.

    Caps hold for all, pins too. Where a place is taken, a pin gets the next free one; one beyond
    the list is none; one beyond the candidates there are stands at the end.
    """
    room = _Room(candidates)
    places = room.pin(pins, limit)
    room.reserve(limit, limit - len(places))
    others = room.fill(limit - len(places))
    room.arranged.is_spread = candidates.likeness is not None
    room.arranged.order = _laid_out(places, others)
    return room.arranged


class _Room:
    """Who may still come in."""

    def __init__(self, candidates: Candidates) -> None:
        self._all = candidates
        self._open = np.ones(len(candidates.worth), dtype=bool)
        self._held = np.zeros(len(candidates.worth), dtype=bool)  # in, but not yet placed
        self._counts: Counter[tuple[str, int]] = Counter()
        self.arranged = Arranged()

    def pin(self, pins: Sequence[tuple[int, int]], limit: int) -> dict[int, int]:
        """Return place -> candidate."""
        places: dict[int, int] = {}
        for number, (n, place) in enumerate(pins):
            if not self._open[n]:
                continue
            while place in places:
                place += 1
            if place <= limit:
                self._admit(n)
                places[place] = n
                self.arranged.pinned[n] = number
        return places

    def reserve(self, limit: int, free: int) -> None:
        """Keep places for the best new candidates, as many as the share asks for."""
        new = self._all.new
        wanted = int(np.ceil(self._all.share * limit - 1e-9))
        wanted = min(wanted - sum(bool(new[n]) for n in self.arranged.pinned), free)
        while wanted > 0 and (self._open & new).any():
            n = int(np.argmax(self._open & new))  # the first
            self._admit(n)
            self._held[n] = True
            self.arranged.reserved.append(n)
            wanted -= 1

    def fill(self, free: int) -> list[int]:
        """Return at most `free` candidates, each the best beside those before it."""
        found: list[int] = []
        trade, likeness = self._all.trade, self._all.likeness
        worth = self._all.worth / self._all.worth.max(initial=1e-12)
        near = np.zeros(len(worth))
        for n in self.arranged.pinned if likeness else ():
            near = np.maximum(near, likeness(n)) if likeness else near
        while len(found) < free:
            must_hold = free - len(found) <= np.count_nonzero(self._held)
            may = self._held if must_hold else self._open | self._held
            if not may.any():
                break
            value = trade * worth - (1 - trade) * near
            n = int(np.argmax(np.where(may, value, -np.inf)))
            if self._held[n]:
                self._held[n] = False
            else:
                self._admit(n)
            found.append(n)
            if likeness is not None:
                near = np.maximum(near, likeness(n))
        return found

    def _admit(self, n: int) -> None:
        """Let one in, and shut out all of whom there are enough now."""
        self._open[n] = False
        for name, (codes, most) in self._all.caps.items():
            code = int(codes[n])
            self._counts[name, code] += 1
            if code >= 0 and self._counts[name, code] >= most:
                full = self._open & (codes == code)
                self.arranged.over |= dict.fromkeys(np.flatnonzero(full).tolist(), name)
                self._open &= ~full


def _laid_out(places: Mapping[int, int], others: Sequence[int]) -> list[int]:
    """Return the list with each pin at its place, or behind the last of the others."""
    order: list[int] = []
    waiting = list(others)
    for place in range(1, max(places, default=0) + 1):
        if place in places:
            order.append(places[place])
        elif waiting:
            order.append(waiting.pop(0))
    return order + waiting
