"""Erasing a person everywhere: the log first, so that nothing can bring them back, then the rest.

What is to be removed is noted with the first step and forgotten with the last one. An erasure that
was cut off is taken up again, and every step may be done twice.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from domain.errors import NotFound
from feature_repo.erased_files import clean_lake, clean_profiles
from feature_repo.lake import lake_lock, write_tables
from feature_repo.log import Log
from feature_repo.persons import Plan
from feature_repo.store import Features
from feature_repo.stream import Stream
from feature_repo.wal import compact

ERASED = "releases/erased"  # written anew with each erasure: whoever keeps a copy lets go of it
Forget = Callable[[Sequence[str]], None]


@dataclass(frozen=True, slots=True)
class Erased:
    """What an erasure did."""

    ids: tuple[str, ...]  # everything the person went by
    events: int
    files: int  # files that were written anew
    compacted: bool  # whether no file of SQLite or Redis holds what was removed any more


def erase(
    log: Log, features: Features, home: Path, profile_id: str, at: datetime, forget: Forget
) -> Erased:
    """Remove the person that any id leads to; `forget` is told the ids for stores elsewhere."""
    if log.is_erased(profile_id):
        raise NotFound(f"{profile_id[:100]!r} was erased already", field="profile_id")
    plan = log.erase(profile_id)
    if plan is None:
        raise NotFound(f"nothing is known of the profile {profile_id[:100]!r}", field="profile_id")
    return finish(log, features, home, plan, at, forget)


def resume(log: Log, features: Features, home: Path, at: datetime, forget: Forget) -> list[Erased]:
    """Finish the erasures that were cut off."""
    return [finish(log, features, home, p, at, forget) for p in log.pending_erasures()]


def finish(
    log: Log, features: Features, home: Path, plan: Plan, at: datetime, forget: Forget
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
    databases = sorted([*home.glob("*.db"), *home.glob("*.sqlite")])
    compacted = [compact(path) for path in databases if path.name != "mlflow.db"]
    compacted += [features.compact(), log.compact()]
    return Erased(plan.ids, plan.events, files, all(compacted))


def _tell_releases(home: Path, at: datetime) -> None:
    marker = home / ERASED
    marker.parent.mkdir(exist_ok=True)
    scratch = marker.with_suffix(".writing")
    scratch.write_text(f"{at.isoformat()}\n", encoding="utf-8")
    scratch.replace(marker)
