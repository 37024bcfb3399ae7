"""Which items to show: candidates by taste, filters kept exactly, reasons that add up."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from domain.behaviour import Touch
from models.history import History
from serving.history import Habits, history_of, verbs_of
from serving.items import ItemTable
from serving.release import Release
from serving.taste import Taste

POPULAR, CONTEXT = "popular", "context_items"
_REASONS = 3  # the strongest of each item
_HERE = "here"  # no verb: the item is on the page


@dataclass(frozen=True, slots=True, eq=False)
class Wish:
    """What the list is for: whose past, what must not be in it, what is on the page."""

    limit: int
    now: int  # microseconds
    touches: Sequence[Touch] = ()
    bought: Collection[str] = ()
    exclude: Collection[str] = ()
    context_items: Sequence[str] = ()
    passed: np.ndarray | None = None  # (items,) bool, which items pass the filter


@dataclass(frozen=True, slots=True)
class Pick:
    """One item of a list: its row in the release, its score, and what drew it."""

    row: int
    score: float
    reasons: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Choice:
    """A list, best first; `fallback` says that, and how, less than the whole model was used."""

    picks: list[Pick] = field(default_factory=list)
    fallback: str | None = None
    fallback_reason: str | None = None


def recommend(release: Release, wish: Wish) -> Choice:
    """Return at most `limit` items: none excluded, bought, out of stock, or twice."""
    allowed = allowed_rows(release, wish)
    habits = Habits.of(release.models.get(release.recommender, {}))
    history = history_of(wish.touches, wish.context_items, wish.now, habits)
    taste = release.taste
    if taste is None or not taste.knows(history.item_ids):
        return _without_taste(release, wish, allowed)
    picks = _by_taste(release, taste, wish, history, allowed, habits)
    picks += _popular(release, allowed, wish.limit - len(picks), {p.row for p in picks}, 0.0)
    own = len(history) - len(wish.context_items)
    if taste.knows(history.item_ids[:own]):
        return Choice(picks)
    return Choice(picks, CONTEXT, "nothing is known of this visitor but the items on the page")


def allowed_rows(release: Release, wish: Wish) -> np.ndarray:
    """Return which items may be shown, (items,) bool."""
    items = release.items
    allowed = items.in_stock.copy()
    if wish.passed is not None:
        allowed &= wish.passed
    for ids in (wish.bought, wish.exclude, wish.context_items):
        allowed[items.rows(ids)] = False
    return allowed


def _by_taste(
    release: Release,
    taste: Taste,
    wish: Wish,
    history: History,
    allowed: np.ndarray,
    habits: Habits,
) -> list[Pick]:
    rows, scores = taste.candidates(history, wish.limit, allowed)
    verbs = verbs_of(wish.touches, habits) | dict.fromkeys(wish.context_items, _HERE)
    parts = taste.strongest(history, rows, _REASONS)
    return [
        Pick(row, score, _reasons(release.items, row, of_row, verbs))
        for row, score, of_row in zip(rows.tolist(), scores.tolist(), parts, strict=True)
    ]


def _reasons(
    items: ItemTable, row: int, parts: Iterable[tuple[str, float]], verbs: dict[str, str]
) -> list[dict[str, Any]]:
    """Return the past items that drew an item, strongest first; what spoke against it is none."""
    return [
        {
            "kind": "context" if verbs.get(item_id) == _HERE else "history",
            "item_id": item_id,
            "text": _said(items, row, item_id, verbs.get(item_id, "touched")),
            "contribution": round(added, 6),
        }
        for item_id, added in parts
        if added > 0
    ]


def _said(items: ItemTable, row: int, item_id: str, verb: str) -> str:
    """Return in words why an item of the past drew the item at `row`."""
    past = items.row_of.get(item_id)
    title = item_id if past is None else items.titles[past]
    if verb == _HERE:
        return f"goes with {title}"
    return f"you {verb} it" if past == row else f"because you {verb} {title}"


def _without_taste(release: Release, wish: Wish, allowed: np.ndarray) -> Choice:
    """Return what is popular, first within the categories of the items on the page."""
    items = release.items
    rows = items.rows(wish.context_items).tolist()
    here = {category for row in rows if (category := items.categories[row]) is not None}
    picks: list[Pick] = []
    if here:
        column = items.columns["category"]
        near = column.one_of(here)
        picks = _popular(release, allowed & near, wish.limit, set(), None)
    fallback = CONTEXT if picks else POPULAR
    picks += _popular(release, allowed, wish.limit - len(picks), {p.row for p in picks}, None)
    return Choice(picks, fallback, _why_popular(release, picks))


def popular(release: Release, wish: Wish, why: str) -> Choice:
    """Return what is popular whoever asks; `why` says what it stands in for."""
    picks = _popular(release, allowed_rows(release, wish), wish.limit, set(), None)
    return Choice(picks, POPULAR, why)


def _popular(
    release: Release, allowed: np.ndarray, limit: int, taken: Collection[int], score: float | None
) -> list[Pick]:
    """Return the most popular allowed rows; the score is the popularity unless one is given."""
    if limit <= 0:
        return []
    ranked = release.items.by_popularity
    open_ = allowed.copy()
    open_[list(taken)] = False
    rows = ranked[open_[ranked]][:limit].tolist()
    reason = {
        "kind": "popular",
        "item_id": None,
        "text": "bought often lately",
        "contribution": None,
    }
    return [
        Pick(row, float(release.items.popularity[row]) if score is None else score, [reason])
        for row in rows
    ]


def _why_popular(release: Release, picks: Sequence[Pick]) -> str:
    if not len(release.items):
        return "no items are known yet; import a catalogue or send events with products"
    if not picks:
        return "no item is left after the filter, stock, purchases and exclusions"
    if release.release_id is None:
        return "nothing has been released yet; train and release first"
    if release.taste is None:
        return "the release has no recommender"
    return "none of the items this visitor touched is known to the recommender"
