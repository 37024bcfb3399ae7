"""The one place that wires: opens every part, keeps it fresh, and closes it again."""

import asyncio
import logging
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from domain.actions import Action
from domain.errors import InvalidInput
from domain.settings import INSIDE, Settings
from feature_repo.backends import open_features, open_log
from feature_repo.erasure import ERASED
from feature_repo.log import Log
from feature_repo.store import Features
from feature_repo.stream import Recorder
from serving.actions import actions_file, read_actions
from serving.bare import ItemsOfLog
from serving.exposures import Exposures
from serving.fresh_items import FreshItems
from serving.intake import Intake
from serving.keys import Keys, ensure_keys, keys_file, read_keys
from serving.live import Live, open_live
from serving.live_runner import Wake
from serving.memory import set_aside
from serving.metrics import Metrics
from serving.people import People
from serving.placement_store import PlacementStore
from serving.rate_limit import RateLimit
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
    log: Log  # reads only: the writer has a connection of its own
    writing: Log
    features: Features
    people: People
    intake: Intake
    recorder: Recorder
    rates: RateLimit
    exposures: Exposures
    segments: SegmentStore
    placements: PlacementStore
    live: Live
    watched_release: Watched[Release]
    fresh_items: FreshItems
    watched_erasures: Watched[None]
    watched_keys: Watched[Keys]
    watched_actions: Watched[tuple[Action, ...]]

    @property
    def release(self) -> Release:
        """The release of this moment, with the items as they are in the log now.

        A request asks once and keeps what it got.
        """
        return self.fresh_items.of(self.watched_release.value)

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
        if self.watched_erasures.refresh():
            self.features.forget()  # another worker erased somebody
        if self.watched_release.refresh():
            self.metrics.swaps.add()
            self.metrics.show_release(self.release.created_at)

    def close(self) -> None:
        """Finish writing, then close every file."""
        self.intake.close()
        self.live.close()
        self.features.close()
        self.rates.close()
        self.segments.close()
        self.placements.close()
        self.writing.close()
        self.log.close()


def open_runtime(settings: Settings, metrics: Metrics, at: datetime) -> Runtime:
    """Open all parts under `settings.home`; what was cut off last time is finished first."""
    home = settings.home
    ensure_keys(home)
    log, writing, features = open_log(settings), open_log(settings), open_features(settings)
    wake = Wake()
    recorder = Recorder(writing, features, [wake], folds=settings.stream == INSIDE)
    recorder.catch_up()
    intake = Intake(recorder, settings.max_waiting_events, log.admits)
    catalogue = actions_file(settings)
    segments, fresh_items = SegmentStore(home, at), FreshItems(log)
    watched_release = _watch_release(settings, log, fresh_items)
    runtime = Runtime(
        settings=settings,
        metrics=metrics,
        log=log,
        writing=writing,
        features=features,
        people=People(log, features),
        intake=intake,
        recorder=recorder,
        exposures=Exposures(intake.record, metrics),
        rates=RateLimit(settings.rate_events_per_second, settings.rate_burst, home),
        segments=segments,
        placements=PlacementStore(home),
        live=open_live(
            settings, metrics, segments, log, features, lambda: watched_release.value, wake
        ),
        watched_release=watched_release,
        fresh_items=fresh_items,
        watched_erasures=Watched("erasures", file_stamp(home / ERASED), lambda: None),
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


def _watch_release(settings: Settings, log: Log, fresh: FreshItems) -> Watched[Release]:
    home, started, items = settings.home, False, ItemsOfLog(log)

    def stamp() -> Hashable:
        named = current_id(home)
        return (named, file_stamp(home / ERASED)()) if named else (None, _progress(log.last_seq()))

    def load() -> Release:
        nonlocal started
        named = current_id(home)
        if named is None:
            found = Release(None, items.table())
        else:
            found = read_release(home, named, settings.threads, items.table)
        if started and found.faults:  # at start a damaged release is better than none
            raise InvalidInput(f"release {named}: {'; '.join(found.faults)}")
        started = True
        found = fresh.adopt(found.warm())
        set_aside()
        return found

    return Watched("release", stamp, load)


def _progress(last_seq: int) -> int:
    return last_seq if last_seq < _EVERY_EVENT_UP_TO else last_seq // _EVERY_EVENT_UP_TO * 1_000
