"""Which known items a new one reads like: by its words and attributes, within its own category."""

import json
from collections.abc import Sequence

import numpy as np

from models.facts import ItemFacts, words_of
from models.item_text import Vocabulary, learn_vocabulary
from serving.items import ItemTable
from serving.newcomers import Newcomers
from serving.taste import Taste

NEIGHBOURS = 10
_SAMPLE = 20_000  # items from which the words are learned
_MOST_WORDS = 50_000
_CROWD = 1_000  # the most popular known items of a category, with which a newcomer is compared
_MOST = 20_000  # newcomers with a place; a catalogue with more is waiting for its next training
_LEAST = 0.05  # a cosine below is no likeness


class Likeness:
    """How items read, learned from a table of items."""

    def __init__(self, items: ItemTable) -> None:
        step = max(len(items) // _SAMPLE, 1)
        self._words: Vocabulary = learn_vocabulary(
            facts_of(items, range(0, len(items), step)), _MOST_WORDS
        )

    def newcomers(
        self, items: ItemTable, taste: Taste, among: np.ndarray | None = None
    ) -> Newcomers:
        """Return the items that the model has no place for; of too many, the last of the table.

        `among` are the rows to look at, ascending; all if left out.
        """
        asked = np.arange(len(items)) if among is None else among
        rows = asked[taste.places(asked) < 0][-_MOST:]
        if not len(rows):
            return Newcomers.none()
        like = np.zeros((len(rows), NEIGHBOURS), dtype=np.int64)
        weights = np.zeros((len(rows), NEIGHBOURS), dtype=np.float32)
        groups: dict[str | None, list[int]] = {}
        for at, row in enumerate(rows.tolist()):
            groups.setdefault(items.categories[row], []).append(at)
        ranked = items.by_popularity[taste.places(items.by_popularity) >= 0]
        for category, group in groups.items():
            crowd = _crowd(items, ranked, category)
            near, cosines = self._nearest(items, rows[group], crowd)
            like[group, : near.shape[1]] = taste.places(crowd[near.ravel()]).reshape(near.shape)
            weights[group, : near.shape[1]] = shares(cosines)
        return Newcomers(rows, like, weights)

    def _nearest(
        self, items: ItemTable, rows: np.ndarray, crowd: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return for each row which of the crowd (m, n) are likest to it, and their cosines."""
        if not len(crowd):
            return np.zeros((len(rows), 0), dtype=np.int64), np.zeros((len(rows), 0))
        there = self._words.weigh(facts_of(items, crowd.tolist()))
        here = self._words.weigh(facts_of(items, rows.tolist()))
        cosines = np.asarray((here @ there.T).todense())  # (m, crowd)
        near = np.argsort(-cosines, axis=1, kind="stable")[:, :NEIGHBOURS]
        return near, np.take_along_axis(cosines, near, axis=1)


def _crowd(items: ItemTable, ranked: np.ndarray, category: str | None) -> np.ndarray:
    """Return the most popular known rows of a category; of all, where it has none."""
    if category is not None:
        same = items.columns["category"].equal_to(category)[ranked]
        if same.any():
            return np.asarray(ranked[same][:_CROWD])
    return ranked[:_CROWD]


def shares(cosines: np.ndarray) -> np.ndarray:
    """Return cosines (m, n) as weights that sum to the greatest cosine of their row.

    So an item that reads little like any other is held to be little of anything.
    """
    kept = np.where(cosines >= _LEAST, cosines, 0.0)
    total = np.maximum(kept.sum(axis=1, keepdims=True), 1e-12)
    return np.asarray(kept / total * kept.max(axis=1, initial=0.0, keepdims=True))


def facts_of(items: ItemTable, rows: Sequence[int]) -> ItemFacts:
    """Return what the table says of some rows."""
    texts = [items.attributes[row] for row in rows]
    return ItemFacts.of(
        [items.titles[row] for row in rows],
        [items.categories[row] for row in rows],
        [items.brands[row] for row in rows],
        attributes=[words_of(json.loads(text)) if text else None for text in texts],
    )
