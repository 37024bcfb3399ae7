"""What was seen of who is whom, as Redis keeps it: who showed which key first when, which aliases.

Facts can also be supposed, to tell whom events would join before they are stored.
"""

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from domain.stitching import ALIAS, Edge, Holder, edges_of_key
from feature_repo.redis_client import Keyspace

STANDS = "-"  # in the place of the time at which a key or an alias was undone
Span = tuple[str, int, int]  # canonical id, from and to in µs


class Shown(NamedTuple):
    """How a customer came to a key; `undone` is STANDS, or when it was taken back (µs)."""

    at: str
    reason: str
    undone: str
    message_id: str

    def __str__(self) -> str:
        return " ".join(self)


class Said(NamedTuple):
    """How an alias came to be."""

    at: str
    undone: str
    message_id: str

    def __str__(self) -> str:
        return " ".join(self)


@dataclass(frozen=True, slots=True)
class Supposed:
    """Facts that are not kept; where a kept one says the same, the earlier of both counts."""

    keys: dict[str, dict[str, Shown]] = field(default_factory=dict)  # by customer, by key
    aliases: dict[str, dict[str, Said]] = field(default_factory=dict)  # by either id, by pair
    firsts: dict[str, int] = field(default_factory=dict)  # customer -> first event (µs)

    def holders_of(self, key: str) -> dict[str, int]:
        """Return who showed a key, and when."""
        return {c: int(keys[key].at) for c, keys in self.keys.items() if key in keys}


NOTHING = Supposed()


class RedisFacts:
    """The facts under the keys of one log."""

    def __init__(self, place: Keyspace, max_profiles: int) -> None:
        self._place = place
        self._max_profiles = max_profiles

    def around(
        self, ids: Collection[str], supposed: Supposed = NOTHING
    ) -> tuple[set[Edge], set[str]]:
        """Return the edges of some ids, and with whom they were joined before."""
        names = list(ids)
        keys = self._place.ask_all(("hgetall", f"keys:{i}") for i in names)
        aliases = self._place.ask_all(("hgetall", f"aliases:{i}") for i in names)
        joined = self._place.ask_all(("smembers", f"joined:{i}") for i in names)
        tied = {i for some in joined for i in some}
        tied |= {canonical for rows in self.spans_of(names).values() for canonical, *_ in rows}
        reasons: dict[str, str] = {}
        said: dict[str, Said] = {}
        for i, shown, told in zip(names, keys, aliases, strict=True):
            own = {key: to_shown(text) for key, text in shown.items()}
            own = {**supposed.keys.get(i, {}), **own}  # one that was undone stays undone
            reasons |= {key: fact.reason for key, fact in own.items() if fact.undone == STANDS}
            kept = {pair: to_said(text) for pair, text in told.items()}
            said |= {**supposed.aliases.get(i, {}), **kept}
        edges = self._key_edges(reasons, set(names), supposed)
        return {*edges, *self._alias_edges(said, supposed.firsts)}, tied

    def spans_of(self, ids: Iterable[str]) -> dict[str, list[Span]]:
        """Return when each id went by which other one."""
        names = list(ids)
        texts = self._place.ask("hmget", "stitches", names) if names else []
        return {i: spans(text) for i, text in zip(names, texts, strict=True)}

    def _key_edges(
        self, reasons: Mapping[str, str], ids: set[str], supposed: Supposed
    ) -> list[Edge]:
        """Return what the keys of some ids join; only the first holders can be joined."""
        found = self._place.ask_all(
            ("zrange", f"key:{key}", 0, self._max_profiles, False, True) for key in reasons
        )
        holders = [
            (key, customer, at)
            for key, members in zip(reasons, found, strict=True)
            if len(seen := supposed.holders_of(key) | {c: int(at) for c, at in members}) > 1
            and ids & set(seen)
            for customer, at in seen.items()
        ]
        texts = self._place.ask_all(("hget", f"keys:{c}", key) for key, c, _ in holders)
        by_key: dict[str, list[Holder]] = {}
        for (key, customer, at), text in zip(holders, texts, strict=True):
            fact = to_shown(text) if text else supposed.keys.get(customer, {}).get(key)
            if fact is not None and fact.undone == STANDS:  # else it went a moment ago
                by_key.setdefault(key, []).append(Holder(at, customer, fact.message_id))
        return [
            edge
            for key, some in by_key.items()
            for edge in edges_of_key(reasons[key], key, some, self._max_profiles)
        ]

    def _alias_edges(self, said: Mapping[str, Said], firsts: Mapping[str, int]) -> list[Edge]:
        """Return the aliases whose previous id was a customer too, from when on it was one.

        An id that was never one is a device, and a device never joins two customers.
        """
        pairs = [pair.split("\0") for pair, fact in said.items() if fact.undone == STANDS]
        found = self._place.ask_all(
            ("zrange", f"of:customer:{previous}", 0, 0, False, True) for previous, _ in pairs
        )
        edges = []
        for (previous, customer), first in zip(pairs, found, strict=True):
            fact = said[f"{previous}\0{customer}"]
            times = [int(at) for _, at in first]
            times += [firsts[previous]] if previous in firsts else []
            if times:
                at = max(int(fact.at), min(times))
                edges.append(Edge(at, previous, customer, ALIAS, message_id=fact.message_id))
        return edges


def to_shown(text: str) -> Shown:
    """Return what is kept of one customer and one key."""
    return Shown(*text.split(" ", 3))


def to_said(text: str) -> Said:
    """Return what is kept of one alias."""
    return Said(*text.split(" ", 2))


def spans(text: str | None) -> list[Span]:
    """Return when an id went by which other one."""
    return [(canonical, since, until) for canonical, since, until in json.loads(text or "[]")]
