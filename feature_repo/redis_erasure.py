"""Taking a person out of the log in Redis: the same as `log_erasure` does in SQLite, in one piece.

All that is to be written is worked out first, and written where nothing changed meanwhile.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from feature_repo.event_rows import COLUMNS, row_text
from feature_repo.persons import Plan, nameless
from feature_repo.redis_client import Changed, Command, Keyspace
from feature_repo.redis_facts import STANDS, spans, to_shown
from feature_repo.redis_identity import RedisIdentity, merge_removal, span_text
from feature_repo.tombstones import marks

_DEVICE, _KIND, _DECISION = (COLUMNS.index(n) for n in ("anonymous_id", "kind", "decision_id"))
_CUSTOMER = COLUMNS.index("customer_id")
_PAGE = 500  # values of one command

Expected = list[tuple[Command, str]]


@dataclass(frozen=True, slots=True)
class _Trail:
    """The events of a person: by sequence number the message id, and what the event says."""

    messages: dict[str, str]
    rows: dict[str, list[Any]]
    expected: Expected  # how many there were in each place that was looked at


@dataclass(frozen=True, slots=True)
class _Others:
    """The events of others on the person's devices."""

    events: dict[str, list[tuple[str, str, int]]]  # device -> (customer, seq, at), by time
    expected: Expected
    renamed: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "renamed", {device: nameless() for device in self.events})

    @property
    def customers(self) -> tuple[str, ...]:
        """Who the others are."""
        return tuple(sorted({who for found in self.events.values() for who, *_ in found}))


class RedisErasure:
    """Erases under the keys of one log."""

    def __init__(
        self,
        place: Keyspace,
        identity: RedisIdentity,
        salt: bytes,
        partition_of: Callable[[str], int],
    ) -> None:
        self._place, self._identity, self._salt = place, identity, salt
        self._partition_of = partition_of

    def erase(self, canonical_id: str, version: str) -> Plan | None:
        """Remove a person with all ids and devices; None if nothing is there.

        Raises `Changed` where news came between; nothing is written then.
        """
        customers = self._identity.members_of(canonical_id)
        ids = [*customers, *self._devices_of(customers)]
        trail, others = self._trail(customers, ids), self._others(customers, ids)
        if not trail.messages:
            return None
        number = int(self._place.ask("hget", "about", "erasures") or 0) + 1
        plan = Plan(
            number, tuple(customers), tuple(ids), others.renamed, others.customers,
            len(trail.messages),
        )  # fmt: skip
        writes = [
            *_added("SADD", "marks", marks(ids, trail.messages.values(), self._salt)),
            ("HSET", "about", "erasures", number),
            ("HSET", "erasures", number, json.dumps(asdict(plan))),
            *self._without_events(trail, customers, ids),
            *self._without_devices(others, customers, ids),
            *self._without_keys(customers, ids),
            *self._without_stitches(ids),
        ]
        self._place.commit(version, writes, [*trail.expected, *others.expected])
        return plan

    def pending(self) -> list[Plan]:
        """Return the erasures that were begun and not ended."""
        found = self._place.ask("hgetall", "erasures")
        plans = ((int(number), json.loads(text)) for number, text in found.items())
        return [Plan.from_plain(number, plain) for number, plain in sorted(plans)]

    def end(self, plan: Plan) -> None:
        """Forget whom the erasure was about."""
        self._place.ask("hdel", "erasures", plan.erasure_id)

    def _devices_of(self, customers: Sequence[str]) -> list[str]:
        """Return the devices of the customers; an id that is somebody else's name is none."""
        found = self._place.ask_all(("smembers", f"devices:{c}") for c in customers)
        devices = sorted({d for some in found for d in some} - set(customers))
        named = self._place.ask_all(("sismember", "customers", d) for d in devices)
        return [d for d, is_customer in zip(devices, named, strict=True) if not is_customer]

    def _trail(self, customers: Iterable[str], ids: Iterable[str]) -> _Trail:
        places = [*(f"of:customer:{c}" for c in customers), *(f"of:device:{i}" for i in ids)]
        found = self._place.ask_all(("zrange", place, 0, -1) for place in places)
        expected: Expected = [
            (("ZCARD", place), str(len(some))) for place, some in zip(places, found, strict=True)
        ]
        messages = {}
        for member in (member for some in found for member in some):
            message_id, seq = member.rsplit("\0", 1)
            messages[seq] = message_id
        return _Trail(messages, self._rows(list(messages)), expected)

    def _others(self, customers: Iterable[str], ids: Iterable[str]) -> _Others:
        places, mine = list(ids), set(customers)
        found = self._place.ask_all(("zrange", f"with:{i}", 0, -1, False, True) for i in places)
        expected: Expected = []
        events: dict[str, list[tuple[str, str, int]]] = {}
        for device, members in zip(places, found, strict=True):
            expected.append((("ZCARD", f"with:{device}"), str(len(members))))
            seen = [(*member.rsplit("\0", 1), int(at)) for member, at in members]
            theirs = [(who, seq, at) for who, seq, at in seen if who not in mine]
            if theirs:
                events[device] = theirs
        return _Others(events, expected)

    def _without_events(
        self, trail: _Trail, customers: Iterable[str], ids: Iterable[str]
    ) -> list[Command]:
        seqs = list(trail.messages)
        writes = [
            *_added("HDEL", "messages", list(trail.messages.values())),
            *_added("HDEL", "rows", seqs),
            *_added("SREM", "customers", list(customers)),
            *(("DEL", f"of:customer:{c}") for c in customers),
            *(("DEL", f"of:device:{i}") for i in ids),
        ]
        for seq, row in trail.rows.items():
            part = self._partition_of(row[_CUSTOMER] or row[_DEVICE])
            writes.append(("XDEL", f"events:{part}", f"{seq}-0"))
            if row[_DECISION] is not None:
                writes.append(("ZREM", f"decided:{row[_KIND]}", f"{int(seq):016d}"))
            if row[_CUSTOMER] and row[_DEVICE]:
                writes.append(("ZREM", f"with:{row[_DEVICE]}", f"{row[_CUSTOMER]}\0{seq}"))
        return writes

    def _without_devices(
        self, others: _Others, customers: Iterable[str], ids: Sequence[str]
    ) -> list[Command]:
        """Unlink the person's devices, and give those that others used another name."""
        mine = self._place.ask_all(("smembers", f"devices:{c}") for c in customers)
        owned = {d for some in mine for d in some}
        links = self._place.ask("hmget", "links", list(ids))
        writes: list[Command] = [
            *_added("HDEL", "links", [*ids, *sorted(owned)]),
            *_added("SREM", "seen", list(ids)),
            *(("DEL", f"devices:{c}") for c in customers),
            *(("DEL", f"with:{i}") for i in ids),
        ]
        for i, link in zip(ids, links, strict=True):
            if link:
                writes.append(("SREM", f"devices:{link.split(' ', 1)[1]}", i))
        for device, name in others.renamed.items():
            writes += self._renamed(name, others.events[device])
        return writes

    def _renamed(self, name: str, events: list[tuple[str, str, int]]) -> list[Command]:
        rows = self._rows([seq for _, seq, _ in events])
        writes: list[Command] = []
        for customer, seq, at in events:
            row = rows[seq]
            row[_DEVICE] = name
            writes.append(("HSET", "rows", seq, row_text(tuple(row))))
            writes.append(("ZADD", f"with:{name}", at, f"{customer}\0{seq}"))
        first, _, since = events[0]
        return [
            *writes,
            ("SADD", "seen", name),
            ("HSET", "links", name, f"{since} {first}"),
            ("SADD", f"devices:{first}", name),
        ]

    def _without_keys(self, customers: Iterable[str], ids: Sequence[str]) -> list[Command]:
        """Remove keys and aliases; a key that others share keeps a holder without a name."""
        writes: list[Command] = []
        for customer in customers:
            name, shown = nameless(), self._place.ask("hgetall", f"keys:{customer}")
            for key, text in shown.items():
                told = to_shown(text)
                holders = self._place.ask("zrange", f"key:{key}", 0, len(ids))
                if told.undone == STANDS and not set(holders) <= set(ids):
                    kept = str(told._replace(message_id=""))
                    writes += [
                        ("ZADD", f"key:{key}", told.at, name),
                        ("HSET", f"keys:{name}", key, kept),
                        ("SADD", "pending", name),
                    ]
                writes.append(("ZREM", f"key:{key}", customer))
            writes.append(("DEL", f"keys:{customer}"))
        for i in ids:
            for pair in self._place.ask("hkeys", f"aliases:{i}"):
                writes += [("HDEL", f"aliases:{end}", pair) for end in pair.split("\0")]
        return writes

    def _without_stitches(self, ids: Iterable[str]) -> list[Command]:
        writes: list[Command] = []
        for merge in self._identity.merges_of(ids):
            writes += merge_removal(merge.edge.merge_id, merge)
        for i in ids:
            went_by = spans(self._place.ask("hget", "stitches", i))
            writes += [("SREM", f"joined:{canonical}", i) for canonical, *_ in went_by]
            for j in self._place.ask("smembers", f"joined:{i}"):
                rows = spans(self._place.ask("hget", "stitches", j))
                writes.append(span_text(j, [row for row in rows if row[0] != i]))
            writes += [("HDEL", "stitches", i), ("DEL", f"joined:{i}"), ("ZREM", "changes", i)]
        return writes

    def _rows(self, seqs: Sequence[str]) -> dict[str, list[Any]]:
        found = self._place.ask_all(("hget", "rows", seq) for seq in seqs)
        if None in found:  # somebody else was erased a moment ago
            raise Changed
        return {seq: json.loads(text) for seq, text in zip(seqs, found, strict=True)}


def _added(command: str, key: str, values: Sequence[str]) -> list[Command]:
    """Return a command for many values, in pieces that Redis takes."""
    return [(command, key, *values[n : n + _PAGE]) for n in range(0, len(values), _PAGE)]
