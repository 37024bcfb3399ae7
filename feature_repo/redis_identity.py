"""Who is whom, in Redis: the keys that were shown, what they join, since when.

The script that stores events notes keys and aliases, and which ids they may join (`pending`). What
follows is worked out here by the rule of `domain.stitching`, and written where nothing changed
meanwhile. Whoever asks for stitches settles first what waits, so a process that dies in between
leaves its work to the next one.
"""

import json
import random
import time
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

from domain.stitching import ALIAS, FOREVER, Edge, intervals, reached
from feature_repo.persons import Merge
from feature_repo.redis_client import Changed, Command, Keyspace
from feature_repo.redis_facts import RedisFacts, Span, Supposed, spans, to_said, to_shown
from feature_repo.redis_scripts import RESTITCHED


class RedisIdentity:
    """The identity of customers under the keys of one log."""

    def __init__(self, place: Keyspace, max_profiles: int) -> None:
        self._place = place
        self._facts = RedisFacts(place, max_profiles)
        self._restitched = place.client.register_script(RESTITCHED)

    def settle(self) -> None:
        """Stitch all ids that wait for it."""
        while True:
            asked = [("hget", "about", "version"), ("hget", "about", "changes")]
            version, changes, pending = self._place.ask_all([*asked, ("smembers", "pending")])
            if not pending:
                return
            writes = self._restitch(pending, int(changes or 0) + 1)
            writes += [("SREM", "pending", i) for i in pending]
            try:
                self._place.commit(version or "0", writes)
            except Changed:  # another one settles, or has news
                time.sleep(random.uniform(0, 0.005))

    def canonical_of_many(self, customer_ids: Sequence[str]) -> list[str]:
        """Return the id that each customer goes by now."""
        texts = self._place.ask("hmget", "stitches", customer_ids) if customer_ids else []
        return [_current(i, text) for i, text in zip(customer_ids, texts, strict=True)]

    def members_of(self, canonical_id: str) -> list[str]:
        """Return all ids that go by this one now, itself first."""
        ids = sorted(self._place.ask("smembers", f"joined:{canonical_id}"))
        now = zip(ids, self.canonical_of_many(ids), strict=True)
        return [canonical_id, *(i for i, canonical in now if canonical == canonical_id)]

    def members_if(self, customer_id: str, supposed: Supposed) -> list[str]:
        """Return all ids that a customer would go by, the present one first, if that were so."""
        _, edges = reached([customer_id], partial(self._facts.around, supposed=supposed))
        now = {row.id: row.canonical_id for row in intervals(edges) if row.to_at == FOREVER}
        canonical_id = now.get(customer_id, customer_id)
        return [canonical_id, *sorted(i for i, c in now.items() if c == canonical_id)]

    def merges_of(self, ids: Iterable[str]) -> list[Merge]:
        """Return every merge that one of the ids has part in, undone ones too, by time."""
        return sorted(self._merges(ids).values(), key=lambda m: m.edge)

    def merge(self, merge_id: str) -> Merge | None:
        """Return one merge."""
        found = self._place.ask("hget", "merges", merge_id)
        return _merge(found) if found else None

    def undo(self, merge: Merge, at: int, version: str) -> None:
        """Take back a merge for all time; raise `Changed` where news came between."""
        edge = merge.edge
        kept = self._kept_of(edge)
        if any(text is None for _, _, text in kept):  # erased a moment ago
            raise Changed
        is_alias = edge.reason == ALIAS
        writes: list[Command] = [("HSET", "merges", edge.merge_id, _merge_text(edge, at))]
        for key, name, text in kept:
            told = to_said(text) if is_alias else to_shown(text)
            writes.append(("HSET", key, name, str(told._replace(undone=str(at)))))
        if not is_alias:
            writes.append(("ZREM", f"key:{edge.key}", edge.id_b))
        writes.append(("SADD", "pending", edge.id_a, edge.id_b))
        self._place.commit(version, writes)

    def _kept_of(self, edge: Edge) -> list[tuple[str, str, Any]]:
        """Return (hash, field, text) of what an edge follows from."""
        if edge.reason == ALIAS:
            places = [(f"aliases:{i}", f"{edge.id_a}\0{edge.id_b}") for i in (edge.id_a, edge.id_b)]
        else:
            places = [(f"keys:{edge.id_b}", edge.key)]
        texts = self._place.ask_all(("hget", *place) for place in places)
        return [(*place, text) for place, text in zip(places, texts, strict=True)]

    def restitched(self, after: int) -> tuple[int, dict[str, str]]:
        """Return the number of the last change, and the present id of each id changed since."""
        while True:
            waiting, number, *pairs = self._place.run(self._restitched, after)
            if not waiting:
                now = zip(pairs[::2], pairs[1::2], strict=True)
                return max(number, after), {i: _current(i, text) for i, text in now}
            self.settle()

    def stitches(self) -> tuple[int, list[tuple[str, str, int, int]]]:
        """Return the number of the last change, and (id, canonical id, from, to) of every row."""
        self.settle()
        asked = [("hget", "about", "changes"), ("hgetall", "stitches")]
        number, rows = self._place.ask_all(asked, at_once=True)
        found = [(i, *span) for i, text in rows.items() for span in spans(text)]
        return int(number or 0), sorted(found, key=lambda row: (row[0], row[2]))

    def _restitch(self, ids: Iterable[str], number: int) -> list[Command]:
        """Return what is to be written so that the ids are joined as the facts say."""
        found, edges = reached(ids, self._facts.around)
        before = self._facts.spans_of(found)
        after: dict[str, list[Span]] = {i: [] for i in found}
        for row in intervals(edges):
            after[row.id].append((row.canonical_id, row.from_at, row.to_at))
        writes = self._merge_writes(found, edges)
        for i in sorted(found):
            writes += _span_writes(i, before[i], after[i])
            if _now(i, before[i]) != _now(i, after[i]):
                writes += [("ZADD", "changes", number, i), ("HSET", "about", "changes", number)]
        return writes

    def _merge_writes(self, ids: Iterable[str], edges: Iterable[Edge]) -> list[Command]:
        """Record the merges that stand; the undone ones stay on record."""
        writes: list[Command] = []
        for merge_id, merge in self._merges(ids).items():
            if merge.undone_at is None:
                writes += merge_removal(merge_id, merge)
        for edge in edges:
            writes.append(("HSET", "merges", edge.merge_id, _merge_text(edge, None)))
            writes += [("SADD", f"merges:{i}", edge.merge_id) for i in (edge.id_a, edge.id_b)]
        return writes

    def _merges(self, ids: Iterable[str]) -> dict[str, Merge]:
        found = self._place.ask_all(("smembers", f"merges:{i}") for i in ids)
        names = sorted({name for some in found for name in some})
        texts = self._place.ask("hmget", "merges", names) if names else []
        return {name: _merge(text) for name, text in zip(names, texts, strict=True) if text}


def span_text(i: str, rows: list[Span]) -> Command:
    """Return the command that keeps how an id is stitched."""
    return ("HSET", "stitches", i, json.dumps(rows)) if rows else ("HDEL", "stitches", i)


def merge_removal(merge_id: str, merge: Merge) -> list[Command]:
    """Return the commands that take a merge off the record."""
    ends = (merge.edge.id_a, merge.edge.id_b)
    return [("HDEL", "merges", merge_id), *(("SREM", f"merges:{i}", merge_id) for i in ends)]


def _span_writes(i: str, before: list[Span], after: list[Span]) -> list[Command]:
    if before == after:
        return []
    old, new = ({canonical for canonical, *_ in rows} for rows in (before, after))
    return [
        span_text(i, after),
        *(("SREM", f"joined:{c}", i) for c in sorted(old - new)),
        *(("SADD", f"joined:{c}", i) for c in sorted(new - old)),
    ]


def _now(i: str, rows: Iterable[Span]) -> str:
    return next((canonical for canonical, _, until in rows if until == FOREVER), i)


def _current(i: str, text: str | None) -> str:
    return _now(i, spans(text))


def _merge_text(edge: Edge, undone_at: int | None) -> str:
    return json.dumps([*edge, undone_at])


def _merge(text: str) -> Merge:
    plain: list[Any] = json.loads(text)
    return Merge(Edge(*plain[:-1]), plain[-1])
