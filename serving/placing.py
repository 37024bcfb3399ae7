"""A list at a placement: what the recommender says, as the rule of the placement lets it be.

Order of precedence: stock, the request's filter and exclusions, purchases; then the rule's filter
and repeat control; then caps; then pins; then freshness; then worth (sources, boosts, diversity).
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from domain.errors import InvalidInput
from serving.arrange import Arranged, Candidates, arrange, likeness
from serving.filters import mask_of
from serving.moves import note
from serving.placement_store import Kept
from serving.pool import Boosting, Pool, boosted, joined, pool_of
from serving.question import Question, Wish
from serving.reasons import RULE, reason
from serving.recommend import Choice, Pick, candidates, recommend, with_reasons
from serving.release import Release
from serving.rules_trace import BOOSTED, FRESH, KEPT_OUT, PINNED, Step, Trace
from serving.shapes.placements import VECTORS, Pin, Rule
from serving.viewer import NEVER, Viewer, turn_of

logger = logging.getLogger(__name__)
_ROUNDS = 5  # in which a list that caps left short looks for more
_TOLD = frozenset((PINNED, BOOSTED, FRESH))  # what an item of the list says of itself


@dataclass(frozen=True, slots=True)
class Placed:
    """A list with what rules did to it; `kept` is None where the placement has no rule."""

    choice: Choice
    trace: Trace = field(default_factory=Trace)
    kept: Kept | None = None
    pinned: Sequence[int] = ()  # rows

    def to_plain(self, release: Release) -> dict[str, Any] | None:
        """Return what an answer says of the rule."""
        if self.kept is None:
            return None
        return {
            "placement": self.kept.name,
            "version": self.kept.version,
            "pinned": [release.items.ids[row] for row in self.pinned],
            "faults": list(self.trace.faults),
        }


def place(release: Release, wish: Wish, kept: Kept | None, viewer: Viewer, now: datetime) -> Placed:
    """Return at most `limit` items: none that is excluded by the wish or by the rule, or twice."""
    if kept is None:
        return Placed(recommend(release, wish))
    if not kept.rule.holds(now):
        trace = Trace(kept.name, faults=["the rule does not hold at this time: from, to"])
        return Placed(recommend(release, wish), trace, kept)
    return _Placing(release, wish, kept, viewer, now).placed()


class _Placing:
    """One list on its way through the rule."""

    def __init__(
        self, release: Release, wish: Wish, kept: Kept, viewer: Viewer, now: datetime
    ) -> None:
        self.release, self.kept, self.viewer, self.now = release, kept, viewer, now
        self.rule: Rule = kept.rule
        self.trace = Trace(kept.name)
        self.wish = replace(wish, passed=self._passed(wish))

    def placed(self) -> Placed:
        """Return the list."""
        boostings = self._boostings()
        new = self._new()
        wanted = [b.mask for b in boostings if b.factor > 1]
        wanted += [new] if self.rule.freshness else []
        pool = pool_of(self.release, self.wish, self.rule.sources, wanted)
        pool = boosted(pool, boostings, self.trace)
        pool, pins = self._pinned(pool)
        arranged = self._arranged(pool, pins, new)
        for _ in range(_ROUNDS):
            longer = self._longer(pool, arranged)
            if len(longer.picks) == len(pool.picks):
                break
            pool = longer
            arranged = self._arranged(pool, pins, new)
        note(pool, arranged, dict(pins), self.trace)
        chosen = with_reasons(self._asked(self.wish), [pool.picks[n] for n in arranged.order])
        picks = [self._told(pick) for pick in chosen]
        rows = [pool.picks[n].row for n in arranged.order if n in arranged.pinned]
        return Placed(replace(pool.choice, picks=picks), self.trace, self.kept, rows)

    def _fault(self, said: str) -> None:
        if said not in self.trace.faults:
            self.trace.faults.append(said)

    def _mask(self, plain: Mapping[str, Any], rule: str, otherwise: bool) -> np.ndarray:
        """Return which items a filter of the rule names, `otherwise` where it cannot be read."""
        try:
            return mask_of(plain, self.release.items)
        except InvalidInput as fault:
            self._fault(f"{rule}: {fault.message}")
            return np.full(len(self.release.items), otherwise)

    def _passed(self, wish: Wish) -> np.ndarray | None:
        """Return which items pass the request's filter, the rule's, and repeat control."""
        passed = wish.passed
        shut: list[tuple[str, str, np.ndarray]] = []
        if self.rule.filter:
            mask = self._mask(self.rule.filter, "filter", False)
            shut.append(("filter", "the filter of the placement leaves it out", ~mask))
        if self.rule.repeat:
            text = f"shown {self.rule.repeat.times} times in {self.rule.repeat.days:g} days"
            shut.append(("repeat", text, self._repeated()))
        for name, text, mask in shut:
            self.trace.shut(name, text, mask)
            passed = ~mask if passed is None else passed & ~mask
        return passed

    def _repeated(self) -> np.ndarray:
        """Return which items the visitor was shown often enough, (items,) bool."""
        often = np.zeros(len(self.release.items), dtype=bool)
        repeat = self.rule.repeat
        if repeat is None:
            return often
        where = None if repeat.everywhere else self.kept.name
        try:
            shown = self.viewer.shown(self.now - timedelta(days=repeat.days), where)
        except Exception:  # law 7: whatever is wrong with the log, there is a list
            logger.exception("what was shown cannot be read")
            self._fault("repeat: what was shown cannot be read at this moment")
            return often
        over = [item_id for item_id, times in shown.items() if times >= repeat.times]
        often[self.release.items.rows(over)] = True
        return often

    def _boostings(self) -> list[Boosting]:
        return [
            Boosting(rule, self._mask(boost.filter, rule, False), boost.factor)
            for rule, boost in ((f"boosts[{n}]", b) for n, b in enumerate(self.rule.boosts))
            if boost.holds(self.now) and boost.factor != 1
        ]

    def _new(self) -> np.ndarray:
        """Return which items count as new, (items,) bool."""
        items, freshness, taste = self.release.items, self.rule.freshness, self.release.taste
        if freshness is None:
            return np.zeros(len(items), dtype=bool)
        if freshness.filter:
            return self._mask(freshness.filter, "freshness", False)
        if taste is None:
            self._fault("freshness: without a recommender no item is new to it")
            return np.zeros(len(items), dtype=bool)
        return taste.places(np.arange(len(items))) < 0

    def _pinned(self, pool: Pool) -> tuple[Pool, list[tuple[int, int]]]:
        """Return the pool with the pinned items that may be shown, and (candidate, pin)."""
        rows = self._pinned_rows()
        mask = np.zeros(len(self.release.items), dtype=bool)
        mask[[row for row, _ in rows]] = True
        if mask.any():
            passed = mask if self.wish.passed is None else mask & self.wish.passed
            asked = replace(self.wish, passed=passed, limit=int(mask.sum()))
            worth = float(pool.worth.min(initial=1.0))
            pool = joined(pool, candidates(self._asked(asked)).picks, worth)
        place = {pick.row: n for n, pick in enumerate(pool.picks)}
        for row, number in rows:
            if row not in place:
                text = "pinned, but out of stock, bought, or left out"
                self.trace.moved(row, Step(f"pins[{number}]", KEPT_OUT, text))
        return pool, [(place[row], number) for row, number in rows if row in place]

    def _pinned_rows(self) -> list[tuple[int, int]]:
        """Return (row, pin) of the pins for this visitor at this time, the strongest first."""
        found: list[tuple[int, int]] = []
        turns = sorted((self._turn(pin), n) for n, pin in enumerate(self.rule.pins))
        for turn, number in turns:
            item_id = self.rule.pins[number].item_id
            row = self.release.items.row_of.get(item_id)
            if row is None and turn < NEVER:
                self._fault(f"pins[{number}]: no item {item_id!r} in the catalogue any more")
            elif row is not None and turn < NEVER:
                found.append((row, number))
        return found

    def _turn(self, pin: Pin) -> int:
        try:
            return turn_of(pin, self.viewer, self.now)
        except Exception:  # law 7: whatever is wrong with log or segments, there is a list
            logger.exception("whom a pin is for cannot be read")
            self._fault("pins: who the visitor is cannot be read at this moment")
            return NEVER

    def _arranged(self, pool: Pool, pins: Sequence[tuple[int, int]], new: np.ndarray) -> Arranged:
        rule, rows, columns = self.rule, pool.rows, self.release.items.columns
        caps = {
            f"caps[{n}]": (columns[cap.attribute].values[rows], cap.at_most)
            for n, cap in enumerate(rule.caps)
        }
        candidates = Candidates(
            pool.worth,
            caps,
            new[rows],
            rule.freshness.share if rule.freshness else 0.0,
            rule.diversity.lambda_ if rule.diversity else 1.0,
            self._likeness(rows) if rule.diversity else None,
        )
        places = [(n, rule.pins[number].position) for n, number in pins]
        return arrange(candidates, places, self.wish.limit)

    def _likeness(self, rows: np.ndarray) -> Callable[[int], np.ndarray]:
        """Return how like each candidate is to one of them, 0..1."""
        diversity, taste = self.rule.diversity, self.release.taste
        over = diversity.over if diversity else VECTORS
        name = "category" if over == VECTORS else over
        codes = self.release.items.columns[name].values[rows]
        ways = taste.directions(rows) if taste and over == VECTORS else None
        if over == VECTORS and ways is None:
            self._fault("diversity: the recommender has no vectors; by category instead")
        return likeness(codes, ways)

    def _longer(self, pool: Pool, arranged: Arranged) -> Pool:
        """Return the pool with more candidates where caps left the list short of what there is."""
        missing = self.wish.limit - len(arranged.order)
        if missing <= 0 or not self.rule.caps:
            return pool
        items, rows = self.release.items, pool.rows
        open_ = np.ones(len(items), dtype=bool) if self.wish.passed is None else self.wish.passed
        open_ = open_.copy()
        open_[rows] = False
        for cap in self.rule.caps:
            codes = items.columns[cap.attribute].values
            inside = codes[rows[arranged.order]]
            counts = np.bincount(inside[inside >= 0], minlength=1)
            full = np.flatnonzero(counts >= cap.at_most)
            open_ &= ~np.isin(codes, full)
        limit = max(5 * missing, 50)
        more = candidates(self._asked(replace(self.wish, passed=open_, limit=limit)))
        return joined(pool, more.picks, float(pool.worth.min(initial=1.0)))

    def _asked(self, wish: Wish) -> Question:
        return Question(self.release, wish)

    def _told(self, pick: Pick) -> Pick:
        """Return an item with what a rule had to do with its place."""
        steps = self.trace.of(pick.row)
        texts = list(dict.fromkeys(s.text for s in steps if s.effect in _TOLD))
        return replace(pick, reasons=[*(reason(RULE, text) for text in texts), *pick.reasons])
