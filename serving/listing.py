"""From a request for a list to its answer: who asks, what may be shown, what was chosen and why."""

import uuid
from datetime import datetime
from typing import Any

from domain.events import to_micros
from serving.filters import mask_of
from serving.people import Person
from serving.recommend import Choice, Wish, recommend
from serving.release import Release
from serving.runtime import Runtime
from serving.shapes.lists import RecommendationsAsked
from serving.similar import similar_items, trending_items


def new_decision_id() -> str:
    """Return a new id that events may carry back."""
    return f"d-{uuid.uuid4().hex}"


def recommendations(runtime: Runtime, asked: RecommendationsAsked, now: datetime) -> dict[str, Any]:
    """Return a list for a person, a device or an unknown visitor."""
    release = runtime.release
    person = runtime.people.find(asked.customer_id, asked.anonymous_id)
    choice = recommend(release, _wish(runtime, release, person, asked, now))
    answer = _answer(runtime, "recommendations", release, choice)
    answer["placement"] = asked.placement
    answer["features_age_seconds"] = person.age_seconds(now)
    return answer


def _wish(
    runtime: Runtime, release: Release, person: Person, asked: RecommendationsAsked, now: datetime
) -> Wish:
    return Wish(
        limit=asked.limit,
        now=to_micros(now),
        touches=person.state.touches,
        bought=runtime.people.bought(person),
        exclude=asked.exclude,
        context_items=list(dict.fromkeys(asked.context_items)),
        passed=mask_of(asked.filter, release.items) if asked.filter else None,
    )


def leo_list(runtime: Runtime, profile_id: str, top_n: int, now: datetime) -> dict[str, Any]:
    """Return a list for one profile in the words of LEO CDP."""
    asked = RecommendationsAsked.model_validate({"limit": top_n})
    person = runtime.people.find(None, profile_id)
    release = runtime.release
    choice = recommend(release, _wish(runtime, release, person, asked, now))
    runtime.metrics.answers.add("leo", choice.fallback or "")
    stage = person.attributes(now).get("journey_stage")
    items = _items(release, choice)
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
    return _answer(runtime, "similar", release, similar_items(release, item_id, limit))


def trending(runtime: Runtime, limit: int, category: str | None) -> dict[str, Any]:
    """Return items on the rise, of one category if one is given."""
    release = runtime.release
    passed = None if category is None else release.items.columns["category"].equal_to(category)
    return _answer(runtime, "trending", release, trending_items(release, limit, passed))


def _answer(runtime: Runtime, kind: str, release: Release, choice: Choice) -> dict[str, Any]:
    runtime.metrics.answers.add(kind, choice.fallback or "")
    return {
        "decision_id": new_decision_id(),
        "placement": None,
        "items": _items(release, choice),
        "model_versions": release.versions(release.recommender),
        "features_age_seconds": None,
        "fallback": choice.fallback,
        "fallback_reason": choice.fallback_reason,
        "release_id": release.release_id,
    }


def _items(release: Release, choice: Choice) -> list[dict[str, Any]]:
    return [
        release.items.to_plain(pick.row) | {"score": round(pick.score, 6), "reasons": pick.reasons}
        for pick in choice.picks
    ]
