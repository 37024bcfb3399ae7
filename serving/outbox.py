"""Webhooks and the messages that wait for them; a message is kept with the change it tells of."""

import json
import secrets
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from domain.errors import NotFound
from domain.events import from_micros, to_micros
from serving.live_tables import LiveTables
from serving.membership import JOURNAL_DAYS, Move

MAX_IDS = 500  # profiles in one message
_COLUMNS = "id, url, segments, secret, created_at"
_WAITING = "dead_at IS NULL"


@dataclass(frozen=True, slots=True)
class Webhook:
    """A destination; no segments means all of them."""

    id: str
    url: str
    segments: tuple[str, ...]
    secret: str
    created_at: datetime

    def wants(self, segment: str) -> bool:
        """Return whether changes of a segment go there."""
        return not self.segments or segment in self.segments


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message on its way; `body` is sent as it stands, at each attempt the same."""

    seq: int
    id: str
    body: str
    created_at: datetime
    attempts: int
    next_at: datetime


class Outbox:
    """Webhooks, their messages in order, and those that were given up."""

    def __init__(self, tables: LiveTables) -> None:
        self._tables = tables

    def add(self, url: str, segments: Sequence[str], now: datetime) -> Webhook:
        """Keep a new webhook with a new secret."""
        made = Webhook(
            f"wh_{uuid.uuid4().hex[:16]}", url, tuple(segments),
            f"whsec_{secrets.token_urlsafe(32)}", now,
        )  # fmt: skip
        self._tables.change(
            "INSERT INTO webhooks VALUES (?, ?, ?, ?, ?)",
            (made.id, url, json.dumps(list(segments)), made.secret, to_micros(now)),
        )
        return made

    def all(self) -> list[Webhook]:
        """Return all webhooks, the oldest first."""
        rows = self._tables.rows(f"SELECT {_COLUMNS} FROM webhooks ORDER BY created_at, id")
        return [_webhook(row) for row in rows]

    def get(self, webhook_id: str) -> Webhook:
        """Return one webhook."""
        rows = self._tables.rows(f"SELECT {_COLUMNS} FROM webhooks WHERE id = ?", (webhook_id,))
        if not rows:
            raise NotFound(f"no webhook {webhook_id[:80]!r}; GET /v1/webhooks lists them",
                           field="id")  # fmt: skip
        return _webhook(rows[0])

    def delete(self, webhook_id: str) -> None:
        """Forget a webhook and what waits for it."""
        self.get(webhook_id)
        with self._tables.transaction():
            self._tables.change("DELETE FROM webhooks WHERE id = ?", (webhook_id,))
            self._tables.change("DELETE FROM outbox WHERE webhook = ?", (webhook_id,))

    def put(self, moves: Sequence[Move], now: datetime) -> None:
        """Keep a message per webhook, segment and op, inside the transaction of the changes."""
        hooks = self.all() if moves else []
        at = to_micros(now)
        rows = [
            (message["delivery_id"], hook.id, json.dumps(message, ensure_ascii=False), at, at)
            for hook in hooks
            for message in _messages([m for m in moves if hook.wants(m.segment)], now)
        ]
        self._tables.change_many(
            "INSERT INTO outbox (id, webhook, body, created_at, next_at) VALUES (?, ?, ?, ?, ?)",
            rows,
        )

    def heads(self) -> dict[str, Delivery]:
        """Return the first waiting message of each webhook that has one."""
        found = {hook.id: self.first(hook.id) for hook in self.all()}
        return {hook_id: head for hook_id, head in found.items() if head is not None}

    def first(self, webhook_id: str) -> Delivery | None:
        """Return the oldest waiting message of a webhook, or None."""
        rows = self._tables.rows(
            "SELECT seq, id, body, created_at, attempts, next_at FROM outbox "
            f"WHERE webhook = ? AND {_WAITING} ORDER BY seq LIMIT 1",
            (webhook_id,),
        )
        return _delivery(rows[0]) if rows else None

    def delivered(self, delivery: Delivery) -> None:
        """Forget a message that has arrived."""
        self._tables.change("DELETE FROM outbox WHERE seq = ?", (delivery.seq,))

    def put_off(self, delivery: Delivery, next_at: datetime, error: str) -> None:
        """Keep a message for another attempt."""
        self._tables.change(
            "UPDATE outbox SET attempts = attempts + 1, next_at = ?, error = ? WHERE seq = ?",
            (to_micros(next_at), error, delivery.seq),
        )

    def give_up(self, delivery: Delivery, now: datetime, error: str) -> None:
        """Set a message aside, for as long as the journal reaches back; those behind it go on."""
        old = to_micros(now - timedelta(days=JOURNAL_DAYS))
        self._tables.change("DELETE FROM outbox WHERE dead_at < ?", (old,))
        self._tables.change(
            "UPDATE outbox SET attempts = attempts + 1, dead_at = ?, error = ? WHERE seq = ?",
            (to_micros(now), error, delivery.seq),
        )

    def counts(self, webhook_id: str) -> dict[str, Any]:
        """Return how many messages wait and were given up, and the last error of the first."""
        waiting, dead = self._tables.rows(
            "SELECT count(*) FILTER (WHERE dead_at IS NULL), count(dead_at) FROM outbox "
            "WHERE webhook = ?",
            (webhook_id,),
        )[0]
        errors = self._tables.rows(
            f"SELECT error FROM outbox WHERE webhook = ? AND {_WAITING} ORDER BY seq LIMIT 1",
            (webhook_id,),
        )
        return {"waiting": waiting, "dead": dead, "error": errors[0][0] if errors else None}

    def dead(self, webhook_id: str, after: int, limit: int) -> list[dict[str, Any]]:
        """Return messages that were given up, oldest first, behind a sequence number."""
        self.get(webhook_id)
        rows = self._tables.rows(
            "SELECT seq, body, attempts, dead_at, error FROM outbox "
            "WHERE webhook = ? AND dead_at IS NOT NULL AND seq > ? ORDER BY seq LIMIT ?",
            (webhook_id, after, limit),
        )
        return [
            {"seq": seq, "message": json.loads(body), "attempts": attempts,
             "dead_at": from_micros(at).isoformat(), "error": error}
            for seq, body, attempts, at, error in rows
        ]  # fmt: skip

    def forget(self, profiles: Sequence[str]) -> None:
        """Take these profiles out of every message that is kept; for erasure."""
        gone = set(profiles)
        with self._tables.transaction():
            for seq, body in self._tables.rows("SELECT seq, body FROM outbox"):
                message = json.loads(body)
                left = [i for i in message["ids"] if i not in gone]
                if left and len(left) < len(message["ids"]):
                    text = json.dumps(message | {"ids": left}, ensure_ascii=False)
                    self._tables.change("UPDATE outbox SET body = ? WHERE seq = ?", (text, seq))
                elif not left:
                    self._tables.change("DELETE FROM outbox WHERE seq = ?", (seq,))


def _messages(moves: Sequence[Move], now: datetime) -> Iterator[dict[str, Any]]:
    grouped: dict[tuple[str, str, int], list[str]] = {}
    for move in moves:
        grouped.setdefault((move.segment, move.op, move.version), []).append(move.profile)
    for (segment, op, version), ids in grouped.items():
        for start in range(0, len(ids), MAX_IDS):
            yield {
                "delivery_id": f"dl_{uuid.uuid4().hex}", "segment": segment, "op": op,
                "ids": ids[start : start + MAX_IDS], "version": version, "at": now.isoformat(),
            }  # fmt: skip


def _webhook(row: tuple[Any, ...]) -> Webhook:
    return Webhook(row[0], row[1], tuple(json.loads(row[2])), row[3], from_micros(row[4]))


def _delivery(row: tuple[Any, ...]) -> Delivery:
    return Delivery(row[0], row[1], row[2], from_micros(row[3]), row[4], from_micros(row[5]))
