"""From a request about segments or look-alikes to its answer.

Who is in a segment is live; a rule that is only tried, and look-alikes, are of the release.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from domain.errors import InvalidInput, NotEnoughData
from domain.segment_defaults import Segment
from serving.live_members import CATCHING_UP
from serving.lookalikes import Crowd
from serving.runtime import Runtime
from serving.segments import key_of, read_rule, to_wire
from serving.shapes.segments import LookalikesAsked, PreviewAsked, SegmentAsked

NATIVE, JQUERY = "native", "jquery"
NO_RELEASE = "no_release"
_MAX_SEED = 10_000


def create(runtime: Runtime, asked: SegmentAsked, now: datetime) -> dict[str, Any]:
    """Keep a new segment and return it."""
    models = runtime.release.score_models
    rule = read_rule(asked.rule, models)
    segment = Segment(asked.key or key_of(asked.name), asked.name, asked.description, rule)
    runtime.segments.add(segment, models, now)
    return segment.to_plain()


def show(runtime: Runtime, key: str, form: str) -> dict[str, Any]:
    """Return one segment with its rule in the form 'native' or 'jquery'."""
    return to_wire(runtime.segments.get(key), form, runtime.release.score_models)


def list_all(runtime: Runtime, form: str, now: datetime) -> dict[str, Any]:
    """Return all segments with how many are in them now."""
    members, models = runtime.live.members, runtime.release.score_models
    segments = runtime.segments.all()
    as_of, sizes, total = members.as_of(now), members.sizes(), members.total()
    rows = []
    for segment in segments:
        size = sizes.get(segment.key, 0)
        counted = {"size": size, "share": _share(size, total)}
        rows.append(to_wire(segment, form, models) | counted)
    return {"segments": rows, "total": total, "as_of": as_of, "fallback": _lag(runtime, segments)}


def preview(runtime: Runtime, asked: PreviewAsked) -> dict[str, Any]:
    """Return how many profiles of the release a rule holds for, and some of them."""
    release = runtime.release
    rule = read_rule(asked.rule, release.score_models)
    about = {"of": "release", "as_of": release.as_of, "release_id": release.release_id}
    if release.audience is None:
        empty = {"size": 0, "total": 0, "share": 0.0, "sample": [], "fallback": NO_RELEASE}
        return empty | about
    found = release.audience.preview(rule)
    return about | {
        "size": found.size,
        "total": found.total,
        "share": _share(found.size, found.total),
        "sample": found.sample,
        "fallback": None,
    }


def members(
    runtime: Runtime, key: str, limit: int, after: str | None, now: datetime
) -> dict[str, Any]:
    """Return one page of those who are in a segment now."""
    segment, live = runtime.segments.get(key), runtime.live.members
    as_of, size = live.as_of(now), live.size(key)
    page = live.page(segment, limit, after, now)
    return {
        "key": key,
        "members": page.members,
        "size": size,
        "next": page.after,
        "as_of": as_of,
        "fallback": _lag(runtime, [segment]),
        "release_id": runtime.release.release_id,
    }


def members_csv(
    runtime: Runtime, key: str, now: datetime
) -> tuple[Iterator[bytes], dict[str, str]]:
    """Return all who are in a segment now as lines of CSV, and the headers that say as of when."""
    segment, live = runtime.segments.get(key), runtime.live.members
    as_of, lag = live.as_of(now), _lag(runtime, [segment])
    about = {"X-As-Of": as_of.isoformat() if as_of else "", "X-Fallback": lag or ""}
    return live.csv(segment, runtime.release.scored, now), {
        name: value for name, value in about.items() if value
    }


def lookalikes(runtime: Runtime, asked: LookalikesAsked) -> dict[str, Any]:
    """Return the customers nearest to a seed."""
    if (asked.seed is None) == (asked.segment is None):
        raise InvalidInput("give either 'seed' or 'segment'", field="seed")
    release = runtime.release
    crowd: Crowd = release.crowd
    found = crowd.nearest(asked.seed or _seed_of(runtime, str(asked.segment)), asked.limit)
    return {
        "lookalikes": [{"profile_id": i, "similarity": round(s, 6)} for i, s in found.found],
        "seed_size": found.known,
        "unknown": found.unknown,
        "release_id": release.release_id,
    }


def _seed_of(runtime: Runtime, key: str) -> list[str]:
    segment, audience = runtime.segments.get(key), runtime.release.audience
    ids = audience.ids(segment.rule, _MAX_SEED) if audience else []
    if not ids:
        raise NotEnoughData(f"the segment {key!r} has no members to be like", field="segment")
    return ids


def _lag(runtime: Runtime, segments: Sequence[Segment]) -> str | None:
    return CATCHING_UP if runtime.live.members.catching_up(segments) else None


def _share(size: int, total: int) -> float:
    return size / total if total else 0.0
