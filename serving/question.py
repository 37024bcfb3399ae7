"""A list that is wanted, and what is known when it is made: what may be shown, who likes what."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from domain.behaviour import Touch
from serving.past import Past
from serving.release import Release
from serving.taste import Leaning

MODEL, CONTENT, AFFINITY = "model", "content", "affinity"
TRENDING, POPULAR = "trending", "popular"
SOURCES: Mapping[str, str] = {
    MODEL: "the released recommender, over the items that it knows",
    CONTENT: "items new to the recommender, by how they read",
    AFFINITY: "popular in the categories that the visitor touched, or that are on the page",
    TRENDING: "on the rise against their own past",
    POPULAR: "bought often lately; what fills up a list",
}
USUAL = (MODEL, CONTENT, AFFINITY, POPULAR)


@dataclass(frozen=True, slots=True, eq=False)
class Wish:
    """What the list is for: whose past, what must not be in it, what is on the page."""

    limit: int
    now: int  # microseconds
    touches: Sequence[Touch] = ()
    bought: Collection[str] = ()  # that must not be shown again
    exclude: Collection[str] = ()
    context_items: Sequence[str] = ()
    passed: np.ndarray | None = None  # (items,) bool, which items pass the filter
    seen: Collection[str] = ()  # that must not be shown again
    sources: tuple[str, ...] = USUAL
    pasts: dict[int, Past] = field(default_factory=dict)  # by release; shared by what it turns into


@dataclass(frozen=True, eq=False)
class Question:
    """A wish put to a release; each part is found once, when first asked for."""

    release: Release
    wish: Wish

    @cached_property
    def allowed(self) -> np.ndarray:
        """Which items may be shown, (items,) bool."""
        items, wish = self.release.items, self.wish
        allowed = items.in_stock.copy()
        if wish.passed is not None:
            allowed &= wish.passed
        for ids in (wish.bought, wish.seen, wish.exclude, wish.context_items):
            allowed[items.rows(ids)] = False
        return allowed

    @cached_property
    def past(self) -> Past:
        """What the release makes of the visitor, the same for all that is asked of one wish."""
        wish, found = self.wish, self.wish.pasts.get(id(self.release))
        if found is None or not found.is_of(wish.touches, wish.context_items, wish.now):
            found = Past(self.release, wish.touches, wish.context_items, wish.now)
            wish.pasts[id(self.release)] = found  # it holds the release, so the id stays its own
        return found

    @cached_property
    def leaning(self) -> Leaning | None:
        """What the visitor leans to; None where nobody asks, or the recommender cannot say."""
        wanted = self.wish.sources
        return self.past.leaning if MODEL in wanted or CONTENT in wanted else None
