"""The parts of a decision: lists, action, segments, scores; one that fails does not take the rest.

Law 7: whatever is broken, a part falls back and says so. Law 10: nothing here has chance in it, so
every list and action is chosen with propensity 1.
"""

import logging
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import Any

import numpy as np

from domain.events import Event
from serving.actions import Situation
from serving.at_once import NOBODY, Seen
from serving.deciding import FAILED, judge, silence_of
from serving.exposures import Ids
from serving.listing import list_answer, wish_of
from serving.past import Past
from serving.people import Person
from serving.placing import Placed, place
from serving.question import Wish
from serving.recommend import Choice, popular
from serving.release import Release
from serving.runtime import Runtime
from serving.shapes.decide import DecideAsked
from serving.viewer import viewer_of

logger = logging.getLogger(__name__)
NO_SCORES = "no_scores"
_WHY = "this part failed; the log of the service says why"


@dataclass
class Call:
    """One call on its way: what was asked, and what was found out about it."""

    runtime: Runtime
    asked: DecideAsked
    now: datetime
    release: Release
    decision_id: str
    masks: list[np.ndarray | None]  # per list, which items pass its filter
    channels: frozenset[str] | None
    seen: Seen | None = None  # None: nobody could look the person up

    @property
    def ids(self) -> Ids:
        """Customer and device, as the call named them."""
        return self.asked.customer_id, self.asked.anonymous_id

    @property
    def person(self) -> Person:
        """The person with the events of the call."""
        return self.seen.person if self.seen else NOBODY

    @cached_property
    def profile(self) -> dict[str, Any]:
        """The person as segment rules and actions see them."""
        return self.person.attributes(self.now)

    @cached_property
    def segments(self) -> list[str]:
        """The segments that the person is in now."""
        return self.runtime.segments.of(self.profile) if self.person.known else []


@dataclass
class Decided:
    """Everything that was decided; what was not wanted is None."""

    lists: list[dict[str, Any]] = field(default_factory=list)
    action: dict[str, Any] | None = None
    shown: Event | None = None  # the exposure of the action
    segments: dict[str, Any] | None = None
    scores: dict[str, Any] | None = None

    def forget_showing(self) -> None:
        """Say that the action could not be kept as shown."""
        if self.action is not None:
            self.action["logged"] = False

    def model_versions(self) -> dict[str, str]:
        """Return the version of every model that had a part in it."""
        found: dict[str, str] = {}
        for part in (*self.lists, self.action or {}):
            found |= part.get("model_versions", {})
        models = self.scores["models"] if self.scores else {}
        scored = {name: str(score.get("model_version", "")) for name, score in models.items()}
        return found | scored


def decide_parts(call: Call) -> Decided:
    """Return everything that the call wants to know."""
    want, decided = call.asked.want, Decided(lists=_lists(call))
    if want.action is not None:
        _decide_action(call, decided)
    if want.segments:
        decided.segments = _segments(call)
    if want.scores:
        scores = dict(call.person.scores)
        decided.scores = {"models": scores} | _fallback(
            None if scores else NO_SCORES, "this profile has not been scored yet"
        )
    return decided


def _lists(call: Call) -> list[dict[str, Any]]:
    """Return one list per placement; what one shows, none after it shows again."""
    taken: list[str] = []
    pasts: dict[int, Past] = {}  # the lists are of one person, at one moment
    answers = []
    for number, wanted in enumerate(call.asked.want.recommendations, start=1):
        here = [*call.asked.context_items, *wanted.context_items]
        asked = wanted.model_copy(update={"context_items": here})
        bought = call.seen.bought if call.seen else {}
        wish = wish_of(asked, call.person, bought, call.masks[number - 1], call.now)
        wish = replace(wish, exclude=[*wanted.exclude, *taken], pasts=pasts)
        placed = _placed(call, wish, wanted.placement)
        answer = list_answer(call.runtime, "decide", call.release, placed.choice)
        answer["decision_id"] = f"{call.decision_id}-{number}"
        answer["placement"] = wanted.placement
        answer["rules"] = placed.to_plain(call.release)
        answer["features_age_seconds"] = call.person.age_seconds(call.now)
        taken += (item["item_id"] for item in answer["items"])
        answers.append(answer)
    return answers


def _placed(call: Call, wish: Wish, placement: str) -> Placed:
    """Return the list, what is popular where that fails, nothing where even that fails."""
    try:
        kept = call.runtime.placements.find(placement)
        viewer = viewer_of(call.runtime, call.ids, call.person, lambda: call.segments)
        return place(call.release, wish, kept, viewer, call.now)
    except Exception:  # law 7: whatever is broken
        logger.exception("decide: a list failed; falling back to what is popular")
    try:
        return Placed(popular(call.release, wish, _WHY))
    except Exception:
        logger.exception("decide: what is popular cannot be said either")
        return Placed(Choice([], FAILED, _WHY))


def _decide_action(call: Call, decided: Decided) -> None:
    wanted = call.asked.want.action
    decision_id = f"{call.decision_id}-action"
    try:
        ids = call.ids if wanted and wanted.log else None
        verdict = judge(call.runtime, call.person, _situation(call, decision_id), decision_id, ids)
    except Exception:  # law 7: whatever is broken, silence is an answer
        logger.exception("decide: the action failed; falling back to silence")
        decided.action = silence_of(call.release, decision_id) | _fallback(FAILED, _WHY)
    else:
        decided.action, decided.shown = verdict.answer, verdict.shown


def _situation(call: Call, decision_id: str) -> Situation:
    people, person = call.runtime.people, call.person
    ids = [person.profile_id, *(call.seen.joined if call.seen else ())]
    return Situation(
        profile=call.profile,
        consent=person.consent,
        segments=frozenset(call.segments),
        last_shown=people.last_shown(ids, besides=decision_id),
        channels=call.channels,
        as_of=call.now,
    )


def _segments(call: Call) -> dict[str, Any]:
    try:
        return {"keys": list(call.segments)} | _fallback(None, "")
    except Exception:  # law 7: whatever is broken
        logger.exception("decide: the segments failed")
        return {"keys": []} | _fallback(FAILED, _WHY)


def _fallback(name: str | None, why: str) -> dict[str, Any]:
    return {"fallback": name, "fallback_reason": why if name else None}
