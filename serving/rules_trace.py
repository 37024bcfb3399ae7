"""What the rules of a placement did to each item: written while they act, read to explain.

A gate shuts items out before anything is ranked; a step moves or drops one item of the ranking.
`Trace.of(row)` tells both in the order in which they happened, for an item shown or not.
"""

from dataclasses import dataclass, field

import numpy as np

REMOVED, BOOSTED, BURIED, PINNED = "removed", "boosted", "buried", "pinned"
SPREAD, FRESH, KEPT_OUT = "spread", "fresh", "kept_out"  # by diversity; by freshness; by a cap


@dataclass(frozen=True, slots=True)
class Step:
    """What one rule did to one item; `before` and `after` are its worth, or its place from 1."""

    rule: str  # where it stands, such as "filter", "boosts[0]", "pins[2]", "caps[0]", "repeat"
    effect: str
    text: str  # a sentence for people
    before: float | None = None
    after: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Gate:
    """A rule that shuts items out whatever their score: `shut` is (items,) bool."""

    rule: str
    text: str
    shut: np.ndarray


@dataclass(slots=True)
class Trace:
    """All that rules did in one answer; rows are those of the item table of the release."""

    placement: str | None = None
    gates: list[Gate] = field(default_factory=list)
    steps: dict[int, list[Step]] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)  # rules that could not be applied, and why

    def shut(self, rule: str, text: str, shut: np.ndarray) -> None:
        """Note that a rule shuts these items out, (items,) bool."""
        self.gates.append(Gate(rule, text, shut))

    def moved(self, row: int, step: Step) -> None:
        """Note what a rule did to one item."""
        self.steps.setdefault(row, []).append(step)

    def of(self, row: int) -> list[Step]:
        """Return what happened to one item, in order."""
        removed = [Step(g.rule, REMOVED, g.text) for g in self.gates if g.shut[row]]
        return removed + self.steps.get(row, [])
