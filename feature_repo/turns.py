"""One process at a time: a file whose lock the system takes back from a holder that dies."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def turn_at(path: Path) -> Iterator[None]:
    """Wait until no other process holds the lock of `path`, and hold it meanwhile."""
    with path.open("ab") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        yield
