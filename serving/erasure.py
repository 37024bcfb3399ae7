"""Erasing a person under all their ids, and showing before what is held."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from domain.errors import NotFound
from domain.events import Event
from feature_repo import erasure
from feature_repo.event_rows import COLUMNS, to_row
from serving.identities import merges_of
from serving.runtime import Runtime


def erase_person(runtime: Runtime, profile_id: str, now: datetime) -> dict[str, Any]:
    """Remove a person from everything that is held, and say what was done."""
    log = runtime.writing
    settings = runtime.settings
    done = erasure.erase(log, runtime.features, settings.home, profile_id, now, _forgetter(runtime))
    runtime.refresh()
    return {
        "erased": True,
        "ids": list(done.ids),
        "events": done.events,
        "files_rewritten": done.files,
        "compacted": done.compacted,
        "other_workers_within_seconds": settings.release_poll_seconds,
    }


def resume_erasures(runtime: Runtime, now: datetime) -> int:
    """Finish the erasures that were cut off; return how many."""
    home = runtime.settings.home
    done = erasure.resume(runtime.writing, runtime.features, home, now, _forgetter(runtime))
    return len(done)


def export_person(runtime: Runtime, profile_id: str, now: datetime) -> dict[str, Any]:
    """Return everything that is held of a person."""
    person = runtime.people.find(None, profile_id)
    events = runtime.log.events_of(person.profile_id)
    if not events:
        raise NotFound(f"nothing is known of the profile {profile_id[:100]!r}", field="profile_id")
    joined = merges_of(runtime, profile_id)
    devices = {e.anonymous_id for e in events if e.anonymous_id}
    return {
        "profile_id": person.profile_id,
        "exported_at": now,
        "ids": sorted({*joined["ids"], *devices}),
        "merges": joined["merges"],
        "traits": {
            name: {"value": s.value, "at": s.at, "message_id": s.message_id}
            for name, s in sorted(person.state.traits.items())
        },
        "consents": {
            purpose: {i: {"granted": s.value, "at": s.at} for i, s in sorted(by_id.items())}
            for purpose, by_id in sorted(person.state.consents.items())
        },
        "scores": dict(person.scores),
        "segments": runtime.segments.of(person.attributes(now)),
        "pins": runtime.placements.pins_for({*joined["ids"], person.profile_id}),
        "events": [_plain(event) for event in events],
    }


def _forgetter(runtime: Runtime) -> erasure.Forget:
    def forget(ids: Sequence[str]) -> None:
        runtime.live.forget(list(ids))
        runtime.people.forget(ids)
        runtime.placements.forget(ids)

    return forget


def _plain(event: Event) -> dict[str, Any]:
    """Return an event in full, as it is kept; times as instants."""
    row = dict(zip(COLUMNS, to_row(event), strict=True))
    lines = [{name: getattr(n, name) for name in n.__slots__} for n in event.lines]
    return row | {
        "at": event.at,
        "received_at": event.received_at,
        "lines": lines,
        "properties": dict(event.properties),
        "traits": dict(event.traits),
        "consent": dict(event.consent),
    }
