"""Who is whom: the merges of a profile, and taking one back."""

from datetime import datetime
from typing import Any

from domain.errors import NotFound
from domain.events import from_micros
from domain.stitching import FOREVER
from feature_repo.persons import Merge
from serving.runtime import Runtime


def merges_of(runtime: Runtime, profile_id: str) -> dict[str, Any]:
    """Return the ids that are one person with this one, and what joined them."""
    log = runtime.log
    person = runtime.people.find(None, profile_id)
    merges = log.merges_of(person.profile_id)
    if not person.known and not merges:
        raise NotFound(f"nothing is known of the profile {profile_id[:100]!r}", field="profile_id")
    return {
        "profile_id": person.profile_id,
        "ids": log.members_of(person.profile_id),
        "merges": [_plain(merge) for merge in merges],
    }


def undo_merge(runtime: Runtime, profile_id: str, merge_id: str, now: datetime) -> dict[str, Any]:
    """Take back a merge for all time and bring the states up to it."""
    log = runtime.writing
    known = {m.edge.merge_id: m for m in log.merges_of(log.resolve(profile_id))}
    if merge_id not in known:
        raise NotFound(
            f"the profile {profile_id[:100]!r} has no merge {merge_id[:80]!r}; "
            "GET /v1/profiles/{id}/merges lists them",
            field="merge_id",
        )
    edge = log.undo_merge(merge_id, now).edge
    runtime.recorder.catch_up()
    runtime.people.forget([edge.id_a, edge.id_b])
    return {
        "merge_id": merge_id,
        "undone_at": now,
        "profiles": {i: log.resolve(i) for i in (edge.id_a, edge.id_b)},
    }


def _plain(merge: Merge) -> dict[str, Any]:
    edge = merge.edge
    return {
        "merge_id": edge.merge_id,
        "ids": [edge.id_a, edge.id_b],
        "reason": edge.reason,
        "key": edge.key or None,
        "message_id": edge.message_id,
        "at": from_micros(edge.at),
        "until": None if edge.until == FOREVER else from_micros(edge.until),
        "undone_at": None if merge.undone_at is None else from_micros(merge.undone_at),
    }
