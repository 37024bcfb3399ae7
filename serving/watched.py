"""A watched value is loaded once and again when its source changes; readers only swap a reference.

Requests that are under way keep the value they began with. A source that cannot be read leaves
the old value in place and says so in the log.
"""

import logging
import threading
from collections.abc import Callable, Hashable
from pathlib import Path
from typing import Generic, TypeVar

from domain.errors import NextbestError

logger = logging.getLogger(__name__)
T = TypeVar("T")


class Watched(Generic[T]):
    """The value of `load()`; `stamp()` changes when it should be loaded again."""

    def __init__(self, name: str, stamp: Callable[[], Hashable], load: Callable[[], T]) -> None:
        self.name = name
        self._stamp, self._load = stamp, load
        self._turn = threading.Lock()
        self._seen = stamp()
        self.value: T = load()

    def refresh(self) -> bool:
        """Load the value again if its source changed; return whether it was replaced.

        Who comes while another thread is loading waits: afterwards everybody reads what is new.
        """
        with self._turn:
            return self._refresh()

    def _refresh(self) -> bool:
        stamp = self._stamp()
        if stamp == self._seen:
            return False
        self._seen = stamp  # a broken source is tried once per change, not once per look
        try:
            self.value = self._load()
        except (NextbestError, OSError, ValueError, KeyError) as fault:
            logger.error("%s: kept the old one, the new one cannot be used: %s", self.name, fault)
            return False
        logger.info("%s: replaced", self.name)
        return True


def file_stamp(path: Path) -> Callable[[], Hashable]:
    """Return a stamp that changes when the file at `path` is written, replaced or removed."""

    def stamp() -> Hashable:
        try:
            found = path.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino

    return stamp
