"""Who looks at a list, as far as rules ask of them; what costs a look-up is asked only then."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from domain.catalogue import RECOMMENDATION_SHOWN
from domain.events import Event
from serving.exposures import Ids
from serving.people import Person
from serving.runtime import Runtime
from serving.shapes.placements import Pin

NEVER = 9  # the turn of a pin that is for somebody else, or for another time
_FOR_ONE, _FOR_SOME, _FOR_ALL = 0, 1, 2
_LATEST = 2_000  # showings of one person that are counted

Shown = Callable[[datetime, str | None], Mapping[str, int]]


def _shown_nothing(_since: datetime, _placement: str | None) -> Mapping[str, int]:
    return {}


@dataclass(frozen=True, slots=True)
class Viewer:
    """The ids a pin may name, the segments, and what was shown to them how often.

    `shown` is asked since when and at which placement (None: at all of them).
    """

    ids: Callable[[], Collection[str]] = tuple
    segments: Callable[[], Collection[str]] = tuple
    shown: Shown = _shown_nothing


def viewer_of(
    runtime: Runtime, ids: Ids, person: Person, segments: Callable[[], Collection[str]]
) -> Viewer:
    """Return a viewer whose answers come from the log and the live segments."""
    customer_id, _device = ids

    def own_ids() -> Collection[str]:
        if customer_id is None and not person.known:
            return ()
        own = {i for i in (customer_id, person.profile_id) if i}
        return own | set(runtime.log.members_of(person.profile_id))

    def shown(since: datetime, placement: str | None) -> Mapping[str, int]:
        kinds = (RECOMMENDATION_SHOWN,)
        known = runtime.log.events_of(person.profile_id, _LATEST, kinds) if any(ids) else []
        waiting = runtime.exposures.waiting_for({i for i in (*ids, person.profile_id) if i})
        return times_shown([*known, *waiting], since, placement)

    return Viewer(own_ids, segments, shown)


def times_shown(
    events: Iterable[Event], since: datetime, placement: str | None
) -> Mapping[str, int]:
    """Return how many lists since then showed each item; a list that is told twice counts once."""
    lists = {
        event.message_id: {line.item_id for line in event.lines}
        for event in events
        if event.at >= since and placement in (None, event.properties.get("placement"))
    }
    return Counter(item_id for items in lists.values() for item_id in items)


def turn_of(pin: Pin, viewer: Viewer, now: datetime) -> int:
    """Return how early a pin has its turn; that of a customer first, then of a segment."""
    if not pin.holds(now):
        return NEVER
    if pin.customer_id is not None:
        return _FOR_ONE if pin.customer_id in viewer.ids() else NEVER
    if pin.segment is not None:
        return _FOR_SOME if pin.segment in viewer.segments() else NEVER
    return _FOR_ALL
