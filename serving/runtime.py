"""The one place that wires: opens every part, keeps it fresh, and closes it again."""

import asyncio
import logging
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from domain.actions import Action
from domain.errors import InvalidInput
from domain.settings import Settings
from feature_repo.event_log import EventLog
from feature_repo.store import Features
from feature_repo.stream import Recorder
from serving.actions import actions_file, read_actions
from serving.bare import items_of_log
from serving.intake import Intake
from serving.keys import Keys, ensure_keys, keys_file, read_keys
from serving.metrics import Metrics
from serving.people import People
from serving.release import Release, current_id, read_release
from serving.segments import SegmentStore
from serving.watched import Watched, file_stamp

logger = logging.getLogger(__name__)
_EVERY_EVENT_UP_TO = 1_000  # until then each new event changes the list of a shop without release


@dataclass(frozen=True, slots=True)
class Runtime:
    """Everything that a request may need; made at start, the same for all requests."""

    settings: Settings
    metrics: Metrics
    log: EventLog  # reads only: the writer has a connection of its own
    writing: EventLog
    features: Features
    people: People
    intake: Intake
    segments: SegmentStore
    watched_release: Watched[Release]
    watched_keys: Watched[Keys]
    watched_actions: Watched[tuple[Action, ...]]

    @property
    def release(self) -> Release:
        """The release of this moment; a request asks once and keeps what it got."""
        return self.watched_release.value

    @property
    def keys(self) -> Keys:
        """The keys of this moment."""
        return self.watched_keys.value

    @property
    def actions(self) -> Sequence[Action]:
        """The action catalogue of this moment."""
        return self.watched_actions.value

    def describe(self) -> dict[str, Any]:
        """Say what is at hand: the release, its models, and what could not be read."""
        release = self.release
        return {
            "release_id": release.release_id,
            "release_created_at": release.created_at,
            "models": release.versions(*release.models),
            "items": len(release.items),
            "faults": list(release.faults),
        }

    def refresh(self) -> None:
        """Take up a new release, new keys, an edited action catalogue."""
        self.watched_keys.refresh()
        self.watched_actions.refresh()
        if self.watched_release.refresh():
            self.metrics.swaps.add()
            self.metrics.show_release(self.release.created_at)

    def close(self) -> None:
        """Finish writing, then close every file."""
        self.intake.close()
        self.features.close()
        self.segments.close()
        self.writing.close()
        self.log.close()


def open_runtime(settings: Settings, metrics: Metrics, at: datetime) -> Runtime:
    """Open all parts under `settings.home`; what was cut off last time is finished first."""
    home = settings.home
    ensure_keys(home)
    log, writing, features = EventLog(home), EventLog(home), Features.open(home)
    recorder = Recorder(writing, features)
    recorder.catch_up()
    catalogue = actions_file(settings)
    runtime = Runtime(
        settings=settings,
        metrics=metrics,
        log=log,
        writing=writing,
        features=features,
        people=People(log, features),
        intake=Intake(recorder),
        segments=SegmentStore(home, at),
        watched_release=_watch_release(settings, log),
        watched_keys=Watched("keys", file_stamp(keys_file(home)), lambda: read_keys(home)),
        watched_actions=Watched("actions", file_stamp(catalogue), lambda: read_actions(catalogue)),
    )
    metrics.show_release(runtime.release.created_at)
    return runtime


async def keep_fresh(runtime: Runtime) -> None:
    """Look for what is new again and again, on a thread of its own, until cancelled."""
    while True:
        await asyncio.sleep(runtime.settings.release_poll_seconds)
        try:
            await asyncio.to_thread(runtime.refresh)
        except Exception:  # the watch must outlive any one failure
            logger.exception("looking for a new release failed; trying again")


def _watch_release(settings: Settings, log: EventLog) -> Watched[Release]:
    home, started = settings.home, False

    def stamp() -> Hashable:
        named = current_id(home)
        return (named, 0) if named else (None, _progress(log.last_seq()))

    def load() -> Release:
        nonlocal started
        named = current_id(home)
        if named is None:
            found = Release(None, items_of_log(log))
        else:
            found = read_release(home, named, settings.threads, lambda: items_of_log(log))
        if started and found.faults:  # at start a damaged release is better than none
            raise InvalidInput(f"release {named}: {'; '.join(found.faults)}")
        started = True
        return found

    return Watched("release", stamp, load)


def _progress(last_seq: int) -> int:
    return last_seq if last_seq < _EVERY_EVENT_UP_TO else last_seq // _EVERY_EVENT_UP_TO * 1_000
