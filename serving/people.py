"""A person as known this very moment: the online state, and all that is read off it."""

import logging
import sqlite3
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import reduce
from itertools import chain
from typing import Any

from domain.behaviour import State, fold
from domain.catalogue import (
    ACTION_SHOWN,
    PURCHASE_GROUP,
    RECOMMENDATION_SHOWN,
    builtin_catalogue,
)
from domain.errors import StoreUnavailable
from domain.events import Event, to_micros
from domain.live_profile import profile_at
from feature_repo.log import Log, Together
from feature_repo.store import Features, StoredProfile

logger = logging.getLogger(__name__)
_REMEMBERED = 50_000  # profiles whose purchases are kept in memory
LOST = "the person cannot be looked up at this moment; answered as for an unknown visitor"
BUYING = frozenset(builtin_catalogue().in_group(PURCHASE_GROUP))


@dataclass(frozen=True, slots=True)
class Person:
    """One profile: `known` is False if nothing was ever heard of it."""

    profile_id: str
    state: State = field(default_factory=State)
    scores: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    written_at: datetime | None = None

    @property
    def known(self) -> bool:
        """Whether anything is known of the profile; a list that it was shown tells nothing."""
        heard = any(kind != RECOMMENDATION_SHOWN for kind in self.state.tallies)
        return bool(heard or self.state.traits or self.scores)

    @property
    def consent(self) -> dict[str, bool]:
        """Purpose -> granted: by every id that answered, the strictest counts."""
        return {
            purpose: all(stamp.value is True for stamp in by_id.values())
            for purpose, by_id in self.state.consents.items()
        }

    def age_seconds(self, now: datetime) -> float | None:
        """Return how old the features are, None where there are none."""
        if self.written_at is None:
            return None
        return max((now - self.written_at).total_seconds(), 0.0)

    def attributes(self, now: datetime) -> dict[str, Any]:
        """Return the flat profile that segment rules ask: features, traits, scores."""
        return profile_at(self.state, self.scores, now)


@dataclass(frozen=True, slots=True)
class Visitor:
    """A person and what they bought; `is_lost` if nobody could look them up."""

    person: Person
    bought: Mapping[str, int] = field(default_factory=dict)  # item -> the last time, µs
    is_lost: bool = False


def _shown_in(events: Iterable[Event], besides: str | None) -> dict[str, datetime]:
    shown: dict[str, datetime] = {}
    for event in events:
        action = event.properties.get("action")
        counts = event.decision_id is None or event.decision_id != besides
        if action and counts and not event.properties.get("control"):
            shown[str(action)] = max(event.at, shown.get(str(action), event.at))
    return shown


def bought_in(events: Iterable[Event]) -> dict[str, int]:
    """Return every item that was bought by these events, with the last time (µs)."""
    return latest(
        (line.item_id, to_micros(e.at)) for e in events if e.kind in BUYING for line in e.lines
    )


def latest(pairs: Iterable[tuple[str, int]]) -> dict[str, int]:
    """Return the last time of each item id."""
    found: dict[str, int] = {}
    for item_id, at in pairs:
        found[item_id] = max(at, found.get(item_id, at))
    return found


class People:
    """Finds persons by their ids; where the feature store fails, the log still knows them."""

    def __init__(self, log: Log, features: Features | None) -> None:
        self._log = log
        self._features = features
        self._bought: OrderedDict[str, tuple[int, dict[str, int]]] = OrderedDict()

    def resolve(self, profile_id: str) -> str:
        """Return the profile that any id of a person leads to: a device's, a stitched one's."""
        return self._log.resolve(profile_id)

    def forget(self, profile_ids: Iterable[str]) -> None:
        """Let go of what is kept in memory of these profiles."""
        for profile_id in profile_ids:
            self._bought.pop(profile_id, None)

    def find(self, customer_id: str | None, anonymous_id: str | None = None) -> Person:
        """Return a person by customer id, else by device; a linked device is its customer."""
        if customer_id is not None:
            return self.profile(customer_id)
        if anonymous_id is not None:
            return self.profile(self.resolve(anonymous_id))
        return Person("")

    def is_customer(self, profile_id: str) -> bool:
        """Return whether an id is that of a customer, and not of a device alone."""
        if self._log.canonical_of(profile_id) != profile_id:
            return True
        stored = self._stored(profile_id)
        if stored is not None and stored.state.tallies:
            return stored.state.known
        return any(e.customer_id == profile_id for e in self._log.events_of(profile_id))

    def visitor(self, customer_id: str | None, anonymous_id: str | None) -> "Visitor":
        """Return for whom a list is; whatever is broken, it can be one for an unknown visitor."""
        try:
            person = self.find(customer_id, anonymous_id)
            return Visitor(person, self.bought(person))
        except Exception:  # law 7
            logger.exception("a list: the person cannot be looked up")
            return Visitor(Person(""), is_lost=True)

    def customer_of(self, anonymous_id: str) -> str | None:
        """Return the customer that a device is linked to, or None."""
        return self._log.customer_of(anonymous_id)

    def stored_ids(self, message_ids: Iterable[str]) -> set[str]:
        """Return those of the message ids that are in the log already."""
        return self._log.stored_ids(message_ids)

    def canonical_of(self, customer_id: str) -> str:
        """Return the id that a customer goes by now."""
        return self._log.canonical_of(customer_id)

    def may_join(self, events: Sequence[Event]) -> bool:
        """Return whether storing these events may make customers one person who were not so."""
        return self._log.may_join(events)

    def past_of(self, whole: Together) -> list[Event]:
        """Return every stored event of all ids of a person."""
        customers, devices = whole.customers, {*whole.customers, *whole.devices}
        trails = [self._log.trail(i, known=True) for i in customers]
        trails += [self._log.trail(i, known=False) for i in sorted(devices)]
        return [event for trail in trails for _, event in trail]

    def latest_events(self, profile_id: str, limit: int) -> list[Event]:
        """Return what the person did last, newest first."""
        return self._log.events_of(profile_id, limit)

    def last_shown(
        self, profile_ids: Iterable[str], besides: str | None = None
    ) -> dict[str, datetime]:
        """Return when each action was last shown; those held back for comparison do not count.

        `besides` is a decision id that does not count either: that of a call sent once more.
        """
        told = (self._log.events_of(i, kinds=(ACTION_SHOWN,)) for i in profile_ids)
        return _shown_in(chain.from_iterable(told), besides)

    def bought(self, person: Person) -> dict[str, int]:
        """Return every item the person ever bought, with the last time (µs).

        The log is asked only when the number of purchases in the state has changed.
        """
        count = sum(t.events for kind, t in person.state.tallies.items() if kind in BUYING)
        if count == 0:
            return {}
        kept = self._bought.get(person.profile_id)
        if kept is None or kept[0] != count:
            kept = (count, self._bought_by(person.profile_id))
            self._bought[person.profile_id] = kept
            while len(self._bought) > _REMEMBERED:
                self._bought.popitem(last=False)
        return kept[1]

    def _bought_by(self, profile_id: str) -> dict[str, int]:
        return bought_in(self._log.events_of(profile_id, kinds=sorted(BUYING)))

    def profile(self, profile_id: str) -> Person:
        """Return one profile by its own id, or that of the customer it is stitched to.

        A device that is linked to a customer has moved out.
        """
        profile_id = self._log.canonical_of(profile_id)
        stored = self._stored(profile_id)
        if stored is not None and stored.state.tallies:
            return Person(profile_id, stored.state, stored.scores, stored.written_at)
        state = reduce(fold, self._log.events_of(profile_id), State())
        return Person(profile_id, state, stored.scores if stored else {})

    def _stored(self, profile_id: str) -> StoredProfile | None:
        if self._features is None:
            return None
        try:
            return self._features.read(profile_id)
        except (sqlite3.Error, OSError, ValueError, StoreUnavailable) as fault:
            logger.error("feature store: profile cannot be read, folded from the log: %s", fault)
            return None
