"""From a request for an action to its answer, kept as an exposure when it is going to be shown."""

import logging
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from domain.decisions import Decision
from domain.errors import InvalidInput, StoreUnavailable
from domain.events import CHANNELS, Event
from domain.strata import stratum_of
from serving.actions import ALWAYS, Situation, candidate_plain, choose_action, exposure
from serving.exposures import Ids
from serving.listing import new_decision_id
from serving.people import LOST, Person
from serving.release import Release
from serving.runtime import Runtime
from serving.shapes.actions import ActionAsked

logger = logging.getLogger(__name__)
FAILED = "failed"
PRIOR = "prior"  # no responses have been counted: the catalogue's own expectation is used
UNKNOWN = "unknown_customer"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer about an action, and the exposure to store when it is going to be shown."""

    answer: dict[str, Any]
    shown: Event | None


async def next_best_action(runtime: Runtime, asked: ActionAsked, now: datetime) -> dict[str, Any]:
    """Return the chosen action, or silence; log it if asked to."""
    channels = channels_of(asked.channels, "channels")
    if asked.customer_id is None and asked.anonymous_id is None:
        raise InvalidInput("give a customer_id or an anonymous_id", field="customer_id")
    decision_id = new_decision_id()
    ids = (asked.customer_id, asked.anonymous_id) if asked.log else None
    try:
        person = runtime.people.find(asked.customer_id, asked.anonymous_id)
        situation = situation_of(runtime, person, channels, now)
        verdict = judge(runtime, person, situation, decision_id, ids)
    except Exception:  # law 7: whatever is broken, silence is an answer
        logger.exception("next best action: it cannot be weighed; falling back to silence")
        lost = {"fallback": FAILED, "fallback_reason": LOST}
        return silence_of(runtime.release, decision_id) | lost
    if verdict.shown is not None and not await _is_kept(runtime, verdict.shown):
        verdict.answer["logged"] = False
    return verdict.answer


async def _is_kept(runtime: Runtime, shown: Event) -> bool:
    """Keep an exposure; the decision is good also where it cannot be kept."""
    try:
        await runtime.intake.record([shown])
    except StoreUnavailable as fault:
        logger.error("next best action: not kept as shown: %s", fault)
        return False
    return True


def judge(
    runtime: Runtime, person: Person, situation: Situation, decision_id: str, ids: Ids | None
) -> Verdict:
    """Decide; `ids` are whom the exposure belongs to, None to look without showing."""
    release, now = runtime.release, situation.as_of
    decision = choose_action(runtime.actions, release.rates, situation)
    shown = None
    if ids is not None and decision.chosen is not None and person.known:
        theirs = (ids[0], ids[1] if ids[0] is None else None)
        shown = exposure(decision.chosen, theirs, decision_id, now)
    answer = _answer(release, decision) | _fallback(release, person)
    runtime.metrics.answers.add("next-best-action", answer["fallback"] or "")
    answer |= {
        "decision_id": decision_id,
        "logged": shown is not None,
        "stratum": stratum_of(situation.profile),
        "features_age_seconds": person.age_seconds(now),
    }
    return Verdict(answer, shown)


def silence_of(release: Release, decision_id: str) -> dict[str, Any]:
    """Return the answer that says nothing, for when nothing can be weighed."""
    return _answer(release, Decision(None, (), ("silence: nothing could be weighed",))) | {
        "decision_id": decision_id,
        "logged": False,
        "stratum": "",
        "features_age_seconds": None,
    }


def channels_of(given: list[str] | None, field: str) -> frozenset[str] | None:
    """Return the channels that are open, None for all; `field` is where they stand."""
    for name in given or ():
        if name not in CHANNELS:
            raise InvalidInput(
                f"channel {name!r:.40} is none of {', '.join(CHANNELS)}", field=field
            )
    return None if given is None else frozenset(given)


def situation_of(
    runtime: Runtime, person: Person, channels: frozenset[str] | None, now: datetime
) -> Situation:
    """Return all that a decision for a person looks at."""
    profile = person.attributes(now)
    return Situation(
        profile=profile,
        consent=person.consent,
        segments=frozenset(runtime.segments.of(profile)) if person.known else frozenset(),
        last_shown=runtime.people.last_shown([person.profile_id]),
        channels=channels,
        as_of=now,
    )


def _answer(release: Release, decision: Decision) -> dict[str, Any]:
    return {
        "action": candidate_plain(decision.chosen) if decision.chosen else None,
        "alternatives": [candidate_plain(candidate) for candidate in decision.alternatives],
        "reasons": list(decision.reasons),
        "refused": [
            {"action": r.action, "code": r.code, "sentence": r.sentence} for r in decision.refused
        ],
        "propensity": ALWAYS,
        "model_versions": {"responses": release.release_id} if release.rates else {},
        "release_id": release.release_id,
    }


def _fallback(release: Release, person: Person) -> dict[str, Any]:
    """Say what was missing: what is known of the customer, or of how customers respond."""
    if not person.known:
        sentence = "nothing is known of this customer; only what needs no consent is open"
        return {"fallback": UNKNOWN, "fallback_reason": sentence}
    if release.rates is None:
        sentence = "no responses were counted yet; the rates are those of the action catalogue"
        return {"fallback": PRIOR, "fallback_reason": sentence}
    return {"fallback": None, "fallback_reason": None}
