"""Where one item stands with each source of candidates: score, rank, and what was needed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from serving.question import AFFINITY, CONTENT, MODEL, POPULAR, TRENDING, Question
from serving.recommend import Pick


@dataclass(frozen=True, slots=True)
class Standing:
    """One item with one source; a source that does not know the item has no score for it.

    `rank` counts from 1 among all items that may be shown; `needed` is the score of the last item
    of the list that the source gave, None where it gave none.
    """

    source: str
    score: float | None
    rank: int | None
    needed: float | None
    text: str


def standings(asked: Question, row: int, picks: Sequence[Pick]) -> list[Standing]:
    """Return where an item that may be shown, and is not in the list, stands with each source."""
    return [
        _standing(asked, source, scores, row, picks)
        for source, scores in _scored(asked)
        if source in asked.wish.sources
    ]


def _scored(asked: Question) -> Iterator[tuple[str, np.ndarray]]:
    """Yield each source with its scores, (items,) and NaN for the items that it does not know."""
    items, release = asked.release.items, asked.release
    every = np.arange(len(items))
    nothing = np.full(len(items), np.nan)
    scores = nothing if asked.leaning is None else asked.leaning.scores(every)
    if asked.leaning is not None and asked.leaning.query is None:
        scores = np.where(scores == 0, np.nan, scores)  # nothing speaks for it
    is_new = release.newcomers.places(every) >= 0
    yield MODEL, np.where(is_new, np.nan, scores)
    yield CONTENT, np.where(is_new & (scores != 0), scores, np.nan)
    yield TRENDING, items.trend
    near = items.columns["category"].one_of(asked.past.near)
    yield AFFINITY, np.where(near, items.popularity, np.nan)
    yield POPULAR, items.popularity


def _standing(
    asked: Question, source: str, scores: np.ndarray, row: int, picks: Sequence[Pick]
) -> Standing:
    score = float(scores[row])
    given = [float(scores[pick.row]) for pick in picks if pick.source == source]
    needed = min(given, default=None)
    if np.isnan(score):
        return Standing(source, None, None, needed, "this source does not know the item")
    better = asked.allowed & (scores > score)
    rank = max(int(np.count_nonzero(better)), len(given)) + 1
    text = f"rank {rank} of this source"
    if needed is None:
        text += "; the list was full before its turn came"
    return Standing(source, score, rank, needed, text)
