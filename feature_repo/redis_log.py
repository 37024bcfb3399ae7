"""The event log in Redis Streams, for many machines: the same promises as the one in SQLite.

An event is stored, numbered, deduplicated, linked and indexed by one script, so a process that dies
leaves all of it or nothing. It is durable before the answer where Redis runs with `appendonly yes`,
`appendfsync always` and `maxmemory-policy noeviction`. One Redis holds the log (with replicas, if
wanted); the scripts make their keys themselves, which a Redis cluster does not allow.
"""

import itertools
import json
import secrets
import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from domain.events import Event, from_micros, to_micros
from domain.items import Item
from feature_repo.event_rows import COLUMNS, Row, item_to_row, to_event, to_item, to_row
from feature_repo.log import Appended, LogSummary, Stored
from feature_repo.redis_client import connect, reaching, warn_unless_durable
from feature_repo.redis_scripts import APPEND, PUT_ITEMS
from feature_repo.unstitched import Unstitched

PARTITIONS = 8  # of a new log; an old one keeps what it has
_PREFIX = "nextbest:log:"
_CHUNK = 1_000  # events of one script call, for which everybody else waits
_PAGE = 1_000
_KIND, _AT, _DECISION = (COLUMNS.index(name) for name in ("kind", "at", "decision_id"))


class RedisLog(Unstitched):
    """The log under the keys `nextbest:log:*`; safe for many threads, processes and machines."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._redis: Any = connect(url)
        self._append = self._redis.register_script(APPEND)
        self._put = self._redis.register_script(PUT_ITEMS)
        warn_unless_durable(self._redis, url)
        self.log_id = self._settled("log_id", secrets.token_hex(8))
        self.partitions = int(self._settled("partitions", str(PARTITIONS)))

    def append(self, events: Iterable[Event], items: Iterable[Item] = ()) -> Appended:
        """Store events (and items) chunk by chunk; after a failure the same call goes on."""
        stored = given = 0
        waiting = iter(events)
        while chunk := list(itertools.islice(waiting, _CHUNK)):
            stored += sum(self.store(chunk).is_new)
            given += len(chunk)
        self.put_items(items)
        return Appended(stored, given - stored)

    def store(self, events: Sequence[Event]) -> Stored:
        """Store a few events in one piece and say for each whether it is new."""
        parts = [self.partition_of(e.subject_id or "") for e in events]
        values = [v for e, part in zip(events, parts, strict=True) for v in _values(e, part)]
        with reaching(self._url):
            found = self._append(keys=[_PREFIX], args=values) if values else []
        reached: dict[int, int] = {}
        for part, seq in zip(parts, found, strict=True):
            reached[part] = max(reached.get(part, 0), abs(seq))
        return Stored([seq > 0 for seq in found], reached)

    def put_items(self, items: Iterable[Item]) -> None:
        """Add items, or replace those with an older `updated_at`."""
        waiting = map(item_to_row, items)
        while chunk := list(itertools.islice(waiting, _CHUNK)):
            values = [v for row in chunk for v in (row[0], row[1], json.dumps(row))]
            with reaching(self._url):
                self._put(keys=[_PREFIX], args=values)

    def last_seq(self) -> int:
        """Return the sequence number of the newest event, 0 when there is none."""
        return int(self._ask("hget", "about", "seq") or 0)

    def rows_after(self, seq: int, limit: int) -> list[Row]:
        """Return up to `limit` rows (seq, *COLUMNS) with a larger sequence number, in order."""
        runs = self.rows_since(dict.fromkeys(range(self.partitions), seq), limit)
        return sorted((row for run in runs.values() for row in run), key=lambda r: r[0])[:limit]

    def rows_since(self, offsets: Mapping[int, int], limit: int) -> dict[int, list[Row]]:
        """Return by partition up to `limit` rows behind its offset, in order."""
        with reaching(self._url), self._redis.pipeline(transaction=True) as pipe:
            for part, seq in offsets.items():
                pipe.xrange(_events(part), min=f"{seq + 1}-0", count=limit)
            found = pipe.execute()
        return {
            part: [_row(*entry) for entry in entries]
            for part, entries in zip(offsets, found, strict=True)
        }

    def partition_of(self, subject_id: str) -> int:
        """Return the partition of a subject's events."""
        return zlib.crc32(subject_id.encode()) % self.partitions

    def trail(self, subject_id: str, *, known: bool) -> list[tuple[int, Event]]:
        """Return (seq, event) of a customer id (`known`), or of a device while nobody was known."""
        return [(row[0], to_event(row[1:])) for row in self._rows_of(subject_id, known)]

    def events_of(
        self, profile_id: str, limit: int | None = None, kinds: Collection[str] = ()
    ) -> list[Event]:
        """Return the events of one profile, its linked devices included, newest first.

        `kinds` keeps to these kinds of event; empty means all.
        """
        latest = None if kinds else limit
        rows = self._rows_of(profile_id, True, latest)
        for device in {profile_id, *self._ask("smembers", f"devices:{profile_id}")}:
            rows += self._rows_of(device, False, latest)
        wanted = [row[1:] for row in rows if not kinds or row[1 + _KIND] in kinds]
        wanted.sort(key=lambda row: (row[_AT], row[0]), reverse=True)
        return [to_event(row) for row in wanted[:limit]]

    def stored_ids(self, message_ids: Iterable[str]) -> set[str]:
        """Return those of the message ids that are in the log already."""
        asked = list(message_ids)
        found = self._ask("hmget", "messages", asked) if asked else []
        return {i for i, seq in zip(asked, found, strict=True) if seq is not None}

    def rows_with(self, message_ids: Sequence[str]) -> list[Row]:
        """Return the rows (seq, *COLUMNS) with these message ids, in no order."""
        found = self._ask("hmget", "messages", list(message_ids)) if message_ids else []
        places = [tuple(map(int, text.split(" "))) for text in found if text]
        return self._entries((_events(part), seq) for seq, part in places)

    def with_decision(self, kind: str, since: int, until: int) -> Iterator[Row]:
        """Yield rows (seq, *COLUMNS) of a kind with a decision id, by time (µs, `until` not in).

        All rows are looked at; a log in Redis is read as a whole by those who count outcomes.
        """
        seq, found = 0, []
        while rows := self.rows_after(seq, _PAGE):
            seq = rows[-1][0]
            found += [r for r in rows if r[1 + _KIND] == kind and r[1 + _DECISION] is not None
                      and since <= r[1 + _AT] < until]  # fmt: skip
        return iter(sorted(found, key=lambda row: (row[1 + _AT], row[0])))

    def customer_of(self, anonymous_id: str) -> str | None:
        """Return the customer a device was linked to, or None."""
        found = self._ask("hget", "links", anonymous_id)
        return None if found is None else str(found.split(" ", 1)[1])

    def resolve_many(self, ids: Collection[str]) -> dict[str, str]:
        """Return by id the profile that it leads to now, of all ids at once."""
        asked = list(ids)
        found = self._ask("hmget", "links", asked) if asked else []
        return {i: t.split(" ", 1)[1] if t else i for i, t in zip(asked, found, strict=True)}

    def profile_id_of(self, event: Event) -> str | None:
        """Return the profile an event belongs to by what is known now; None for item-only lines."""
        if event.customer_id or not event.anonymous_id:
            return event.customer_id
        return self.customer_of(event.anonymous_id) or event.anonymous_id

    def identities(self) -> list[tuple[str, str, int]]:
        """Return (anonymous_id, customer_id, linked at in µs) of every link, by device."""
        found = (
            (device, *text.split(" ", 1)) for device, text in self._ask("hgetall", "links").items()
        )
        return sorted((device, customer, int(at)) for device, at, customer in found)

    def items(self) -> Iterator[Item]:
        """Yield the catalogue in item id order."""
        found = sorted(self._ask("hgetall", "items").items())
        return (to_item(tuple(json.loads(text.split(" ", 1)[1]))) for _, text in found)

    def summary(self) -> LogSummary:
        """Count what is there."""
        about = self._ask("hgetall", "about")
        first, last = about.get("first_at"), about.get("last_at")
        return LogSummary(
            self._ask("hlen", "messages"), self._ask("scard", "customers"),
            self._ask("scard", "seen"), self._ask("hlen", "items"),
            None if first is None else from_micros(int(first)),
            None if last is None else from_micros(int(last)),
        )  # fmt: skip

    def close(self) -> None:
        """Close the connections; the log cannot be used afterwards."""
        self._redis.close()

    def _rows_of(self, subject_id: str, known: bool, limit: int | None = None) -> list[Row]:
        """Return the rows of a subject, the latest `limit` of them, newest first."""
        name = f"of:customer:{subject_id}" if known else f"of:device:{subject_id}"
        members = self._ask("zrevrange", name, 0, -1 if limit is None else limit - 1)
        stream = _events(self.partition_of(subject_id))
        return self._entries((stream, int(m.rsplit("\0", 1)[1])) for m in members)

    def _entries(self, places: Iterable[tuple[str, int]]) -> list[Row]:
        """Return the rows at (stream, seq), in that order."""
        rows: list[Row] = []
        waiting = iter(places)
        while page := list(itertools.islice(waiting, _PAGE)):
            with reaching(self._url), self._redis.pipeline(transaction=False) as pipe:
                for stream, seq in page:
                    pipe.xrange(stream, min=f"{seq}-0", max=f"{seq}-0")
                rows += [_row(*entries[0]) for entries in pipe.execute()]
        return rows

    def _settled(self, name: str, value: str) -> str:
        """Return what the log is marked with; the first to open it says what."""
        self._ask("hsetnx", "about", name, value)
        return str(self._ask("hget", "about", name))

    def _ask(self, command: str, key: str, *args: Any) -> Any:
        with reaching(self._url):
            return getattr(self._redis, command)(_PREFIX + key, *args)


def _events(partition: int) -> str:
    return f"{_PREFIX}events:{partition}"


def _values(event: Event, partition: int) -> tuple[Any, ...]:
    """Return what the script takes of one event."""
    row = json.dumps(to_row(event), ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return (
        event.message_id, to_micros(event.at), event.customer_id or "", event.anonymous_id or "",
        partition, row,
    )  # fmt: skip


def _row(entry: str, fields: Mapping[str, str]) -> Row:
    return (int(entry.split("-", 1)[0]), *json.loads(fields["row"]))
