"""A stratum is a group of customers like this one; there are few, so that each is shown enough."""

from collections.abc import Mapping

from domain.attributes import read
from domain.catalogue import STAGES

FRESH_DAYS = 7
QUIET_DAYS = 30
LEVELS = ("visitor", "lead", "customer")  # how far along the funnel
ACTIVITY = ("fresh", "recent", "quiet")  # last event up to 7, up to 30, or more days ago
STRATA = tuple(f"{level}/{activity}" for level in LEVELS for activity in ACTIVITY)

_LEVEL_OF = dict(zip(STAGES, ("visitor", "lead", "lead", "customer", "customer"), strict=True))


def stratum_of(profile: Mapping[str, object]) -> str:
    """Return the stratum of a profile: one of the nine STRATA.

    The level comes from `funnel_stage` (unknown: visitor), the activity from
    `days_since_last_event` (unknown: quiet).
    """
    level = _LEVEL_OF.get(str(profile.get("funnel_stage")), "visitor")
    return f"{level}/{_activity(read(profile.get('days_since_last_event'), 'number'))}"


def _activity(days: float | str | None) -> str:
    if not isinstance(days, float) or days > QUIET_DAYS:
        return "quiet"
    return "fresh" if days <= FRESH_DAYS else "recent"
