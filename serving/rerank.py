"""Given items in the order in which they fit a visitor: search results, a category page.

Nothing that is known is left out. What may be shown is ranked as in any list; what is out of stock
stands behind it in the order given, and ids that no item has come last, or not at all.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import numpy as np

from domain.events import to_micros
from serving.listing import list_answer, show
from serving.people import LOST
from serving.question import Wish
from serving.reasons import OUT_OF_STOCK, reason
from serving.recommend import Choice, Pick, recommend
from serving.release import Release
from serving.runtime import Runtime
from serving.shapes.rerank import RerankAsked

_GIVEN = "given"  # the source of what was not ranked


def rerank(runtime: Runtime, asked: RerankAsked, now: datetime) -> dict[str, Any]:
    """Return the given items, best first, for a person, a device or an unknown visitor."""
    release = runtime.release
    visitor = runtime.people.visitor(asked.customer_id, asked.anonymous_id)
    given = list(dict.fromkeys(asked.item_ids))
    rows = release.items.rows(given)
    wish = Wish(limit=max(len(rows), 1), now=to_micros(now), touches=visitor.person.state.touches)
    choice = ranked(release, rows, wish)
    answer = list_answer(runtime, "rerank", release, choice)
    unknown = [item_id for item_id in given if item_id not in release.items.row_of]
    if asked.unknown == "end":
        answer["items"] += [_unknown(item_id) for item_id in unknown]
    answer |= {
        "unknown": unknown,
        "placement": asked.placement,
        "features_age_seconds": visitor.person.age_seconds(now),
        "fallback_reason": LOST if visitor.is_lost else choice.fallback_reason,
    }
    if asked.is_shown:
        show(runtime, answer, (asked.customer_id, asked.anonymous_id), now)
    return answer


def ranked(release: Release, rows: np.ndarray, wish: Wish) -> Choice:
    """Return exactly these rows, best first."""
    given = np.zeros(len(release.items), dtype=bool)
    given[rows] = True
    choice = recommend(release, replace(wish, passed=given))
    return Choice(
        [*choice.picks, *_behind(rows, choice.picks)], choice.fallback, choice.fallback_reason
    )


def _behind(rows: np.ndarray, picks: Sequence[Pick]) -> list[Pick]:
    """Return what was given and not ranked, with the lowest score there is."""
    found = {pick.row for pick in picks}
    least = min([0.0, *(pick.score for pick in picks)])
    why = [reason(OUT_OF_STOCK, "not in stock")]
    return [Pick(row, least, why, _GIVEN) for row in rows.tolist() if row not in found]


def _unknown(item_id: str) -> dict[str, Any]:
    """Return what a list says of an id that no item has."""
    nothing = dict.fromkeys(("category", "brand", "price"))
    return {"item_id": item_id, "title": item_id, **nothing} | {
        "score": 0.0, "source": _GIVEN, "reasons": [],
    }  # fmt: skip
