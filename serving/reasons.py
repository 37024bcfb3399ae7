"""Why an item is in a list: a small vocabulary, each word with a sentence that a visitor can read.

A reason comes from the terms that made the score. It names only items that the visitor touched, or
that are on the page.
"""

from collections.abc import Iterable, Mapping
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


def reasons_of(
    items: ItemTable,
    row: int,
    parts: Iterable[tuple[str, float]],
    verbs: Mapping[str, str],
    is_new: bool,
) -> list[Reason]:
    """Return the past items that drew an item, strongest first; what spoke against it is none."""
    parts = list(parts)
    found = [
        _drawn(items, row, item_id, added, verbs.get(item_id, "touched"), is_new)
        for item_id, added in parts
        if added > 0
    ]
    if found:
        return found
    return [reason(TASTE, "fits what you did as a whole") if parts else bought_often()]


def _drawn(
    items: ItemTable, row: int, item_id: str, added: float, verb: str, is_new: bool
) -> Reason:
    kind = CONTEXT if verb == HERE else CONTENT if is_new else HISTORY
    return reason(kind, _said(items, row, item_id, verb), item_id, round(added, 6))


def _said(items: ItemTable, row: int, item_id: str, verb: str) -> str:
    """Return in words why an item of the past drew the item at `row`."""
    past = items.row_of.get(item_id)
    title = item_id if past is None else items.titles[past]
    if verb == HERE:
        return f"goes with {title}"
    return f"you {verb} it" if past == row else f"because you {verb} {title}"
