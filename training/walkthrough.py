"""The walkthrough: from nothing to a release, each step with its time, as a new user sees it."""

import resource
import time
from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from domain.errors import NotEnoughData
from domain.settings import Settings
from feature_repo.backends import open_features, open_log
from feature_repo.demo_shop import generate
from feature_repo.importing import import_files, load_mapping
from feature_repo.importing.shift import ShiftedLog
from feature_repo.lake import export
from feature_repo.log import Log
from feature_repo.stream import load_states
from training.outcome import Outcome
from training.release import release
from training.run import recipe_names, train
from training.scoring import score_all

Progress = Callable[[str, float], None]


def walk_through(
    settings: Settings,
    data: str,
    folder: str,
    customers: int,
    now: datetime,
    tell: Progress,
    learned: Callable[[Outcome], None] = lambda _: None,
) -> list[dict[str, Any]]:
    """Fill an empty home with a shop, train everything, and release it.

    Args:
        data: name of a built-in mapping, or '' for the generated shop.
        folder: where the files of `data` lie.
        customers: how many customers the generated shop has.
        learned: called with the outcome of every training.

    Returns:
        One row per step: what was done, how long it took (s), peak memory so far (MiB).
    """
    clock = _Clock(tell)
    log = open_log(settings)
    if log.last_seq():
        clock.step("events", lambda: f"{log.last_seq():,} there already; `make clean` starts anew")
    elif data:
        clock.step("import", lambda: _imported(log, data, folder, now, tell))
    else:
        clock.step("demo shop", lambda: _generated(log, settings.seed, customers, now))
    clock.step("lake", lambda: f"{export(log, settings.home):,} events by day")
    features = open_features(settings)
    clock.step("states", lambda: f"{load_states(log, features, settings.home):,} profiles online")
    features.close()
    for name in recipe_names():
        clock.step(f"train {name}", partial(_trained, name, settings, tell, learned))
    clock.step("score", lambda: f"{score_all(settings, now, progress=tell).customers:,} customers")
    clock.step("release", lambda: release(settings, now).name)
    return clock.rows


class _Clock:
    """Runs steps one after the other and notes how long each took."""

    def __init__(self, tell: Progress) -> None:
        self._tell = tell
        self.rows: list[dict[str, Any]] = []

    def step(self, name: str, act: Callable[[], str]) -> None:
        self._tell(name, 0.0)
        start = time.perf_counter()
        result = act()
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        self.rows.append(
            {
                "step": name,
                "seconds": f"{time.perf_counter() - start:.1f}",
                "peak MiB": f"{peak:.0f}",
                "result": result,
            }
        )


def _generated(log: Log, seed: int, customers: int, now: datetime) -> str:
    shop = generate(seed, customers=customers, end=now.replace(minute=0, second=0, microsecond=0))
    stored = log.append(shop.events, shop.items).stored
    return f"{stored:,} events, {len(shop.items):,} items (seed {seed})"


def _imported(log: Log, data: str, folder: str, now: datetime, tell: Progress) -> str:
    files = [str(f) for f in sorted(Path(folder).glob("*.parquet"))] or [str(Path(folder) / "*")]
    report = import_files(files, load_mapping(data), ShiftedLog(log, now), progress=tell)
    return f"{report.rows_read:,} rows read, {report.stored:,} events stored"


def _trained(
    name: str, settings: Settings, tell: Progress, learned: Callable[[Outcome], None]
) -> str:
    try:
        outcomes = train(name, settings, progress=tell)
    except NotEnoughData as short:
        return f"not trained: {short.message}"
    for outcome in outcomes:
        learned(outcome)
    return "\n".join(outcome.summary() for outcome in outcomes)
