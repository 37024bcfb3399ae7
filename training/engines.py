"""Engines: the same work on each of many tasks, by threads of this process or on a Ray cluster."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Protocol

from domain.errors import InvalidInput

EMBEDDED, RAY = "embedded", "ray"
ENGINES = (EMBEDDED, RAY)


class Engine(Protocol):
    """Does `work(given, task)` for every task, in any order."""

    workers: int  # machines or processes that share nothing but files; 1: this process

    def each(
        self, work: Callable[[Any, Any], None], given: Any, tasks: Sequence[Any]
    ) -> Iterator[int]:
        """Yield how many are done, after each; a failure ends it."""
        ...


class Threads:
    """The engine of one process."""

    workers = 1

    def __init__(self, threads: int) -> None:
        self._threads = threads

    def each(
        self, work: Callable[[Any, Any], None], given: Any, tasks: Sequence[Any]
    ) -> Iterator[int]:
        """Yield how many are done, after each."""
        with ThreadPoolExecutor(self._threads) as pool:
            running = pool.map(lambda task: work(given, task), tasks)
            yield from (done for done, _ in enumerate(running, 1))


@contextmanager
def open_engine(name: str, threads: int) -> Iterator[Engine]:
    """Open an engine by name; `threads` is how many tasks one machine does at a time."""
    if name == EMBEDDED:
        yield Threads(threads)
        return
    if name != RAY:
        raise InvalidInput(f"no engine {name!r}; there are {' and '.join(ENGINES)}", field="engine")
    from training.ray_engine import open_ray  # its library only where it is used

    with open_ray(threads) as engine:
        yield engine
