"""Sessions are what one user did without a long pause; kept so that like ones are found at once."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from models.interactions import Interactions
from models.moves import time_order

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

MICROS_PER_MINUTE = 60_000_000


@dataclass(frozen=True, slots=True, eq=False)
class Sessions:
    """Items of each session, sessions of each item; sessions are numbered by their last act."""

    items: "csr_matrix"  # (sessions, items) of ones
    holders: "csr_matrix"  # (items, sessions) of ones, for each item the most recent sessions

    @classmethod
    def of(cls, interactions: Interactions, pause_minutes: float, recent: int) -> Self:
        """Cut the acts of each user at pauses; keep the `recent` latest sessions of each item."""
        from scipy.sparse import csr_matrix

        order = time_order(interactions)
        users, items = interactions.users[order], interactions.items[order]
        begins = np.diff(users, prepend=-1) != 0
        ends = np.arange(len(order))  # without times the later rows count as the more recent
        if interactions.times is not None:
            when = interactions.times[order]
            begins |= np.diff(when, prepend=when[:1]) > pause_minutes * MICROS_PER_MINUTE
            ends = when
        codes = np.cumsum(begins) - 1
        last = np.flatnonzero(np.append(begins[1:], True))
        rank = np.empty(len(last), dtype=np.int64)
        rank[np.argsort(ends[last], kind="stable")] = np.arange(len(last))
        shape = (len(last), len(interactions.item_ids))
        ones = np.ones(len(order), dtype=np.float32)
        held = csr_matrix((ones, (rank[codes], items)), shape=shape)
        held.data[:] = 1.0  # an item twice in a session is in it
        return cls(held, _most_recent(held.T.tocsr(), recent))

    @classmethod
    def from_arrays(
        cls, items: tuple[np.ndarray, np.ndarray], holders: tuple[np.ndarray, np.ndarray]
    ) -> Self:
        """Rebuild from indices and starts of both matrices."""
        shape = (len(items[1]) - 1, len(holders[1]) - 1)
        return cls(_ones(*items, shape), _ones(*holders, shape[::-1]))


def _ones(indices: np.ndarray, starts: np.ndarray, shape: tuple[int, int]) -> "csr_matrix":
    from scipy.sparse import csr_matrix

    return csr_matrix((np.ones(len(indices), dtype=np.float32), indices, starts), shape=shape)


def _most_recent(holders: "csr_matrix", recent: int) -> "csr_matrix":
    """Keep of each item the last `recent` sessions."""
    holders.sort_indices()
    counts = np.diff(holders.indptr)
    back = np.repeat(holders.indptr[1:], counts) - np.arange(len(holders.indices))  # 1: the last
    kept = back <= recent
    starts = np.concatenate([[0], np.cumsum(np.minimum(counts, recent))])
    return _ones(holders.indices[kept], starts, holders.shape)
