"""The parts of every customer's state at one cut-off, as DuckDB tables: `domain.behaviour` in SQL.

Each table holds one part of `State` for all profiles at once. `feature_repo.feature_sql` reads
features off them, `feature_repo.states` writes them out as states. Law 1 keeps both equal to the
fold.
"""

from collections.abc import Sequence
from pathlib import Path

import duckdb
import pyarrow as pa

from domain.behaviour import (
    DAY_MICROS,
    HALF_LIVES_DAYS,
    MAX_DAYS,
    MAX_MOMENTS,
    MAX_TOUCHES,
    is_active,
)
from domain.catalogue import JOURNEY, PURCHASE_GROUP, STAGES, builtin_catalogue
from domain.errors import NotEnoughData
from feature_repo.lake import events_glob, identities_file, stitches_file

FOREVER = 2**63 - 1
PARTS = ("ev", "tally", "purchase_day", "active_day", "touch", "moment", "trait", "consent")


def connect(
    home: Path,
    *,
    threads: int = 2,
    memory_limit: str = "3GB",
    hold: bool = False,
    until: int | None = None,
    before: int | None = None,
) -> duckdb.DuckDBPyConnection:
    """Open a session over the lake, with the event catalogue as table `kinds`.

    `hold` reads the events once into the session; it pays when they are used for many cut-offs.
    `until` leaves out events with a larger sequence number; `before` whatever happened at that time
    (µs since 1970) or later, also what links devices and customers.
    """
    if not any((home / "lake" / "events").glob("*/*.parquet")):
        raise NotEnoughData(
            f"the lake under {home} holds no events; run `nextbest import` or `nextbest demo` first"
        )
    db = duckdb.connect()
    db.execute(f"SET threads = {threads}; SET memory_limit = '{memory_limit}'")
    db.execute("SET TimeZone = 'UTC'; SET preserve_insertion_order = false")
    db.execute(f"SET temp_directory = '{home / 'scratch'}'")
    db.register("kinds_given", _catalogue_table())
    db.execute("CREATE TABLE kinds AS FROM kinds_given")
    relation = "TEMP TABLE" if hold else "VIEW"
    known = "true" if until is None else f"seq <= {until}"
    end = FOREVER if before is None else before
    db.execute(
        f"CREATE {relation} events AS FROM read_parquet('{events_glob(home)}') "
        f"WHERE {known} AND occurred_at < {end}"
    )
    db.execute(
        f"CREATE TABLE identities AS FROM read_parquet('{identities_file(home)}') "
        f"WHERE linked_at < {end}"
    )
    db.execute("CREATE TABLE stitches (id TEXT, canonical_id TEXT, from_at BIGINT, to_at BIGINT)")
    if stitches_file(home).exists():
        db.execute(f"INSERT INTO stitches FROM read_parquet('{stitches_file(home)}')")
        db.execute(f"DELETE FROM stitches WHERE from_at >= {end}")
        db.execute(f"UPDATE stitches SET to_at = {FOREVER} WHERE to_at >= {end}")
    return db


def make_parts(
    db: duckdb.DuckDBPyConnection,
    cutoff: int,
    names: Sequence[str] = PARTS,
    among: str = "TRUE",
) -> None:
    """Make the tables `names`, "ev" first, from the events before `cutoff` (µs since 1970).

    `among` is the SQL condition that the profile ids fulfil; the other tables are made of "ev".
    """
    for name in names:
        sql = _SQL[name].replace("$T", str(cutoff))
        chosen = f"SELECT * FROM ({sql}) WHERE {among}" if name == "ev" else sql
        db.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {chosen}")


def profile_key(cutoff: str, event: str = "e", link: str = "i") -> str:
    """Return the SQL of an event's profile id as known at `cutoff` (an SQL expression in µs)."""
    return canonical(
        f"coalesce({event}.customer_id, CASE WHEN {link}.linked_at < {cutoff} "
        f"THEN {link}.customer_id END, {event}.anonymous_id)",
        cutoff,
    )


def canonical(customer_id: str, cutoff: str) -> str:
    """Return the SQL of the id that a customer went by at `cutoff`; both are SQL expressions."""
    return (
        f"coalesce((SELECT max(s.canonical_id) FROM stitches s WHERE s.id = {customer_id} "
        f"AND s.from_at < {cutoff} AND {cutoff} <= s.to_at), {customer_id})"
    )


def _catalogue_table() -> pa.Table:
    kinds = list(builtin_catalogue().kinds.values())
    return pa.table(
        {
            "kind": [k.name for k in kinds],
            "grp": [k.group for k in kinds],
            "score": [k.score for k in kinds],
            "loyalty": [k.loyalty for k in kinds],
            "model": [k.model for k in kinds],
            "stage_rank": [STAGES.index(k.stage) if k.stage else None for k in kinds],
            "journey_rank": [JOURNEY.index(k.journey) if k.journey else None for k in kinds],
            "is_active": [is_active(k.name) for k in kinds],
        }
    )


def _decayed(total: str) -> str:
    """Return a list of decayed sums, one per half-life, as of the tally's last event."""
    return ", ".join(
        f"sum({total} * pow(2, (occurred_at - last_at) / {days * DAY_MICROS!r}))"
        for days in HALF_LIVES_DAYS.values()
    )


def _latest(order: str, k: int) -> str:
    return f"QUALIFY row_number() OVER (PARTITION BY profile_id ORDER BY {order}) <= {k}"


_SQL = {
    "ev": f"""
        SELECT {profile_key("$T")} AS profile_id, e.customer_id, e.anonymous_id, e.message_id,
               e.kind, e.occurred_at, coalesce(e.value, 0) AS value, e.channel, e.device,
               e.campaign, e.lines, e.traits, e.consent, coalesce(k.grp, 'none') AS grp,
               coalesce(k.is_active, true) AS is_active
        FROM events e
        LEFT JOIN identities i ON i.anonymous_id = CASE WHEN e.customer_id IS NULL
                                                        THEN e.anonymous_id END
        LEFT JOIN kinds k ON k.kind = e.kind
        WHERE e.occurred_at < $T AND (e.customer_id IS NOT NULL OR e.anonymous_id IS NOT NULL)""",
    "tally": f"""
        SELECT profile_id, kind, count(*) AS events, sum(value) AS value,
               min(occurred_at) AS first_at, max(occurred_at) AS last_at,
               [{_decayed("1")}] AS decayed_count, [{_decayed("value")}] AS decayed_value
        FROM (SELECT profile_id, kind, occurred_at, value,
                     max(occurred_at) OVER (PARTITION BY profile_id, kind) AS last_at FROM ev)
        GROUP BY profile_id, kind""",
    "purchase_day": f"""
        SELECT profile_id, occurred_at // {DAY_MICROS} AS day, sum(value) AS spend
        FROM ev WHERE grp = '{PURCHASE_GROUP}' GROUP BY profile_id, day
        {_latest("day DESC", MAX_DAYS)}""",
    "active_day": f"""
        SELECT profile_id, occurred_at // {DAY_MICROS} AS day
        FROM ev WHERE is_active GROUP BY profile_id, day {_latest("day DESC", MAX_DAYS)}""",
    "touch": f"""
        SELECT profile_id, occurred_at, message_id, kind, position, line.item_id, line.category,
               line.brand
        FROM (SELECT profile_id, occurred_at, message_id, kind, unnest(lines) AS line,
                     generate_subscripts(lines, 1) - 1 AS position FROM ev WHERE is_active)
        {_latest("occurred_at DESC, message_id DESC, position DESC", MAX_TOUCHES)}""",
    "moment": f"""
        SELECT profile_id, occurred_at, message_id, campaign FROM ev WHERE is_active
        {_latest("occurred_at DESC, message_id DESC", MAX_MOMENTS)}""",
    "trait": """
        SELECT profile_id, said.key AS name, said.value AS value, occurred_at, message_id
        FROM (SELECT profile_id, occurred_at, message_id,
                     unnest(map_entries(traits::JSON::MAP(VARCHAR, JSON))) AS said
              FROM ev WHERE traits IS NOT NULL)
        QUALIFY row_number() OVER (PARTITION BY profile_id, name
                                   ORDER BY occurred_at DESC, message_id DESC) = 1""",
    "consent": """
        SELECT profile_id, said.key AS purpose, id, said.value AS granted, occurred_at, message_id
        FROM (SELECT profile_id, occurred_at, message_id, unnest([customer_id, anonymous_id]) AS id,
                     consent FROM ev WHERE consent IS NOT NULL),
             unnest(map_entries(consent::JSON::MAP(VARCHAR, BOOLEAN))) AS entries(said)
        WHERE id IS NOT NULL
        QUALIFY row_number() OVER (PARTITION BY profile_id, purpose, id
                                   ORDER BY occurred_at DESC, message_id DESC) = 1""",
}
