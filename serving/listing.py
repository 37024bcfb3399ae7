"""From a request for a list to its answer: who asks, what may be shown, what was chosen and why."""

import logging
import uuid
from collections.abc import Collection, Mapping
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

import numpy as np

from domain.behaviour import DAY_MICROS
from domain.errors import InvalidInput
from domain.events import to_micros
from serving.actions import ALWAYS
from serving.explain import explain
from serving.exposures import Ids, exposure_of
from serving.filters import mask_of
from serving.people import LOST, Person, Visitor, latest
from serving.placing import Placed, place
from serving.question import Question, Wish
from serving.recommend import Choice, recommend
from serving.release import Release
from serving.runtime import Runtime
from serving.shapes.lists import ListAsked, RecommendationsAsked, Window
from serving.similar import similar_items, trending_items
from serving.viewer import viewer_of

logger = logging.getLogger(__name__)


def new_decision_id() -> str:
    """Return a new id that events may carry back."""
    return f"d-{uuid.uuid4().hex}"


def recommendations(runtime: Runtime, asked: RecommendationsAsked, now: datetime) -> dict[str, Any]:
    """Return a list for a person, a device or an unknown visitor."""
    release = runtime.release
    visitor = runtime.people.visitor(asked.customer_id, asked.anonymous_id)
    placed = _placed_for(runtime, visitor, asked, release, now)
    answer = list_answer(runtime, "recommendations", release, placed.choice)
    answer["placement"] = asked.placement
    answer["rules"] = placed.to_plain(release)
    answer["features_age_seconds"] = visitor.person.age_seconds(now)
    if asked.is_shown:
        show(runtime, answer, (asked.customer_id, asked.anonymous_id), now)
    return answer


def _placed_for(
    runtime: Runtime,
    visitor: Visitor,
    asked: RecommendationsAsked,
    release: Release,
    now: datetime,
) -> Placed:
    person, ids = visitor.person, (asked.customer_id, asked.anonymous_id)
    wish = wish_of(asked, person, visitor.bought, passed_by(asked, release), now)
    viewer = viewer_of(runtime, ids, person, lambda: segments_of(runtime, person, now))
    placed = place(release, wish, runtime.placements.find(asked.placement), viewer, now)
    if not visitor.is_lost:
        return placed
    return replace(placed, choice=replace(placed.choice, fallback_reason=LOST))


def segments_of(runtime: Runtime, person: Person, now: datetime) -> list[str]:
    """Return the segments that a person is in now."""
    return runtime.segments.of(person.attributes(now)) if person.known else []


def _chosen_for(
    visitor: Visitor,
    asked: ListAsked,
    passed: np.ndarray | None,
    release: Release,
    now: datetime,
) -> Choice:
    choice = recommend(release, wish_of(asked, visitor.person, visitor.bought, passed, now))
    return replace(choice, fallback_reason=LOST) if visitor.is_lost else choice


def explanation(
    runtime: Runtime, asked: RecommendationsAsked, item_id: str, now: datetime
) -> dict[str, Any]:
    """Return why an item is in the list that would be answered, or why it is not."""
    release = runtime.release
    visitor = runtime.people.visitor(asked.customer_id, asked.anonymous_id)
    placed = _placed_for(runtime, visitor, asked, release, now)
    choice = placed.choice
    passed = passed_by(asked, release)
    question = Question(release, wish_of(asked, visitor.person, visitor.bought, passed, now))
    row = release.items.row_of.get(item_id)
    steps = [] if row is None else placed.trace.of(row)
    return explain(question, choice, item_id, asked.filter, steps) | {
        "item_id": item_id,
        "placement": asked.placement,
        "rules": [asdict(step) for step in steps],
        "returned": [release.items.ids[pick.row] for pick in choice.picks],
        "fallback": choice.fallback,
        "fallback_reason": choice.fallback_reason,
        "model_versions": release.versions(release.recommender),
        "release_id": release.release_id,
    }


def show(runtime: Runtime, answer: dict[str, Any], ids: Ids, now: datetime) -> None:
    """Keep a list as shown, written behind the answer; an empty one was not."""
    try:
        exposure = exposure_of(answer, ids, now)
    except InvalidInput as fault:  # ids that no event may have; the list is good all the same
        logger.warning("a list is not kept as shown: %s", fault)
        return
    if exposure is not None:
        answer["logged"] = runtime.exposures.offer(exposure)


def passed_by(asked: ListAsked, release: Release) -> np.ndarray | None:
    """Return which items pass the filter of a list, (items,) bool; None for all."""
    return mask_of(asked.filter, release.items) if asked.filter else None


def wish_of(
    asked: ListAsked,
    person: Person,
    bought: Mapping[str, int],
    passed: np.ndarray | None,
    now: datetime,
) -> Wish:
    """Return what a list is for."""
    touches, micros = person.state.touches, to_micros(now)
    seen = latest((touch.item_id, touch.at) for touch in touches) if asked.exclude_seen else {}
    return Wish(
        limit=asked.limit,
        now=micros,
        touches=touches,
        bought=within(bought, asked.exclude_purchased, micros),
        seen=within(seen, asked.exclude_seen, micros),
        exclude=asked.exclude,
        context_items=list(dict.fromkeys(asked.context_items)),
        passed=passed,
    )


def within(times: Mapping[str, int], window: Window, now: int) -> Collection[str]:
    """Return the items whose time (µs) lies in a window: of days before `now`, all, or none."""
    if isinstance(window, bool):
        return times if window else ()
    since = now - int(window * DAY_MICROS)
    return [item_id for item_id, at in times.items() if at >= since]


def leo_list(runtime: Runtime, profile_id: str, top_n: int, now: datetime) -> dict[str, Any]:
    """Return a list for one profile in the words of LEO CDP."""
    asked = RecommendationsAsked.model_validate({"limit": top_n})
    visitor, release = runtime.people.visitor(None, profile_id), runtime.release
    choice = _chosen_for(visitor, asked, None, release, now)
    runtime.metrics.answers.add("leo", choice.fallback or "")
    stage = visitor.person.attributes(now).get("journey_stage")
    items = items_of(release, choice)
    products = [_leo_product(item, [stage] if stage else []) for item in items]
    return {"profile_id": profile_id, "recommended_products": products}


def _leo_product(item: dict[str, Any], journey_maps: list[str]) -> dict[str, Any]:
    return {
        "product_id": item["item_id"],
        "product_name": item["title"],
        "product_category": item["category"],
        "brand": item["brand"],
        "price": item["price"],
        "journey_maps": journey_maps,
        "score": item["score"],
    }


def similar(runtime: Runtime, item_id: str, limit: int) -> dict[str, Any]:
    """Return items like one item."""
    release = runtime.release
    return list_answer(runtime, "similar", release, similar_items(release, item_id, limit))


def trending(runtime: Runtime, limit: int, category: str | None) -> dict[str, Any]:
    """Return items on the rise, of one category if one is given."""
    release = runtime.release
    passed = None if category is None else release.items.columns["category"].equal_to(category)
    return list_answer(runtime, "trending", release, trending_items(release, limit, passed))


def list_answer(runtime: Runtime, kind: str, release: Release, choice: Choice) -> dict[str, Any]:
    """Return a list as it goes over the wire, with a decision id of its own; it is counted."""
    runtime.metrics.answers.add(kind, choice.fallback or "")
    return {
        "decision_id": new_decision_id(),
        "placement": None,
        "rules": None,
        "items": items_of(release, choice),
        "model_versions": release.versions(release.recommender),
        "features_age_seconds": None,
        "fallback": choice.fallback,
        "fallback_reason": choice.fallback_reason,
        "propensity": ALWAYS,
        "logged": False,
        "release_id": release.release_id,
    }


def items_of(release: Release, choice: Choice) -> list[dict[str, Any]]:
    """Return the items of a list as they go over the wire."""
    return [
        release.items.to_plain(pick.row)
        | {"score": round(pick.score, 6), "source": pick.source, "reasons": pick.reasons}
        for pick in choice.picks
    ]
