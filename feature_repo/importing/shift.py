"""Old exports as a living shop: times moved by whole weeks, so that the newest is recent."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from domain.events import Event
from domain.items import Item
from feature_repo.event_log import Appended, EventLog

WEEK = timedelta(days=7)


class ShiftedLog:
    """An event log that moves what is appended by whole weeks, to end within the week before `now`.

    Weekdays and hours stay as they were, and message ids do not change, so importing the same file
    again still adds nothing. All events of one append are held in memory.
    """

    def __init__(self, log: EventLog, now: datetime) -> None:
        self._log = log
        self._now = now

    @property
    def path(self) -> Path:
        """Where the log lies."""
        return self._log.path

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
