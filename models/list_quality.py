"""How good lists are: recall and NDCG of each user, over the whole catalogue."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

_BATCH = 256  # users whose targets are held dense at once


def best_positions(scores: np.ndarray, k: int) -> np.ndarray:
    """Return the positions of the k greatest scores of each row, (b, k), best first."""
    k = min(k, scores.shape[1])
    top = np.argpartition(-scores, k - 1, axis=1)[:, :k]
    order = np.argsort(-np.take_along_axis(scores, top, axis=1), axis=1, kind="stable")
    return np.take_along_axis(top, order, axis=1)


def quality_by_user(
    hits: np.ndarray, wanted: np.ndarray, ks: Sequence[int]
) -> dict[str, np.ndarray]:
    """Return recall@k and ndcg@k of each user, for each k.

    hits (b, longest) says which places of a list were right, wanted (b,) how many items there were
    to find; the ideal list of NDCG is cut at min(k, wanted).
    """
    gain = 1 / np.log2(np.arange(max(ks)) + 2)
    ideal = np.cumsum(gain)
    found = {}
    for k in ks:
        at = hits[:, :k]
        found[f"recall@{k}"] = at.sum(axis=1) / wanted
        found[f"ndcg@{k}"] = (at @ gain[: at.shape[1]]) / ideal[np.minimum(wanted, k) - 1]
    return found


def mean_ndcg(scores: np.ndarray, targets: "csr_matrix", k: int) -> float:
    """Return the mean NDCG at k of scores (t, items) against targets (t, items) of ones.

    What must not be shown has the score -inf. Users without a target count as 0.
    """
    found = []
    for start in range(0, len(scores), _BATCH):
        taken = targets[start : start + _BATCH].toarray() > 0
        hits = np.take_along_axis(taken, best_positions(scores[start : start + _BATCH], k), axis=1)
        wanted = np.maximum(taken.sum(axis=1), 1)
        found.append(quality_by_user(hits, wanted, (k,))[f"ndcg@{k}"])
    return float(np.concatenate(found).mean()) if found else 0.0
