"""What a release makes of one visitor at one moment, worked out once for all lists of an answer."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from domain.behaviour import Touch
from models.history import History
from serving.history import Habits, history_of, verbs_of
from serving.reasons import HERE
from serving.release import Release
from serving.taste import Leaning


@dataclass(frozen=True, eq=False)
class Past:
    """The acts of a visitor and the page they are on, held against a release."""

    release: Release
    touches: Sequence[Touch]
    context_items: Sequence[str]
    now: int  # microseconds

    def is_of(self, touches: Sequence[Touch], context_items: Sequence[str], now: int) -> bool:
        """Return whether it was worked out of just these."""
        same = touches is self.touches and now == self.now
        return same and list(context_items) == list(self.context_items)

    @cached_property
    def habits(self) -> Habits:
        """How acts were weighed when the recommender learned."""
        return Habits.of(self.release.models.get(self.release.recommender, {}))

    @cached_property
    def history(self) -> History:
        """The acts that count, and what is on the page."""
        return history_of(self.touches, self.context_items, self.now, self.habits)

    @cached_property
    def leaning(self) -> Leaning | None:
        """What the visitor leans to; None where the recommender knows none of their items."""
        taste = self.release.taste
        if taste is None or not taste.knows(self.history.item_ids):
            return None
        return taste.of(self.history, self.release.newcomers)

    @cached_property
    def knows_visitor(self) -> bool:
        """Whether the recommender knows an item of the visitor, and not of the page alone."""
        taste = self.release.taste
        own = len(self.history) - len(self.context_items)
        return taste is not None and taste.knows(self.history.item_ids[:own])

    @cached_property
    def verbs(self) -> dict[str, str]:
        """What the visitor did with each item, in words."""
        return verbs_of(self.touches, self.habits) | dict.fromkeys(self.context_items, HERE)

    @cached_property
    def near(self) -> dict[str, str]:
        """The categories of the page, else of the visitor, each with the latest item of it."""
        items = self.release.items
        for ids in (self.context_items, self.history.item_ids):
            pairs = ((items.categories[row], items.ids[row]) for row in items.rows(ids).tolist())
            found = {category: item_id for category, item_id in pairs if category is not None}
            if found:
                return found
        return {}
