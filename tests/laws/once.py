"""What must be so after any deliveries: the states equal the fold of the distinct events."""

import itertools
from dataclasses import replace

from histories import own_keys
from test_monoid import assert_same

from domain.behaviour import State, fold

_example = itertools.count()


def own_ids(events):
    """Give the people and messages of one example names of their own, so examples share a store."""
    n = next(_example)
    return [
        replace(
            e,
            message_id=f"{n}-{e.message_id}",
            customer_id=e.customer_id and f"{n}-{e.customer_id}",
            anonymous_id=e.anonymous_id and f"{n}-{e.anonymous_id}",
            traits=own_keys(e.traits, n),
        )
        for e in events
    ]


def expected(log, events):
    """Fold each distinct event once, by the profile it belongs to in the end."""
    states = {}
    for event in events:
        profile = log.profile_id_of(event)
        if profile:
            states[profile] = fold(states.get(profile, State()), event)
    return states


def check(log, features, events):
    """Assert that the profiles of these events are as folded, and that the devices are empty."""
    for found, wanted in pairs(log, features, events).values():
        assert_same(found, wanted)


def pairs(log, features, events):
    """Return by profile its state online, and the fold of its distinct events."""
    wanted = expected(log, events)
    found = features.read_many({i for e in events for i in (e.customer_id, e.anonymous_id) if i})
    empty = State()  # what a device did is its customer's now
    return {
        i: (found[i].state if i in found else empty, wanted.get(i, empty))
        for i in {*found, *wanted}
    }
