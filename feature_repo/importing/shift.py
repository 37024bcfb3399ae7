"""Old exports as a living shop: times moved by whole weeks, so that the newest is recent."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from domain.events import Event
from domain.items import Item
from feature_repo.event_rows import Row
from feature_repo.log import Appended, Log

WEEK = timedelta(days=7)


class ShiftedLog:
    """An event log that moves what is appended by whole weeks, to end within the week before `now`.

    Weekdays and hours stay as they were, and message ids do not change, so importing the same file
    again still adds nothing. All events of one append are held in memory.
    """

    def __init__(self, log: Log, now: datetime) -> None:
        self._log = log
        self._now = now

    def rows_with(self, message_ids: Sequence[str]) -> list[Row]:
        """Return the rows (seq, *COLUMNS) with these message ids, in the log's own times."""
        return self._log.rows_with(message_ids)

    def append(self, events: Iterable[Event], items: Iterable[Item] = ()) -> Appended:
        """Store events and items, moved in time; all of them, or on any failure none."""
        held = list(events)
        by = (self._now - max((e.at for e in held), default=self._now)) // WEEK * WEEK
        return self._log.append(
            (
                replace(e, at=e.at + by, received_at=max(e.received_at + by, e.at + by))
                for e in held
            ),
            (replace(i, updated_at=i.updated_at + by) for i in items),
        )
