"""A list that is wanted, and what is known when it is made: what may be shown, who likes what."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from domain.behaviour import Touch
from models.history import History
from serving.history import Habits, history_of, verbs_of
from serving.reasons import HERE
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
    def habits(self) -> Habits:
        """How acts were weighed when the recommender learned."""
        return Habits.of(self.release.models.get(self.release.recommender, {}))

    @cached_property
    def history(self) -> History:
        """The acts that count, and what is on the page."""
        return history_of(self.wish.touches, self.wish.context_items, self.wish.now, self.habits)

    @cached_property
    def leaning(self) -> Leaning | None:
        """What the visitor leans to; None where the recommender knows none of their items."""
        taste, wanted = self.release.taste, self.wish.sources
        if taste is None or not (MODEL in wanted or CONTENT in wanted):
            return None
        if not taste.knows(self.history.item_ids):
            return None
        return taste.of(self.history, self.release.newcomers)

    @cached_property
    def knows_visitor(self) -> bool:
        """Whether the recommender knows an item of the visitor, and not of the page alone."""
        taste = self.release.taste
        own = len(self.history) - len(self.wish.context_items)
        return taste is not None and taste.knows(self.history.item_ids[:own])

    @cached_property
    def verbs(self) -> dict[str, str]:
        """What the visitor did with each item, in words."""
        return verbs_of(self.wish.touches, self.habits) | dict.fromkeys(
            self.wish.context_items, HERE
        )

    @cached_property
    def near(self) -> dict[str, str]:
        """The categories of the page, else of the visitor, each with the latest item of it."""
        items = self.release.items
        for ids in (self.wish.context_items, self.history.item_ids):
            pairs = ((items.categories[row], items.ids[row]) for row in items.rows(ids).tolist())
            found = {category: item_id for category, item_id in pairs if category is not None}
            if found:
                return found
        return {}
