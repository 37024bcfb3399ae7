"""The event log in Redis Streams, for many machines: the same promises as the one in SQLite.

An event is stored, numbered, deduplicated, linked and indexed by one script, so a process that dies
leaves all of it or nothing. It is durable before the answer where Redis runs with `appendonly yes`,
`appendfsync always` and `maxmemory-policy noeviction`. One Redis holds the log (with replicas, if
wanted); the scripts make their keys themselves, which a Redis cluster does not allow.
"""

import itertools
import json
import secrets
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from domain.errors import Conflict
from domain.events import Event, from_micros, to_micros
from domain.identity import MAX_PROFILES, keys_of
from domain.items import Item
from feature_repo.consumers import Consumer, PartitionLag
from feature_repo.event_rows import COLUMNS, Row, item_to_row, row_text, to_event, to_item, to_row
from feature_repo.log import Appended, LogSummary, Stored, Together
from feature_repo.redis_client import Keyspace, place, warn_unless_durable
from feature_repo.redis_consumer import RedisConsumer, lag_of, seq_of, stream_key
from feature_repo.redis_persons import RedisPersons
from feature_repo.redis_scripts import APPEND, PUT_ITEMS
from feature_repo.redis_trial import RedisTrial
from feature_repo.salt import ensure_salt

PARTITIONS = 8  # of a new log; an old one keeps what it has
_PREFIX = "nextbest:log:"
_LAYOUT = "2"  # of the keys
_CHUNK = 1_000  # events of one script call, for which everybody else waits
_PAGE = 1_000
_KIND, _AT = (COLUMNS.index(name) for name in ("kind", "at"))


class RedisLog(RedisPersons):
    """The log under the keys `nextbest:log:*`; safe for many threads, processes and machines."""

    def __init__(
        self,
        url: str,
        home: Path,
        identity_max_profiles: int = MAX_PROFILES,
        calling_code: str = "",
    ) -> None:
        keys = Keyspace(url, _PREFIX)
        warn_unless_durable(keys.client, url)
        _check_layout(keys)
        partitions = int(_settled(keys, "partitions", str(PARTITIONS)))
        super().__init__(keys, ensure_salt(home), identity_max_profiles, partitions)
        self.log_id = _settled(keys, "log_id", secrets.token_hex(8))
        self._keys_of = partial(keys_of, salt=self._salt, calling_code=calling_code)
        self._trial = RedisTrial(keys, self._identity, self._keys_of)
        self._append = keys.client.register_script(APPEND)
        self._put = keys.client.register_script(PUT_ITEMS)

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
        while True:
            kept = self.screened(events)
            asked = [(e, self.partition_of(e.subject_id or "")) for e in kept if e is not None]
            if not asked:
                return Stored([False] * len(kept), {})
            values = [v for e, part in asked for v in self._values(e, part)]
            waiting, *found = self._place.run(self._append, self._erasures, *values)
            if waiting >= 0:
                break
            self._erasures = found[0]
        if waiting:
            self._identity.settle()
        reached: dict[int, int] = {}
        for (_, part), seq in zip(asked, found, strict=True):
            reached[part] = max(reached.get(part, 0), abs(seq))
        seqs = iter(found)
        return Stored([e is not None and next(seqs) > 0 for e in kept], reached)

    def may_join(self, events: Sequence[Event]) -> bool:
        """Return whether storing these events may make customers one person who were not so."""
        return self._trial.may_join(events)

    def together_with(
        self, events: Sequence[Event], customer_id: str | None, anonymous_id: str | None
    ) -> Together:
        """Return who a person would be if these events were stored; nothing is stored."""
        known = self.stored_ids(e.message_id for e in events)
        fresh = {e.message_id: e for e in reversed(events) if e.message_id not in known}
        return self._trial.together_with(fresh.values(), customer_id, anonymous_id)

    def put_items(self, items: Iterable[Item]) -> None:
        """Add items, or replace those with an older `updated_at`."""
        waiting = map(item_to_row, items)
        while chunk := list(itertools.islice(waiting, _CHUNK)):
            values = [v for row in chunk for v in (row[0], row[1], json.dumps(row))]
            self._place.run(self._put, *values)

    def item_changes(self) -> int:
        """Return the number of the last change of the catalogue, 0 if there never was an item."""
        return int(self._ask("hget", "about", "item_changes") or 0)

    def items_since(self, change: int) -> list[Item]:
        """Return the items, as they are now, that changed behind that number."""
        ids = self._ask("zrangebyscore", "item_changes", f"({change}", "+inf")
        found = self._ask("hmget", "items", ids) if ids else []
        return [_item(text) for text in found if text]

    def last_seq(self) -> int:
        """Return the sequence number of the newest event, 0 when there is none."""
        return int(self._ask("hget", "about", "seq") or 0)

    def rows_after(self, seq: int, limit: int) -> list[Row]:
        """Return up to `limit` rows (seq, *COLUMNS) with a larger sequence number, in order."""
        rows: list[Row] = []
        newest = self.last_seq()
        while seq < newest and len(rows) < limit:
            until = min(seq + min(_PAGE, limit - len(rows)), newest)
            rows += self._rows(range(seq + 1, until + 1))
            seq = until
        return rows

    def rows_since(self, offsets: Mapping[int, int], limit: int) -> dict[int, list[Row]]:
        """Return by partition up to `limit` rows behind its offset, in order."""
        found = self._place.ask_all(
            [("xrange", stream_key(part), f"{seq + 1}-0", "+", limit)
             for part, seq in offsets.items()],
            at_once=True,
        )  # fmt: skip
        seqs = [[seq_of(entry) for entry, _ in entries] for entries in found]
        rows = {row[0]: row for row in self._rows([seq for run in seqs for seq in run])}
        return {
            part: [rows[seq] for seq in run if seq in rows]
            for part, run in zip(offsets, seqs, strict=True)
        }

    def consumer(self) -> Consumer:
        """Return a consumer that claims its share of the partitions."""
        return RedisConsumer(self._place, self.partitions)

    def lag(self) -> list[PartitionLag]:
        """Return how consumers fold each partition; empty where there never was one."""
        return lag_of(self._place, self.partitions)

    def trail(self, subject_id: str, *, known: bool) -> list[tuple[int, Event]]:
        """Return (seq, event) of a customer id (`known`), or of a device while nobody was known."""
        return [(row[0], to_event(row[1:])) for row in self._rows_of(subject_id, known)]

    def events_of(
        self, profile_id: str, limit: int | None = None, kinds: Collection[str] = ()
    ) -> list[Event]:
        """Return the events of one profile, with all its ids and devices, newest first.

        `kinds` keeps to these kinds of event; empty means all.
        """
        latest = None if kinds else limit
        customers = self._identity.members_of(profile_id)
        devices = self._place.ask_all(("smembers", f"devices:{c}") for c in customers)
        places = [(c, True) for c in customers]
        places += [(d, False) for d in {*customers, *(d for some in devices for d in some)}]
        rows = [row for i, known in places for row in self._rows_of(i, known, latest)]
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
        return self._rows([int(seq) for seq in found if seq])

    def with_decision(self, kind: str, since: int, until: int) -> Iterator[Row]:
        """Yield rows (seq, *COLUMNS) of a kind with a decision id, by time (µs, `until` not in)."""
        at, done = float(since), 0  # how many at that very time were told already
        while members := self._ask(
            "zrangebyscore", f"decided:{kind}", at, f"({until}", done, _PAGE, True
        ):
            yield from self._rows([int(seq) for seq, _ in members])
            newest = members[-1][1]
            done = sum(score == newest for _, score in members) + (done if newest == at else 0)
            at = newest

    def identities(self) -> list[tuple[str, str, int]]:
        """Return (anonymous_id, customer_id, linked at in µs) of every link, by device."""
        found = (
            (device, *text.split(" ", 1)) for device, text in self._ask("hgetall", "links").items()
        )
        return sorted((device, customer, int(at)) for device, at, customer in found)

    def items(self) -> Iterator[Item]:
        """Yield the catalogue in item id order."""
        found = sorted(self._ask("hgetall", "items").items())
        return (_item(text) for _, text in found)

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
        self._place.close()

    def _rows_of(self, subject_id: str, known: bool, limit: int | None = None) -> list[Row]:
        """Return the rows of a subject, the latest `limit` of them, newest first."""
        name = f"of:customer:{subject_id}" if known else f"of:device:{subject_id}"
        members = self._ask("zrevrange", name, 0, -1 if limit is None else limit - 1)
        return self._rows([int(m.rsplit("\0", 1)[1]) for m in members])

    def _rows(self, seqs: Sequence[int]) -> list[Row]:
        """Return the rows with these sequence numbers, in that order; what was erased is not."""
        rows: list[Row] = []
        for start in range(0, len(seqs), _PAGE):
            page = seqs[start : start + _PAGE]
            texts = self._ask("hmget", "rows", list(page))
            rows += [
                (seq, *json.loads(text)) for seq, text in zip(page, texts, strict=True) if text
            ]
        return rows

    def _values(self, event: Event, partition: int) -> tuple[Any, ...]:
        """Return what the script takes of one event."""
        keys = self._keys_of(event.traits) if event.customer_id and event.traits else ()
        return (
            event.message_id, to_micros(event.at), event.customer_id or "",
            event.anonymous_id or "", partition, row_text(to_row(event)), event.kind,
            int(event.decision_id is not None), " ".join(part for key in keys for part in key),
        )  # fmt: skip

    def _ask(self, command: str, key: str, *args: Any) -> Any:
        return self._place.ask(command, key, *args)


def _check_layout(keys: Keyspace) -> None:
    """Refuse a log whose keys were laid out by a version before this one."""
    layout, seq = keys.ask_all([("hget", "about", "layout"), ("hget", "about", "seq")])
    if layout not in (None, _LAYOUT) or (seq and layout is None):
        raise Conflict(
            f"the event log in Redis at {place(keys.url)} was laid out by another version of "
            "Nextbest; begin a new one in another database of that Redis, and import again",
            field="event_log",
        )
    keys.ask("hsetnx", "about", "layout", _LAYOUT)


def _settled(keys: Keyspace, name: str, value: str) -> str:
    """Return what the log is marked with; the first to open it says what."""
    keys.ask("hsetnx", "about", name, value)
    return str(keys.ask("hget", "about", name))


def _item(text: str) -> Item:
    """Return the item of a text `<updated at> <row>`."""
    return to_item(tuple(json.loads(text.split(" ", 1)[1])))
