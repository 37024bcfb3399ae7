"""Lists that are the same for everybody: items like one item, and items on the rise."""

import numpy as np

from domain.errors import NotFound
from serving.question import MODEL
from serving.reasons import POPULAR, SAME_CATEGORY, SIMILAR, TRENDING, reason
from serving.recommend import Choice, Pick
from serving.release import Release
from serving.vectors import first_of


def similar_items(release: Release, item_id: str, limit: int) -> Choice:
    """Return items in stock that are touched by the same people as `item_id`."""
    items = release.items
    row = items.row_of.get(item_id)
    if row is None:
        raise NotFound(
            f"no item {item_id[:100]!r} in the catalogue of this release", field="item_id"
        )
    allowed = items.in_stock.copy()
    allowed[row] = False
    found = None if release.taste is None else release.taste.similar(row, limit, allowed)
    if found is None:
        return _same_category(release, row, limit, allowed)
    why = reason(SIMILAR, f"taken by the same people as {items.titles[row]}", item_id)
    pairs = zip(found[0].tolist(), found[1].tolist(), strict=True)
    return Choice([Pick(other, score, [why], MODEL) for other, score in pairs])


def _same_category(release: Release, row: int, limit: int, allowed: np.ndarray) -> Choice:
    items = release.items
    category = items.categories[row]
    fallback, words = POPULAR, "bought often lately"
    if category is not None:
        fallback, words = SAME_CATEGORY, f"bought often in {category}"
        allowed = allowed & items.columns["category"].equal_to(category)
    why = reason(fallback, words)
    ranked = items.by_popularity
    rows = first_of(ranked, limit, allowed).tolist()
    picks = [Pick(other, float(items.popularity[other]), [why]) for other in rows]
    return Choice(picks, fallback, "this item has no vector in the release")


def trending_items(release: Release, limit: int, passed: np.ndarray | None = None) -> Choice:
    """Return items in stock whose demand rises fastest against their own past."""
    items = release.items
    allowed = items.in_stock if passed is None else items.in_stock & passed
    rows = first_of(items.by_trend, limit, allowed).tolist()
    why = reason(TRENDING, "wanted more than usual")
    picks = [Pick(row, float(items.trend[row]), [why], TRENDING) for row in rows]
    if release.release_id is not None:
        return Choice(picks)
    return Choice(picks, POPULAR, "nothing has been released yet; by the latest events")
