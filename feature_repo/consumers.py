"""Who folds which partition: a consumer says what is its own now, and when to look again."""

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class PartitionLag:
    """How one partition is folded by the streams that stand alone."""

    partition: int
    consumer: str | None  # whose it is now, None where no stream runs
    waiting: int  # events that no consumer was given yet
    unfinished: int  # events that were given to one whose states are not written yet


class Consumer(Protocol):
    """One process that folds; where each event is folded is told by the offset beside the states.

    So a consumer only spares work that others do: two that take the same partition for their own
    neither lose nor double.
    """

    def claimed(self) -> Collection[int]:
        """Return the partitions that are this consumer's now; it is to ask often."""
        ...

    def wait(self, seconds: float) -> bool:
        """Return at the latest after some seconds; True where there may be something to fold."""
        ...

    def done(self, offsets: Mapping[int, int]) -> None:
        """Say up to which sequence number the states hold the events, by partition."""
        ...

    def leave(self) -> None:
        """Give all partitions back."""
        ...


class WholeLog:
    """The consumer of a log in one piece: looks again and again for its newest event."""

    def __init__(self, newest: Callable[[], int], partitions: int) -> None:
        self._newest = newest
        self._partitions = range(partitions)
        self._seen = -1

    def claimed(self) -> Collection[int]:
        """Return all partitions."""
        return self._partitions

    def wait(self, seconds: float) -> bool:
        """Return whether there is a newer event than at the last call, sleeping if there is not."""
        newest = self._newest()
        if newest == self._seen:
            time.sleep(seconds)
            return False
        self._seen = newest
        return True

    def done(self, offsets: Mapping[int, int]) -> None:
        """Do nothing: nobody else is told."""

    def leave(self) -> None:
        """Do nothing."""
