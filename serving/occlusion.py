"""Reasons of a recommender that cannot name its own: what a score loses without each past item."""

from collections.abc import Collection

import numpy as np

from models.history import History
from models.protocols import Recommender

MOST = 8  # past items that are tried, the latest first: each costs one more scoring


def without_each(
    model: Recommender, history: History, known: Collection[str], positions: np.ndarray, top: int
) -> list[list[tuple[str, float]]]:
    """Return for each position the `top` past items without which its score falls most.

    `known` are the item ids that the model knows. The falls need not sum to the score; of a history
    with one known item, that one is all of it.
    """
    past = [i for i in dict.fromkeys(reversed(history.item_ids)) if i in known]
    if len(past) < 2:
        scores = model.score_all(history)[positions].tolist()
        return [[(item_id, score) for item_id in past][:top] for score in scores]
    tried = past[:MOST]
    asked = [history, *(left_out(history, item_id) for item_id in tried)]
    scored = model.score_batch(asked)[:, positions]  # (1 + tried, asked)
    falls = scored[0] - scored[1:]  # (tried, asked)
    best = np.argsort(-falls, axis=0, kind="stable")[:top]  # (top, asked)
    return [
        [(tried[n], float(of_item[n])) for n in order]
        for order, of_item in zip(best.T.tolist(), falls.T, strict=True)
    ]


def left_out(history: History, item_id: str) -> History:
    """Return the history without an item."""
    kept = [n for n, past in enumerate(history.item_ids) if past != item_id]
    ages, kinds = history.ages_days, history.kinds
    return History(
        tuple(history.item_ids[n] for n in kept),
        tuple(history.weights[n] for n in kept),
        None if ages is None else tuple(ages[n] for n in kept),
        None if kinds is None else tuple(kinds[n] for n in kept),
    )
