"""One call that records and decides: its events are stored, and count in its own answer.

What can be wrong with a request is found before anything happens. Then the person is read, the
events are folded onto what was read, each part is decided, and the events are stored in one
transaction with the action that is going to be shown.
"""

import asyncio
import logging
import time
from collections import Counter
from datetime import datetime
from typing import Any

from domain.errors import InvalidInput, NextbestError, NotAllowed, Overloaded
from domain.events import Event
from serving.at_once import Seen, seen_together, seen_with
from serving.decide_parts import Call, Decided, decide_parts
from serving.deciding import channels_of
from serving.intake import (
    DUPLICATE,
    REJECTED,
    STORED,
    Outcome,
    events_in,
    outcomes_of,
)
from serving.keys import SECRET
from serving.listing import passed_by, show
from serving.own_ids import decision_id_of, messages_with_ids
from serving.people import LOST
from serving.release import Release
from serving.runtime import Runtime
from serving.shapes.decide import DecideAsked, ListWanted
from serving.signed_ids import Caller, check_ids, screened

logger = logging.getLogger(__name__)
FAILED = "failed"  # the status of an event that is fine, but could not be written
UNKNOWN = "unknown"
_SECRET_PARTS = ("action", "segments", "scores")


async def decide(
    runtime: Runtime, asked: DecideAsked, caller: Caller, now: datetime
) -> dict[str, Any]:
    """Store the events of a call and return everything that it wants to know."""
    started = time.perf_counter()
    caller = caller.with_signature(asked.customer_signature)
    call = _checked(runtime, asked, caller.right, now)
    check_ids(runtime, caller, *call.ids)
    messages = messages_with_ids(asked)
    read = runtime.intake.read(messages, now, asked.sentAt)
    read = await screened(runtime, caller, messages, read)
    call.seen = await _look(call, events_in(read))
    looked = time.perf_counter()
    decided = decide_parts(call)
    chosen = time.perf_counter()
    outcomes = await _store(call, messages, read, decided)
    for answer, wanted in zip(decided.lists, asked.want.recommendations, strict=True):
        if wanted.log:
            show(runtime, answer, call.ids, now)
    times = (("read", looked - started), ("decide", chosen - looked))
    timings = {name: round(1000 * seconds, 3) for name, seconds in times}
    timings["store"] = round(1000 * (time.perf_counter() - chosen), 3)
    return _answer(call, decided, outcomes) | {"timings_ms": timings}


def _checked(runtime: Runtime, asked: DecideAsked, right: str | None, now: datetime) -> Call:
    """Return the call, or raise what is wrong with it; nothing has happened yet."""
    want = asked.want
    wanted = [name for name in _SECRET_PARTS if getattr(want, name)]
    if wanted and right != SECRET:
        raise NotAllowed(
            f"the public write key may not ask for {', '.join(wanted)}; use the secret key "
            "(sk_...), or leave it out",
            field=f"want.{wanted[0]}",
        )
    if wanted and asked.customer_id is None and asked.anonymous_id is None:
        raise InvalidInput("give a customer_id or an anonymous_id", field="customer_id")
    release = runtime.release
    channels = want.action.channels if want.action else None
    return Call(
        runtime,
        asked,
        now,
        release,
        decision_id_of(asked),
        [_passed(wish, release, n) for n, wish in enumerate(want.recommendations)],
        channels_of(channels, "want.action.channels"),
    )


def _passed(wish: ListWanted, release: Release, number: int) -> Any:
    """Return the mask of a list's filter; a fault in it is named by its place in the request."""
    try:
        return passed_by(wish, release)
    except InvalidInput as fault:
        place = f"want.recommendations[{number}].{fault.field}"
        raise InvalidInput(f"in {place}: {fault.message}", field=place) from fault


async def _look(call: Call, events: list[Event]) -> Seen | None:
    """Return the person with the events of the call; None if nobody could look them up."""
    people = call.runtime.people
    try:
        if any(call.ids) and people.may_join(events):
            trial = call.runtime.writing.together_with
            whole = await asyncio.to_thread(trial, events, *call.ids)
            return seen_together(people, whole, events, call.now)
        return seen_with(people, *call.ids, events, call.now)
    except Exception:  # whatever is broken, a list of what is popular can still be given
        logger.exception("decide: the person cannot be looked up")
        return None


async def _store(
    call: Call, messages: list[Any], read: list[Any], decided: Decided
) -> list[Outcome]:
    """Store the events and what will be shown, durable when this returns."""
    events = events_in(read)
    shown = [] if decided.shown is None else [decided.shown]
    try:
        new = await call.runtime.intake.record([*events, *shown])
    except Exception as fault:  # the decision is made, and those events can be sent again
        logger.error("decide: %d events not written: %s", len(events), fault)
        decided.forget_showing()
        return _failed(outcomes_of(messages, read, [True] * len(events)), fault)
    return outcomes_of(messages, read, new[: len(events)])


def _failed(outcomes: list[Outcome], fault: Exception) -> list[Outcome]:
    known = fault if isinstance(fault, NextbestError) else None
    said = known or Overloaded("the event was not written; send it again", retry_after_seconds=1)
    return [Outcome(o.message_id, FAILED, said) if o.fault is None else o for o in outcomes]


def _answer(call: Call, decided: Decided, outcomes: list[Outcome]) -> dict[str, Any]:
    is_lost = call.seen is None
    return {
        "decision_id": call.decision_id,
        "events": _events(call, outcomes),
        "recommendations": decided.lists,
        "action": decided.action,
        "segments": decided.segments,
        "scores": decided.scores,
        "model_versions": decided.model_versions(),
        "features_age_seconds": call.person.age_seconds(call.now),
        "fallback": UNKNOWN if is_lost else None,
        "fallback_reason": LOST if is_lost else None,
        "release_id": call.release.release_id,
    }


def _events(call: Call, outcomes: list[Outcome]) -> dict[str, Any]:
    counts = Counter(outcome.status for outcome in outcomes)
    for status, count in counts.items():
        call.runtime.metrics.events.add(status, count=count)
    return {
        "success": not counts[REJECTED] and not counts[FAILED],
        **{status: counts[status] for status in (STORED, DUPLICATE, REJECTED, FAILED)},
        "results": [outcome.to_plain() for outcome in outcomes],
    }
