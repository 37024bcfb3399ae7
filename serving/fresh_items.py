"""The catalogue as it is this moment: a release, and what changed in the log since it was written.

A price, a stock flag or a new item counts in the next answer, in every worker. A look costs one
read of a number; only where it moved are the changed items read, and put into a copy.
"""

import logging
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from domain.items import Item
from feature_repo.log import Log
from serving.item_changes import changed, with_items
from serving.likeness import Likeness
from serving.release import Release

logger = logging.getLogger(__name__)
_CHEAP_SECONDS = 0.025  # a copy that took longer is followed by a rest: changes in a stream
_REST = 4.0  # times as long as it took; so they may not take all of the time


@dataclass(frozen=True, slots=True, eq=False)
class _Copy:
    base: Release
    release: Release
    change: int  # of the log, up to which it knows all


class FreshItems:
    """Keeps a release up to date with the catalogue of the log; safe for many threads."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._turn = threading.Lock()
        self._latest: _Copy | None = None
        self._rest_until = 0.0

    def adopt(self, release: Release) -> Release:
        """Return a release that was just read, with all that the log says otherwise of its items.

        Only this first look compares the whole catalogue; later ones begin where it ended.
        """
        change, items = 0, []
        try:
            until = self._log.item_changes()
            items, change = changed(release.items, self._log.items()), until
        except Exception:  # law 7: a new release is taken up all the same; `of` will look again
            logger.exception("the catalogue cannot be compared; serving that of the release")
        table = with_items(release.items, items) if items else release.items
        found = replace(release, items=table, item_change=change)
        if found.taste is None:
            return found
        likeness = Likeness(table)
        return replace(found, likeness=likeness, newcomers=likeness.newcomers(table, found.taste))

    def of(self, base: Release) -> Release:
        """Return the release with the items of this moment; where the log is away, as it was."""
        latest = self._latest
        held = latest if latest and latest.base is base else _Copy(base, base, base.item_change)
        try:
            if self._log.item_changes() == held.change or not self._turn.acquire(blocking=False):
                return held.release
        except Exception:  # law 7: whatever is wrong with the log, the release still answers
            logger.exception("the catalogue cannot be looked at; answering from the release")
            return held.release
        try:
            return self._renewed(held)
        finally:
            self._turn.release()

    def _renewed(self, held: _Copy) -> Release:
        started = time.monotonic()
        if started < self._rest_until:
            return held.release
        change = self._log.item_changes()
        items = changed(held.release.items, self._log.items_since(held.change))
        release = _with(held.release, items) if items else held.release
        self._latest = _Copy(held.base, release, change)
        took = time.monotonic() - started
        self._rest_until = started + took * (1 + _REST * (took > _CHEAP_SECONDS))
        return release


def _with(release: Release, items: Sequence[Item]) -> Release:
    table, newcomers = with_items(release.items, items), release.newcomers
    if release.taste is not None and release.likeness is not None:
        rows = table.rows(item.item_id for item in items)
        placed = release.likeness.newcomers(table, release.taste, np.unique(rows))
        newcomers = newcomers.joined(placed)
    return release.with_items(table, newcomers)
