"""The events of a call count in its own answer: folded in memory, whoever folds them for good.

Events that may make two customers one person (an e-mail address that both showed, an alias) are
tried on the log first; then all that the person ever did, under every id, is folded anew.

The state is read before the events are stored, so a new event cannot be in it yet; where the fold
runs in another process, one that was stored before may still be on its way.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import reduce

from domain.behaviour import MAX_MOMENTS, State, fold, is_active, merge
from domain.events import Event, to_micros
from feature_repo.log import Together
from serving.people import People, Person, bought_in, latest

NOBODY = Person("")


@dataclass(frozen=True, slots=True)
class Seen:
    """A person with the events of the call, and every item they ever bought, with when (µs)."""

    person: Person = NOBODY
    bought: Mapping[str, int] = field(default_factory=dict)
    joined: tuple[str, ...] = ()  # profiles that the events of the call make part of the person


def seen_with(
    people: People,
    customer_id: str | None,
    anonymous_id: str | None,
    events: Sequence[Event],
    now: datetime,
) -> Seen:
    """Return the person of a call as they stand once its events are stored."""
    linked = _links(people, anonymous_id, events)
    profile_id = customer_id or _owner(anonymous_id, linked)
    if profile_id is None:
        return Seen()
    before = people.profile(profile_id)
    joining = [people.profile(d) for d in _joining(before.profile_id, linked, people)]
    joined = [p for p in joining if not p.state.known]  # an id of both kinds stays a customer's
    state = reduce(merge, (p.state for p in joined), before.state)
    mine = {e.message_id: e for e in events if _is_of(e, before.profile_id, linked, people)}
    fresh = _not_yet_in(state, people, list(mine.values()))
    written_at = before.written_at or (now if fresh else None)
    past = [people.bought(p) for p in (before, *joined)]
    bought = latest(pair for part in (*past, bought_in(mine.values())) for pair in part.items())
    person = replace(before, state=reduce(fold, fresh, state), written_at=written_at)
    return Seen(person, bought, tuple(p.profile_id for p in joined))


def seen_together(people: People, whole: Together, events: Sequence[Event], now: datetime) -> Seen:
    """Return a person whom the events of the call join of several, by all they ever did."""
    customers, devices = {*whole.customers}, {*whole.customers, *whole.devices}
    called = [
        e for e in events
        if e.customer_id in customers or (not e.customer_id and e.anonymous_id in devices)
    ]  # fmt: skip
    past = people.past_of(whole)
    every = {e.message_id: e for e in [*called, *past]}.values()
    before = people.profile(whole.customers[0])
    person = Person(
        whole.customers[0], reduce(fold, every, State()), before.scores, before.written_at or now
    )
    return Seen(person, bought_in(every), (*whole.customers[1:], *whole.devices))


@dataclass(frozen=True, slots=True)
class _Link:
    customer_id: str
    is_new: bool  # made by an event of this call: the device's own past joins the customer's


def _links(
    people: People, anonymous_id: str | None, events: Sequence[Event]
) -> Mapping[str, _Link]:
    """Return the customer of each device of the call; one that has a customer keeps it."""
    devices = {i for i in (anonymous_id, *(e.anonymous_id for e in events)) if i}
    found: dict[str, _Link] = {}
    for device in sorted(devices):
        customer = people.customer_of(device)
        if customer is not None:
            found[device] = _Link(customer, False)
            continue
        named = [
            (e.at, e.customer_id) for e in events if e.anonymous_id == device and e.customer_id
        ]
        if named:
            found[device] = _Link(min(named)[1], True)  # the first log-in counts
    return found


def _owner(anonymous_id: str | None, linked: Mapping[str, _Link]) -> str | None:
    link = linked.get(anonymous_id) if anonymous_id else None
    return link.customer_id if link else anonymous_id


def _is_of(event: Event, profile_id: str, linked: Mapping[str, _Link], people: People) -> bool:
    owner = event.customer_id or _owner(event.anonymous_id, linked)
    return owner is not None and profile_id in (owner, people.canonical_of(owner))


def _joining(profile_id: str, linked: Mapping[str, _Link], people: People) -> list[str]:
    """Return the devices that become this customer's by the call."""
    return [
        device
        for device, link in linked.items()
        if link.is_new and people.canonical_of(link.customer_id) == profile_id
    ]


def _not_yet_in(state: State, people: People, events: Sequence[Event]) -> list[Event]:
    known = people.stored_ids(e.message_id for e in events) if events else set()
    return [e for e in events if e.message_id not in known or _is_missing(state, e)]


def _is_missing(state: State, event: Event) -> bool:
    """Return whether a stored event is certainly not in the state: its moment would be there."""
    moments = state.moments
    if not is_active(event.kind):
        return False
    if len(moments) >= MAX_MOMENTS and to_micros(event.at) <= moments[0].at:
        return False  # too old to tell
    return all(moment.message_id != event.message_id for moment in moments)
