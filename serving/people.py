"""A person as known this very moment: the online state, and all that is read off it."""

import logging
import sqlite3
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import reduce
from typing import Any

from domain.behaviour import State, fold
from domain.catalogue import ACTION_SHOWN, PURCHASE_GROUP, builtin_catalogue
from domain.events import Event
from domain.features import features_at
from feature_repo.event_log import EventLog
from feature_repo.store import Features, StoredProfile

logger = logging.getLogger(__name__)
_REMEMBERED = 50_000  # profiles whose purchases are kept in memory
_BUYING = frozenset(builtin_catalogue().in_group(PURCHASE_GROUP))


@dataclass(frozen=True, slots=True)
class Person:
    """One profile: `known` is False if nothing was ever heard of it."""

    profile_id: str
    state: State = field(default_factory=State)
    scores: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    written_at: datetime | None = None

    @property
    def known(self) -> bool:
        """Whether anything is known of the profile."""
        return bool(self.state.tallies or self.state.traits or self.scores)

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
        flat = features_at(self.state, now)
        flat |= {f"trait_{name}": stamp.value for name, stamp in self.state.traits.items()}
        for model, score in self.scores.items():
            flat[model] = score.get("probability", score.get("amount"))
            flat[f"{model}_percentile"] = score.get("percentile")
            flat[f"{model}_tier"] = score.get("tier")
        return flat


class People:
    """Finds persons by their ids; where the feature store fails, the log still knows them."""

    def __init__(self, log: EventLog, features: Features | None) -> None:
        self._log = log
        self._features = features
        self._bought: OrderedDict[str, tuple[int, frozenset[str]]] = OrderedDict()

    def find(self, customer_id: str | None, anonymous_id: str | None = None) -> Person:
        """Return a person by customer id, else by device; a linked device is its customer."""
        if customer_id is not None:
            return self._profile(customer_id)
        if anonymous_id is not None:
            return self._profile(self._log.customer_of(anonymous_id) or anonymous_id)
        return Person("")

    def latest_events(self, profile_id: str, limit: int) -> list[Event]:
        """Return what the person did last, newest first."""
        return self._log.events_of(profile_id, limit)

    def last_shown(self, profile_id: str) -> dict[str, datetime]:
        """Return when each action was last shown; those held back for comparison do not count."""
        shown: dict[str, datetime] = {}
        for event in self._log.events_of(profile_id):
            action = event.properties.get("action")
            if event.kind == ACTION_SHOWN and action and not event.properties.get("control"):
                shown[str(action)] = max(event.at, shown.get(str(action), event.at))
        return shown

    def bought(self, person: Person) -> frozenset[str]:
        """Return every item the person ever bought.

        The log is asked only when the number of purchases in the state has changed.
        """
        count = sum(t.events for kind, t in person.state.tallies.items() if kind in _BUYING)
        if count == 0:
            return frozenset()
        kept = self._bought.get(person.profile_id)
        if kept is None or kept[0] != count:
            kept = (count, self._bought_by(person.profile_id))
            self._bought[person.profile_id] = kept
            while len(self._bought) > _REMEMBERED:
                self._bought.popitem(last=False)
        return kept[1]

    def _bought_by(self, profile_id: str) -> frozenset[str]:
        events = self._log.events_of(profile_id)
        return frozenset(line.item_id for e in events if e.kind in _BUYING for line in e.lines)

    def _profile(self, profile_id: str) -> Person:
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
        except (sqlite3.Error, OSError, ValueError) as fault:
            logger.error("feature store: profile cannot be read, folded from the log: %s", fault)
            return None
