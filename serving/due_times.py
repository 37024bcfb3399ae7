"""When time alone may change who is in a segment: one instant per profile and segment."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from domain.events import from_micros, to_micros
from serving.live_tables import LiveTables, marks

Pair = tuple[str, str]  # profile, segment


class DueTimes:
    """The table of instants at which a rule is to be asked again."""

    def __init__(self, tables: LiveTables) -> None:
        self._tables = tables

    def replace(self, wanted: dict[Pair, datetime | None]) -> None:
        """Keep these instants, inside the transaction of the caller; None removes one."""
        known = self._known(wanted)
        told = {pair: None if at is None else to_micros(at) for pair, at in wanted.items()}
        gone = [pair for pair, at in told.items() if at is None and pair in known]
        kept = [
            (*pair, at) for pair, at in told.items() if at is not None and known.get(pair) != at
        ]
        self._tables.change_many("DELETE FROM due WHERE profile = ? AND segment = ?", gone)
        self._tables.change_many("INSERT OR REPLACE INTO due VALUES (?, ?, ?)", kept)

    def ripe(self, now: datetime, limit: int) -> dict[str, set[str]]:
        """Return profile -> segments whose instant has come, the oldest up to `limit`."""
        rows = self._tables.rows(
            "SELECT profile, segment FROM due WHERE at <= ? ORDER BY at LIMIT ?",
            (to_micros(now), limit),
        )
        found: dict[str, set[str]] = {}
        for profile, segment in rows:
            found.setdefault(profile, set()).add(segment)
        return found

    def first(self) -> datetime | None:
        """Return the earliest instant, or None."""
        found = self._tables.look("SELECT min(at) FROM due")[0][0]
        return None if found is None else from_micros(found)

    def _known(self, pairs: Iterable[Pair]) -> dict[Pair, int]:
        profiles: Sequence[str] = sorted({profile for profile, _ in pairs})
        rows = self._tables.rows(
            f"SELECT profile, segment, at FROM due WHERE profile IN ({marks(profiles)})", profiles
        )
        return {(profile, segment): at for profile, segment, at in rows}
