"""The checkup looks at the data as it lies there and says what is wrong with it, and the cure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from domain.errors import NotEnoughData
from domain.events import from_micros
from feature_repo.lake import items_file
from feature_repo.state_tables import connect

GOOD, NOTE, BAD = "good", "note", "bad"
_STALE_DAYS = 14


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at: `level` is good, note or bad; `cure` is empty when good."""

    topic: str
    level: str
    what: str
    cure: str = ""


def examine(home: Path, currency: str, now: datetime) -> list[Finding]:
    """Return what the lake under `home` says about itself at `now` (UTC)."""
    try:
        db = connect(home)
    except NotEnoughData as fault:
        return [Finding("events", BAD, fault.message, "run `nextbest import` or `nextbest demo`")]
    with db:
        db.execute(f"CREATE VIEW items AS FROM read_parquet('{items_file(home)}')")
        return [
            _coverage(db, now),
            _subjects(db),
            _devices(db),
            _catalogue(db),
            _unknown_kinds(db),
            _clock(db),
            _amounts(db),
            _currencies(db, currency),
            _consent(db),
        ]


def _one(db: duckdb.DuckDBPyConnection, sql: str) -> tuple[Any, ...]:
    row = db.execute(sql).fetchone()
    return row if row is not None else ()


def _coverage(db: duckdb.DuckDBPyConnection, now: datetime) -> Finding:
    count, first, last, days = _one(
        db,
        "SELECT count(*), min(occurred_at), max(occurred_at), "
        "count(DISTINCT occurred_at // 86400000000) FROM events",
    )
    start, end = from_micros(first), from_micros(last)
    what = f"{count:,} events from {start:%Y-%m-%d} to {end:%Y-%m-%d}, on {days:,} days"
    if now - end > timedelta(days=_STALE_DAYS):
        return Finding(
            "events", NOTE, f"{what}; the newest is {(now - end).days:,} days old",
            "send events to /v1/batch, or import a newer export",
        )  # fmt: skip
    return Finding("events", GOOD, what)


def _subjects(db: duckdb.DuckDBPyConnection) -> Finding:
    share = _one(
        db,
        "SELECT avg((customer_id IS NULL AND anonymous_id IS NULL)::INT) FROM events",
    )[0]
    what = f"{share:.1%} of events belong to no customer and no device; they count for items only"
    if share > 0.25:
        return Finding("id join", NOTE, what, "fill the customer column, or send an anonymousId")
    return Finding("id join", GOOD, what)


def _devices(db: duckdb.DuckDBPyConnection) -> Finding:
    devices, linked = _one(
        db,
        "SELECT count(DISTINCT anonymous_id), (SELECT count(*) FROM identities) FROM events",
    )
    if not devices:
        return Finding("devices", GOOD, "no anonymous devices: every event names its customer")
    what = f"{linked:,} of {devices:,} devices ({linked / devices:.0%}) are linked to a customer"
    if linked / devices < 0.02:
        return Finding(
            "devices", NOTE, what, "send `identify` with userId and anonymousId at every log-in"
        )
    return Finding("devices", GOOD, what)


def _catalogue(db: duckdb.DuckDBPyConnection) -> Finding:
    touched, known = _one(
        db,
        """SELECT count(*), count(*) FILTER (WHERE item_id IN (SELECT item_id FROM items))
           FROM (SELECT DISTINCT unnest(lines).item_id AS item_id FROM events)""",
    )
    what = f"{known:,} of {touched:,} items that events name are in the catalogue"
    if known < touched:
        return Finding(
            "item join", NOTE, what,
            "import the missing items; an unknown item cannot be recommended",
        )  # fmt: skip
    return Finding("item join", GOOD, what)


def _unknown_kinds(db: duckdb.DuckDBPyConnection) -> Finding:
    rows = db.execute(
        "SELECT kind, count(*) AS n FROM events WHERE kind NOT IN (SELECT kind FROM kinds) "
        "GROUP BY kind ORDER BY n DESC, kind LIMIT 10"
    ).fetchall()
    if not rows:
        return Finding("event names", GOOD, "every event name is in the event catalogue")
    named = ", ".join(f"{kind!r} ({n:,})" for kind, n in rows)
    return Finding(
        "event names", NOTE, f"not in the event catalogue, so scored 0: {named}",
        "add them to the event catalogue, or rename them where they are sent",
    )  # fmt: skip


def _clock(db: duckdb.DuckDBPyConnection) -> Finding:
    ahead, late = _one(
        db,
        """SELECT count(*) FILTER (WHERE occurred_at > received_at + 60000000),
                  count(*) FILTER (WHERE occurred_at < 0) FROM events""",
    )
    if ahead or late:
        return Finding(
            "clock", BAD,
            f"{ahead:,} events happened after they were received, {late:,} before 1970",
            "check the time zone of the mapping, and the clock of the sender",
        )  # fmt: skip
    return Finding("clock", GOOD, "no event happened after it was received")


def _amounts(db: duckdb.DuckDBPyConnection) -> Finding:
    bought, unpriced = _one(
        db,
        """SELECT count(*), count(*) FILTER (WHERE value IS NULL OR value = 0)
           FROM events JOIN kinds USING (kind) WHERE grp = 'purchase'""",
    )
    if not bought:
        return Finding(
            "purchases", BAD, "there is no purchase", "map the orders to the event 'purchase'"
        )
    what = f"{bought:,} purchases, {unpriced:,} of them without an amount"
    if unpriced == bought:
        return Finding(
            "purchases", NOTE, what, "map unit price or amount, or CLV has nothing to learn"
        )
    return Finding("purchases", GOOD, what)


def _currencies(db: duckdb.DuckDBPyConnection, currency: str) -> Finding:
    rows = db.execute(
        "SELECT currency, count(*) FROM events WHERE currency IS NOT NULL "
        "GROUP BY 1 ORDER BY 2 DESC"
    ).fetchall()
    names = [name for name, _ in rows]
    if names and names != [currency]:
        return Finding(
            "currency", NOTE, f"amounts are in {', '.join(names)}; the setting says {currency}",
            f"set NEXTBEST_CURRENCY={names[0]}, and convert the others before import",
        )  # fmt: skip
    return Finding("currency", GOOD, f"all amounts are in {currency}, or name no currency")


def _consent(db: duckdb.DuckDBPyConnection) -> Finding:
    asked = _one(
        db,
        """SELECT count(DISTINCT who) FILTER (WHERE consent IS NOT NULL)
                  / nullif(count(DISTINCT who), 0)
           FROM (SELECT coalesce(customer_id, anonymous_id) AS who, consent FROM events)""",
    )[0]
    what = f"{asked or 0:.0%} of customers were asked for consent"
    if not asked:
        return Finding(
            "consent", NOTE, what,
            "send context.consent.categoryPreferences; without it no marketing action is chosen",
        )  # fmt: skip
    return Finding("consent", GOOD, what)
