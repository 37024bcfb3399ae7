"""Every customer's state at one instant, from all history at once: what the stream starts from."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from domain.events import to_micros
from feature_repo.state_tables import connect, make_parts

_CHUNK = 10_000


def build_states(
    home: Path, as_of: datetime, *, threads: int = 2, memory_limit: str = "3GB"
) -> Iterator[tuple[str, str]]:
    """Yield (profile_id, state as JSON text) of every profile with an event before `as_of`."""
    with LakeStates(home, as_of, threads=threads, memory_limit=memory_limit) as lake:
        yield from lake.states()


class LakeStates:
    """States and device links as the lake has them: the events before `as_of`, one reading of both.

    `until` leaves out events with a larger sequence number.
    """

    def __init__(
        self,
        home: Path,
        as_of: datetime,
        *,
        until: int | None = None,
        threads: int = 2,
        memory_limit: str = "3GB",
    ) -> None:
        self._db = connect(home, threads=threads, memory_limit=memory_limit, until=until)
        self._as_of = to_micros(as_of)

    def __enter__(self) -> "LakeStates":
        return self

    def __exit__(self, *_: object) -> None:
        self._db.close()

    def states(self) -> Iterator[tuple[str, str]]:
        """Yield (profile_id, state as JSON text)."""
        make_parts(self._db, self._as_of)
        found = self._db.execute(_STATES)
        while rows := found.fetchmany(_CHUNK):
            yield from rows

    def links(self) -> list[tuple[str, str, int]]:
        """Return (anonymous_id, customer_id, linked at in µs) of every link."""
        asked = "SELECT anonymous_id, customer_id, linked_at FROM identities WHERE linked_at < ?"
        return self._db.execute(asked, [self._as_of]).fetchall()

    def stitches(self) -> list[tuple[str, str]]:
        """Return (id, canonical id) of every customer that went by another id at `as_of`."""
        asked = "SELECT id, canonical_id FROM stitches WHERE from_at < ? AND ? <= to_at"
        return self._db.execute(asked, [self._as_of, self._as_of]).fetchall()


def _map(key: str, value: str) -> str:
    return f"map_from_entries(list(({key}, {value})))"


_STATES = f"""
    WITH who AS (SELECT profile_id, bool_or(customer_id IS NOT NULL) AS known FROM ev GROUP BY ALL),
    a AS (SELECT profile_id, {
    _map("kind", "json_array(events, value, first_at, last_at, decayed_count, decayed_value)")
} AS tallies FROM tally GROUP BY ALL),
    b AS (SELECT profile_id, {_map("day::VARCHAR", "spend")} AS purchase_days
          FROM purchase_day GROUP BY ALL),
    c AS (SELECT profile_id, list(day ORDER BY day) AS active_days FROM active_day GROUP BY ALL),
    d AS (SELECT profile_id, list(json_array(occurred_at, message_id, position, item_id, kind,
                                             category, brand)
                                  ORDER BY occurred_at, message_id, position) AS touches
          FROM touch GROUP BY ALL),
    e AS (SELECT profile_id, list(json_array(occurred_at, message_id, campaign)
                                  ORDER BY occurred_at, message_id) AS moments
          FROM moment GROUP BY ALL),
    f AS (SELECT profile_id, {_map("channel", "n")} AS channels
          FROM (SELECT profile_id, channel, count(*) AS n FROM ev
                WHERE is_active AND channel IS NOT NULL GROUP BY ALL) GROUP BY ALL),
    g AS (SELECT profile_id, {_map("device", "n")} AS devices
          FROM (SELECT profile_id, device, count(*) AS n FROM ev
                WHERE is_active AND device IS NOT NULL GROUP BY ALL) GROUP BY ALL),
    h AS (SELECT profile_id, {_map("name", "json_array(occurred_at, message_id, value)")} AS traits
          FROM trait GROUP BY ALL),
    i AS (SELECT profile_id, {_map("purpose", "by_id")} AS consents
          FROM (SELECT profile_id, purpose, {
    _map("id", "json_array(occurred_at, message_id, granted)")
} AS by_id FROM consent GROUP BY ALL) GROUP BY ALL)
    SELECT profile_id, to_json({{
        known: known, tallies: tallies, purchase_days: purchase_days, active_days: active_days,
        touches: touches, moments: moments, channels: channels, devices: devices, traits: traits,
        consents: consents}})::VARCHAR
    FROM who {" ".join(f"LEFT JOIN {t} USING (profile_id)" for t in "abcdefghi")}"""
