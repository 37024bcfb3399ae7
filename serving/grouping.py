"""From a request about segments or look-alikes to its answer, out of the released profiles."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from domain.errors import InvalidInput, NotEnoughData
from domain.segment_defaults import Segment
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


def list_all(runtime: Runtime, form: str) -> dict[str, Any]:
    """Return all segments with their sizes."""
    release = runtime.release
    audience, models = release.audience, release.score_models
    total = audience.total if audience else 0
    rows = []
    for segment in runtime.segments.all():
        size = audience.size(segment.rule) if audience else None
        share = None if size is None else _share(size, total)
        rows.append(to_wire(segment, form, models) | {"size": size, "share": share})
    return {"segments": rows, "total": total, "fallback": None if audience else NO_RELEASE}


def preview(runtime: Runtime, asked: PreviewAsked) -> dict[str, Any]:
    """Return how many profiles of the release a rule holds for, and some of them."""
    release = runtime.release
    rule = read_rule(asked.rule, release.score_models)
    empty = {"size": 0, "total": 0, "share": 0.0, "sample": [], "fallback": NO_RELEASE}
    if release.audience is None:
        return empty | {"release_id": release.release_id}
    found = release.audience.preview(rule)
    return {
        "size": found.size,
        "total": found.total,
        "share": _share(found.size, found.total),
        "sample": found.sample,
        "fallback": None,
        "release_id": release.release_id,
    }


def members(runtime: Runtime, key: str, limit: int, after: str | None) -> dict[str, Any]:
    """Return one page of the members of a segment."""
    segment, release = runtime.segments.get(key), runtime.release
    answer: dict[str, Any] = {"key": key, "release_id": release.release_id}
    if release.audience is None:
        return answer | {"members": [], "size": 0, "next": None, "fallback": NO_RELEASE}
    page = release.audience.page(segment.rule, limit, after)
    size = release.audience.size(segment.rule)
    return answer | {"members": page.members, "size": size, "next": page.after, "fallback": None}


def members_csv(runtime: Runtime, key: str) -> Iterator[bytes]:
    """Return all members of a segment as lines of CSV."""
    segment, audience = runtime.segments.get(key), runtime.release.audience
    return iter([b"profile_id\r\n"]) if audience is None else audience.csv(segment.rule)


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


def _share(size: int, total: int) -> float:
    return size / total if total else 0.0
