"""The engine on a Ray cluster: one task per range of customers (extra `cluster`).

With the variable RAY_ADDRESS the cluster of that address, else one of this machine that ends with
the command. The home folder must be reached under the same path by every worker.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

from domain.errors import InvalidInput

_STORE_BYTES = (
    512 * 1024**2
)  # shared memory of a cluster of this machine: models only go through it


class RayTasks:
    """Tasks of a running Ray session."""

    def __init__(self, ray: Any) -> None:
        self._ray = ray
        self.workers = max(1, int(ray.cluster_resources().get("CPU", 1)))

    def each(
        self, work: Callable[[Any, Any], None], given: Any, tasks: Sequence[Any]
    ) -> Iterator[int]:
        """Yield how many are done, after each; `given` is sent to each machine once."""
        ray = self._ray
        sent, run = ray.put(given), ray.remote(work)
        waiting = [run.remote(sent, task) for task in tasks]
        for done in range(1, len(tasks) + 1):
            ready, waiting = ray.wait(waiting, num_returns=1)
            ray.get(ready)  # raises what the task raised
            yield done


@contextmanager
def open_ray(workers: int) -> Iterator[RayTasks]:
    """Join the cluster of RAY_ADDRESS, or run one of `workers` processes here."""
    if find_spec("ray") is None:
        raise InvalidInput(
            "the engine 'ray' needs Ray, which is not installed; "
            "run `pip install 'nextbest[cluster]'`, or leave out --engine",
            field="engine",
        )
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is told to anybody
    import ray

    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
    address = os.environ.get("RAY_ADDRESS", "local")
    own: dict[str, Any] = {
        "num_cpus": workers,
        "include_dashboard": False,
        "object_store_memory": _STORE_BYTES,
    }
    ray.init(address, **quiet, **(own if address == "local" else {}))
    try:
        yield RayTasks(ray)
    finally:
        ray.shutdown()
