"""Erasing a person everywhere: the log first, so that nothing can bring them back, then the rest.

What is to be removed is noted with the first step and forgotten with the last one. An erasure that
was cut off is taken up again, and every step may be done twice.
"""

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from domain.errors import NotFound
from feature_repo.erased_files import clean_lake, clean_profiles
from feature_repo.event_log import EventLog
from feature_repo.lake import lake_lock, write_tables
from feature_repo.log_erasure import Plan
from feature_repo.store import Features
from feature_repo.stream import Stream

ERASED = "releases/erased"  # written anew with each erasure: whoever keeps a copy lets go of it
Forget = Callable[[Sequence[str]], None]


@dataclass(frozen=True, slots=True)
class Erased:
    """What an erasure did."""

    ids: tuple[str, ...]  # everything the person went by
    events: int
    files: int  # files that were written anew
    compacted: bool  # whether no SQLite file holds a removed row in its unused pages any more


def erase(
    log: EventLog, features: Features, home: Path, profile_id: str, at: datetime, forget: Forget
) -> Erased:
    """Remove the person that any id leads to; `forget` is told the ids for stores elsewhere."""
    if log.is_erased(profile_id):
        raise NotFound(f"{profile_id[:100]!r} was erased already", field="profile_id")
    plan = log.erase(profile_id)
    if plan is None:
        raise NotFound(f"nothing is known of the profile {profile_id[:100]!r}", field="profile_id")
    return finish(log, features, home, plan, at, forget)


def resume(
    log: EventLog, features: Features, home: Path, at: datetime, forget: Forget
) -> list[Erased]:
    """Finish the erasures that were cut off."""
    return [finish(log, features, home, p, at, forget) for p in log.pending_erasures()]


def finish(
    log: EventLog, features: Features, home: Path, plan: Plan, at: datetime, forget: Forget
) -> Erased:
    """Remove a person from everything that follows from the log."""
    Stream(log, features).refold({log.resolve(i) for i in plan.neighbours})
    features.delete(plan.ids)
    forget(plan.ids)
    with lake_lock(home):
        files = clean_lake(home, plan)
        write_tables(log, home)
        files += clean_profiles(home, plan.ids)
    _tell_releases(home, at)
    forget(plan.ids)  # once more: work that was under way may have written them again
    log.end_erasure(plan)
    databases = sorted([*home.glob("*.db"), *home.glob("*.sqlite"), log.path])
    compacted = [compact(path) for path in databases if path.name != "mlflow.db"]
    return Erased(plan.ids, plan.events, files, all(compacted))


def compact(path: Path) -> bool:
    """Write a SQLite file anew without what was deleted; False where a reader held it too long."""
    with closing(sqlite3.connect(path, timeout=30, isolation_level=None)) as db:
        try:
            db.execute("VACUUM")
            busy = db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        except sqlite3.OperationalError:
            return False
    return not busy


def _tell_releases(home: Path, at: datetime) -> None:
    marker = home / ERASED
    marker.parent.mkdir(exist_ok=True)
    scratch = marker.with_suffix(".writing")
    scratch.write_text(f"{at.isoformat()}\n", encoding="utf-8")
    scratch.replace(marker)
