"""Weights of a blend are searched on scores that were computed once: a try costs one sum."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

Quality = Callable[[np.ndarray], float]  # of scores (histories, items); more is better
_FACTORS = (0.5, 0.75, 1.33, 2.0)  # a weight is tried at these multiples of itself


@dataclass(frozen=True, slots=True)
class Tried:
    """The best weights found, their sum 1; their quality, and how many were tried."""

    weights: tuple[float, ...]
    quality: float
    tries: int


def best_weights(
    scores: Sequence[np.ndarray], quality: Quality, *, tries: int = 60, seed: int = 0
) -> Tried:
    """Search the weights of `scores`, one (histories, items) each, within a number of tries.

    First each member alone and all alike, then points drawn from the simplex for a third of the
    tries, then the best one's weights by turns, each halved, raised, left out. Ties keep the first.
    """
    search = _Search(scores, quality, tries)
    members = len(scores)
    for start in (np.full(members, 1 / members), *np.eye(members)):
        search.ask(start)
    rng = np.random.default_rng(seed)
    while search.asked < tries // 3:
        search.ask(rng.dirichlet(np.ones(members)))
    while search.left() and _one_round(search):
        pass
    weights = tuple(float(weight) for weight in search.best / search.best.sum())
    return Tried(weights, search.quality, search.asked)


class _Search:
    """Keeps the best point that was asked, and how many were."""

    def __init__(self, scores: Sequence[np.ndarray], quality: Quality, tries: int) -> None:
        self._scores, self._quality, self._tries = scores, quality, tries
        self.asked = 0
        self.best = np.zeros(len(scores))
        self.quality = -np.inf

    def left(self) -> bool:
        return self.asked < self._tries

    def ask(self, weights: np.ndarray) -> bool:
        """Try weights (members,); return whether they are better than all before."""
        if not self.left():
            return False
        self.asked += 1
        total = np.zeros_like(self._scores[0])
        for weight, scores in zip(weights, self._scores, strict=True):
            if weight:
                total += np.float32(weight) * scores
        quality = float(self._quality(total))
        if quality <= self.quality:
            return False
        self.best, self.quality = weights / weights.sum(), quality
        return True


def _one_round(search: _Search) -> bool:
    """Change each weight in turn; return whether any change was better."""
    better = False
    for member in range(len(search.best)):
        least = 0.5 / len(search.best)  # a weight of 0 has no multiples: it may come back as this
        now = search.best[member]
        for value in [now * factor for factor in _FACTORS] + [0.0] if now else [least]:
            weights = search.best.copy()
            weights[member] = value
            if weights.any() and search.ask(weights):
                better = True
    return better
