"""Moves are pairs of items in the order in which one user took them: from the earlier to the later.

Near pairs count more: a pair that lies d acts apart is worth decay^(d - 1).
"""

from typing import TYPE_CHECKING

import numpy as np

from models.interactions import Interactions

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

_PAIRS = 20_000_000  # pairs that are counted at once, to bound memory


def moves(interactions: Interactions, window: int, decay: float) -> "csr_matrix":
    """Return the decayed number of moves, (items, items) float32, row: the earlier item.

    `window` is how many acts apart two items may be. A move from an item to itself is none.
    """
    from scipy.sparse import csr_matrix

    users, items = in_order(interactions)
    size = len(interactions.item_ids)
    total = csr_matrix((size, size), dtype=np.float32)
    for apart in range(1, min(window, len(items) - 1) + 1):
        same = np.flatnonzero(users[apart:] == users[:-apart])
        for start in range(0, len(same), _PAIRS):
            rows = same[start : start + _PAIRS]
            earlier, later = items[rows], items[rows + apart]
            moved = earlier != later
            worth = np.full(int(moved.sum()), decay ** (apart - 1), dtype=np.float32)
            total = total + csr_matrix((worth, (earlier[moved], later[moved])), total.shape)
    return total.tocsr()


def in_order(interactions: Interactions) -> tuple[np.ndarray, np.ndarray]:
    """Return users (n,) and items (n,), a user's acts together, oldest first."""
    order = time_order(interactions)
    return interactions.users[order], interactions.items[order]


def time_order(interactions: Interactions) -> np.ndarray:
    """Return the rows user by user, oldest first; rows of equal or no time keep their order."""
    times = interactions.times
    when = np.zeros(len(interactions), dtype=np.int64) if times is None else times
    return np.lexsort((when, interactions.users))
