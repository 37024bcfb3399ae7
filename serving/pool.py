"""Candidates for the list of a placement: ranked by its sources, worth more or less by its boosts.

Every item is a candidate of the recommender, so none is in that the wish rules out. Reasons come
with the items that are shown.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from serving.arrange import worth_of
from serving.question import MODEL, USUAL, Question, Wish
from serving.recommend import Choice, Pick, candidates
from serving.release import Release
from serving.rules_trace import BOOSTED, BURIED, Step, Trace
from serving.shapes.placements import Source

_MORE = 5  # times as many candidates as items wanted, so that rules have something to choose from
_LEAST, _MOST = 50, 400
_FILLING = 1e-3  # the worth of what only fills up, beside what the sources of a rule name


@dataclass(frozen=True, slots=True, eq=False)
class Boosting:
    """Items, (items,) bool, whose worth is multiplied by a factor; `rule` is where that stands."""

    rule: str
    mask: np.ndarray
    factor: float


@dataclass(frozen=True, slots=True)
class Pool:
    """Candidates in the order of their worth, and how far the answer had to fall back."""

    picks: list[Pick]
    worth: np.ndarray  # (n,)
    choice: Choice

    @property
    def rows(self) -> np.ndarray:
        """The row of each candidate, (n,) int64."""
        return np.array([pick.row for pick in self.picks], dtype=np.int64)


def pool_of(
    release: Release, wish: Wish, sources: Sequence[Source], wanted: Iterable[np.ndarray]
) -> Pool:
    """Return the candidates of all sources; the best of each mask in `wanted` are among them."""
    limit = wish.limit
    wish = replace(wish, limit=min(max(_MORE * limit, _LEAST), max(_MOST, limit)))
    masks = list(wanted)
    usual = _ranked(release, wish, USUAL, masks, limit)
    picks = {pick.row: pick for pick in usual.picks}
    worth = dict(zip(picks, worth_of([p.score for p in usual.picks]).tolist(), strict=True))
    choice = Choice([], usual.fallback, usual.fallback_reason)
    if sources:
        worth = {row: _FILLING * value for row, value in worth.items()}
        total = sum(source.weight for source in sources)
        for source in sources:
            own = _ranked(release, wish, (source.name,), masks, limit).picks
            for pick, value in zip(own, worth_of([p.score for p in own]).tolist(), strict=True):
                picks[pick.row] = pick if pick.row not in worth else picks[pick.row]
                worth[pick.row] = worth.get(pick.row, 0.0) + value * source.weight / total
        choice = choice if MODEL in [source.name for source in sources] else Choice([])
    return _sorted(list(picks.values()), np.array([worth[row] for row in picks]), choice)


def _ranked(
    release: Release,
    wish: Wish,
    sources: tuple[str, ...],
    masks: Sequence[np.ndarray],
    limit: int,
) -> Choice:
    """Return what a ranking finds: its best, and behind them its best of each mask."""
    first = candidates(Question(release, replace(wish, sources=sources)))
    found = {pick.row: pick for pick in first.picks}
    more: dict[int, Pick] = {}
    for mask in masks:
        passed = mask if wish.passed is None else mask & wish.passed
        narrow = replace(wish, sources=sources, passed=passed, limit=limit)
        choice = candidates(Question(release, narrow))
        more |= {pick.row: pick for pick in choice.picks if pick.row not in found}
    behind = sorted(more.values(), key=lambda pick: (-pick.score, pick.row))
    return replace(first, picks=[*first.picks, *behind])


def boosted(pool: Pool, boostings: Sequence[Boosting], trace: Trace) -> Pool:
    """Return the candidates with the worth that boosts and buries give them."""
    worth, rows = pool.worth.copy(), pool.rows
    for boosting in boostings:
        before = worth.copy()
        worth = np.where(boosting.mask[rows], worth * boosting.factor, worth)
        effect = BOOSTED if boosting.factor > 1 else BURIED
        for n in np.flatnonzero(boosting.mask[rows]).tolist():
            text = f"{effect} by {boosting.factor:g}"
            step = Step(boosting.rule, effect, text, float(before[n]), float(worth[n]))
            trace.moved(int(rows[n]), step)
    return _sorted(pool.picks, worth, pool.choice)


def joined(pool: Pool, picks: Iterable[Pick], worth: float) -> Pool:
    """Return the pool with more candidates at its end."""
    known = {pick.row for pick in pool.picks}
    more = [pick for pick in picks if pick.row not in known]
    return Pool([*pool.picks, *more], np.append(pool.worth, np.full(len(more), worth)), pool.choice)


def _sorted(picks: Sequence[Pick], worth: np.ndarray, choice: Choice) -> Pool:
    order = np.argsort(-worth, kind="stable")
    return Pool([picks[n] for n in order.tolist()], worth[order], choice)
