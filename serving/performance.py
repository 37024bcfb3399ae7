"""How a placement does: what it showed, what was clicked and bought of it, by model version.

Counted straight from the log, so that what happened a second ago is in it. A rate is a share of
lists: those with at least one click, or one purchase, of an item that they showed.
"""

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from domain.errors import InvalidInput, NotFound
from domain.events import from_micros, to_micros
from domain.proportions import wilson
from serving.instants import instant
from serving.outcomes import Showing, Window, placements, showings
from serving.runtime import Runtime

_PERIOD = timedelta(days=30)
_LATER = timedelta(seconds=1)  # the period ends behind this very moment


@dataclass(frozen=True, slots=True)
class Asked:
    """Which placement, which period, and by which rule an outcome belongs to a list."""

    placement: str
    since: str | None
    until: str | None
    days: float
    rule: str


def list_placements(runtime: Runtime, now: datetime) -> dict[str, Any]:
    """Return every placement that has a rule or ever showed a list, most lists first."""
    ruled = runtime.placements.all()
    shown = placements(runtime.log, to_micros(now + _LATER))
    found: dict[str, Sequence[Any]] = {**dict.fromkeys(ruled, (None, None, 0)), **shown}
    ranked = sorted(found.items(), key=lambda pair: (-pair[1][2], pair[0]))
    return {
        "placements": [
            {"placement": name, "exposures": count,
             "first_at": first and from_micros(first), "last_at": last and from_micros(last),
             "version": ruled[name].version if name in ruled else None}
            for name, (first, last, count) in ranked
        ]
    }  # fmt: skip


def performance(runtime: Runtime, asked: Asked, now: datetime) -> dict[str, Any]:
    """Return what a placement showed within a period and what came of it."""
    until = instant(asked.until, "to") or now + _LATER
    since = instant(asked.since, "from") or until - _PERIOD
    if since >= until:
        raise InvalidInput(f"'from' {since:%Y-%m-%d %H:%M} must be before 'to'", field="from")
    window = Window(to_micros(since), to_micros(until), asked.days)
    found = showings(runtime.log, asked.placement, window, asked.rule)
    if not found:
        _check_known(runtime, asked.placement, now)
    return {
        "placement": asked.placement,
        "from": since,
        "to": until,
        "window_days": asked.days,
        "rule": asked.rule,
        "total": _counted(found),
        "by_version": _by_version(found),
    }


def _check_known(runtime: Runtime, placement: str, now: datetime) -> None:
    names = sorted(placements(runtime.log, to_micros(now + _LATER)))
    if placement not in names:
        known = ", ".join(repr(name) for name in names[:50]) or "none so far"
        raise NotFound(
            f"no list was ever shown at {placement[:100]!r}; placements: {known}",
            field="placement",
        )


def _by_version(found: Sequence[Showing]) -> list[dict[str, Any]]:
    """Return one row per set of model versions and fallback, those with most lists first."""
    groups: dict[str, list[Showing]] = defaultdict(list)
    for shown in found:
        groups[shown.versions].append(shown)
    ranked = sorted(groups.items(), key=lambda pair: (-len(pair[1]), pair[0]))
    return [json.loads(versions) | _counted(group) for versions, group in ranked]


def _counted(found: Sequence[Showing]) -> dict[str, Any]:
    shown, clicks = len(found), sum(s.clicked for s in found)
    conversions, revenue = sum(s.bought for s in found), sum(s.revenue for s in found)
    return {
        "exposures": shown,
        "items_shown": sum(len(s.items) for s in found),
        "clicks": clicks,
        "conversions": conversions,
        "revenue": round(revenue, 6),
        "click_rate": clicks / shown if shown else None,
        "click_rate_interval": wilson(clicks, shown),
        "conversion_rate": conversions / shown if shown else None,
        "conversion_rate_interval": wilson(conversions, shown),
    }
