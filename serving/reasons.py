"""Why an item is in a list: a small vocabulary, each word with a sentence that a visitor can read.

A reason comes from the terms that made the score. It names only items that the visitor touched, or
that are on the page.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from serving.items import ItemTable

HISTORY, CONTEXT, CONTENT, TASTE = "history", "context", "content", "taste"
AFFINITY, POPULAR, TRENDING = "affinity", "popular", "trending"
SIMILAR, SAME_CATEGORY, RULE = "similar", "same_category", "rule"
OUT_OF_STOCK = "out_of_stock"
KINDS: Mapping[str, str] = {
    HISTORY: "a past act of the visitor drew it; the contribution is its part of the score",
    CONTEXT: "an item on the page drew it; the contribution is its part of the score",
    CONTENT: "it is new to the model, and reads like what that past item draws",
    TASTE: "it fits all that the visitor did, no single act speaks for it alone",
    AFFINITY: "often bought in a category that the visitor touched, or that is on the page",
    POPULAR: "often bought lately",
    TRENDING: "wanted more than it used to be",
    SIMILAR: "touched by the same people as the item that was asked about",
    SAME_CATEGORY: "often bought in the category of the item that was asked about",
    RULE: "a rule of the placement put it there",
    OUT_OF_STOCK: "not in stock, so behind what is; in lists to be put in order alone",
}
_TOUCHED = "touched"  # where nothing is known of how
HERE = "here"  # no verb: the item is on the page
Reason = dict[str, Any]


def reason(
    kind: str, text: str, item_id: str | None = None, contribution: float | None = None
) -> Reason:
    """Return one reason."""
    return {"kind": kind, "item_id": item_id, "text": text, "contribution": contribution}


def bought_often(where: str | None = None, item_id: str | None = None) -> Reason:
    """Return the reason of an item that is popular: in a category that an item is of, or at all."""
    if where is None:
        return reason(POPULAR, "bought often lately")
    return reason(AFFINITY, f"bought often in {where}", item_id)


class Reasons:
    """Words for what drew items to one visitor; what is said of a past item is made up once."""

    def __init__(self, items: ItemTable, verbs: Mapping[str, str]) -> None:
        self._items, self._verbs = items, verbs
        self._because: dict[str, str] = {}

    def of(self, row: int, parts: Sequence[tuple[str, float]], is_new: bool) -> list[Reason]:
        """Return the past items that drew an item, strongest first; none that spoke against it."""
        drew = [(item_id, added) for item_id, added in parts if added > 0]
        if drew:
            own = self._items.ids[row]
            return [self._drawn(own, item_id, added, is_new) for item_id, added in drew]
        return [reason(TASTE, "fits what you did as a whole") if parts else bought_often()]

    def _drawn(self, own: str, item_id: str, added: float, is_new: bool) -> Reason:
        verb = self._verbs.get(item_id, _TOUCHED)
        kind = CONTEXT if verb == HERE else CONTENT if is_new else HISTORY
        if item_id == own and verb != HERE:
            return reason(kind, f"you {verb} it", item_id, round(added, 6))
        if item_id not in self._because:
            self._because[item_id] = self._said(item_id, verb)
        return reason(kind, self._because[item_id], item_id, round(added, 6))

    def _said(self, item_id: str, verb: str) -> str:
        past = self._items.row_of.get(item_id)
        title = item_id if past is None else self._items.titles[past]
        return f"goes with {title}" if verb == HERE else f"because you {verb} {title}"
