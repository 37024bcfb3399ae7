"""Traits become identify events: one when a customer is first seen, one for each later change."""

from collections.abc import Iterator

import duckdb

from domain.catalogue import IDENTIFY
from domain.events import Event, from_micros
from feature_repo.importing.rules import Mapping
from feature_repo.importing.sql import literal


def make_identities(db: duckdb.DuckDBPyConnection, mapping: Mapping) -> int:
    """Build table `identities` (customer, moment, names, given) from `lines`; return how many rows.

    Of two values at one instant the larger text counts, so that no file order decides.
    """
    seen = " UNION ALL ".join(
        f"SELECT customer, moment, {literal(name)} AS name, max(t{n}) AS given FROM lines "
        f"WHERE customer IS NOT NULL AND t{n} IS NOT NULL GROUP BY customer, moment"
        for n, name in enumerate(mapping.traits)
    )
    seen = seen or "SELECT '' AS customer, 0 AS moment, '' AS name, '' AS given WHERE false"
    db.execute(
        f"""
        CREATE TABLE identities AS
        SELECT customer, moment, list(name ORDER BY name) AS names,
            list(given ORDER BY name) AS given
        FROM (SELECT *, lag(given) OVER (PARTITION BY customer, name ORDER BY moment) AS before
              FROM ({seen}))
        WHERE given IS DISTINCT FROM before GROUP BY customer, moment
        """
    )
    made = db.execute("SELECT count(*) FROM identities").fetchone()
    return made[0] if made else 0


def stream_identities(db: duckdb.DuckDBPyConnection, mapping: Mapping) -> Iterator[Event]:
    """Yield the identify events in time order."""
    name = literal(f"{mapping.name}:{IDENTIFY}:")
    found = db.cursor().execute(
        f"SELECT {name} || md5(concat_ws(chr(31), customer, moment, names::TEXT, given::TEXT)), "
        "moment, customer, names, given FROM identities ORDER BY moment, customer"
    )
    while rows := found.fetchmany(10_000):
        for message_id, micros, customer, names, given in rows:
            at = from_micros(micros)
            yield Event(
                message_id=message_id,
                kind=IDENTIFY,
                at=at,
                received_at=at,
                customer_id=customer,
                traits=dict(zip(names, given, strict=True)),
            )
