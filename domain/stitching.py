"""Which customers are one person, and since when: told by edges alone, in whatever order they came.

An edge joins two customers from `at` on, until `until` where the key turned out to be everybody's.
The components of the edges are the persons; each goes by the smallest of its ids.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from hashlib import sha256
from typing import NamedTuple

FOREVER = 2**63 - 1  # µs since 1970
ALIAS = "alias"


class Edge(NamedTuple):
    """Two customers are one person for moments T with `at` < T <= `until` (µs since 1970).

    `id_b` is the one that came later: whom an undone edge sets free. Of an alias, `id_a` is the
    previous id.
    """

    at: int
    id_a: str
    id_b: str
    reason: str
    key: str = ""  # the key's hash; empty for an alias
    until: int = FOREVER
    message_id: str = ""  # of the event that made the edge

    @property
    def merge_id(self) -> str:
        """The name under which the edge can be undone, equal in every order of arrival."""
        parts = (self.reason, self.key or self.id_a, self.id_b)
        return sha256("\x00".join(parts).encode()).hexdigest()[:24]


class Interval(NamedTuple):
    """`id` goes by another id for moments T with `from_at` < T <= `to_at`."""

    id: str
    canonical_id: str
    from_at: int
    to_at: int


class Holder(NamedTuple):
    """A customer who showed a key, first at `at`."""

    at: int
    customer_id: str
    message_id: str = ""


def edges_of_key(reason: str, key: str, holders: Iterable[Holder], max_profiles: int) -> list[Edge]:
    """Return what a key joins: each later holder to the first.

    From the moment that more than `max_profiles` customers have shown the key it joins nobody.
    """
    first, *later = sorted(holders)[: max_profiles + 1]
    until = later[max_profiles - 1].at if len(later) >= max_profiles else FOREVER
    return [
        Edge(h.at, first.customer_id, h.customer_id, reason, key, until, h.message_id)
        for h in later
        if h.at < until
    ]


Around = Callable[[Collection[str]], tuple[Iterable[Edge], Iterable[str]]]


def reached(ids: Iterable[str], around: Around) -> tuple[set[str], list[Edge]]:
    """Return all ids that hang together with the given ones, and every edge between them.

    `around` tells of some ids the edges that they have, and with whom they were joined before.
    """
    found: set[str] = set()
    edges: set[Edge] = set()
    open_ids = set(ids)
    while open_ids:
        seen, joined = around(open_ids)
        found |= open_ids
        seen = set(seen)
        edges |= seen
        open_ids = {i for e in seen for i in (e.id_a, e.id_b)} | set(joined)
        open_ids -= found
    return found, sorted(edges)


def canonical_ids(edges: Iterable[Edge]) -> dict[str, str]:
    """Return for each id of the edges the smallest id of its component, whenever they hold."""
    joined = _Joined()
    for edge in edges:
        joined.join(edge.id_a, edge.id_b)
    return {i: joined.canonical(i) for i in list(joined.above)}


def intervals(edges: Iterable[Edge]) -> list[Interval]:
    """Return when each id went by another one, by (id, from_at); an id of its own has no row."""
    given = set(edges)
    part_of = canonical_ids(given)
    parts: defaultdict[str, list[Edge]] = defaultdict(list)
    for edge in given:
        parts[part_of[edge.id_a]].append(edge)
    return sorted(row for part in parts.values() for row in _replayed(part))


def _replayed(edges: list[Edge]) -> list[Interval]:
    """Return the intervals of one component by going through its edges in order of time."""
    starts: defaultdict[int, list[Edge]] = defaultdict(list)
    for edge in edges:
        starts[edge.at].append(edge)
    ends = {e.until for e in edges if e.until < FOREVER}
    rows: list[Interval] = []
    since: dict[str, tuple[str, int]] = {}  # id -> canonical id, from when
    joined = _Joined()
    for moment in sorted({*starts, *ends}):
        if moment in ends:  # a parting: who is left together has to be found anew
            joined = _Joined()
            standing = [e for e in edges if e.at <= moment < e.until]
        else:
            standing = [e for e in starts[moment] if moment < e.until]
        for edge in standing:
            joined.join(edge.id_a, edge.id_b)
        rows += _turned(since, joined, moment)
    rows += [Interval(i, c, at, FOREVER) for i, (c, at) in since.items()]
    return rows


def _turned(since: dict[str, tuple[str, int]], joined: "_Joined", moment: int) -> list[Interval]:
    """Bring `since` up to a moment; return the intervals that end there."""
    over: list[Interval] = []
    for i in {*since, *joined.above}:
        canonical = joined.canonical(i)
        before = since.get(i)
        if before is not None and before[0] != canonical:
            over.append(Interval(i, before[0], before[1], moment))
            del since[i]
        if canonical != i and i not in since:
            since[i] = canonical, moment
    return over


class _Joined:
    """Sets of ids; each goes by the smallest of its ids."""

    def __init__(self) -> None:
        self.above: dict[str, str] = {}

    def join(self, a: str, b: str) -> None:
        self.above.setdefault(a, a)
        self.above.setdefault(b, b)
        low, high = sorted((self.canonical(a), self.canonical(b)))
        self.above[high] = low

    def canonical(self, i: str) -> str:
        path = []
        while (above := self.above.get(i, i)) != i:
            path.append(i)
            i = above
        for passed in path:
            self.above[passed] = i
        return i
