"""What is kept of one id beside its state: whose device it is, which customers are one person."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from domain.behaviour import State


class Link(NamedTuple):
    """Who a device belongs to; of two links the smaller one counts."""

    at: int  # µs since 1970
    customer_id: str


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept of one id.

    A customer stitched to another has moved out: `canonical` is the id it goes by, and its events
    are in that one's state, which names it among its `members`.
    """

    state: State = field(default_factory=State)
    link: Link | None = None
    canonical: str | None = None
    members: frozenset[str] = frozenset()

    def with_state(self, state: State) -> "Kept":
        """Return the same with another state."""
        return Kept(state, self.link, self.canonical, self.members)

    def to_text(self) -> str:
        """Return JSON text that `State.from_json` reads as the state."""
        return with_ties(self.state.to_json(), self)

    @staticmethod
    def from_text(text: str) -> "Kept":
        """Return what `to_text` wrote."""
        plain = json.loads(text) if any(f'"{name}":' in text for name in _TIES) else {}
        moved = plain.get("moved")
        return Kept(
            State.from_json(text),
            Link(*moved) if moved else None,
            plain.get("stitched_to"),
            frozenset(plain.get("stitched_in") or ()),
        )


_TIES = ("moved", "stitched_to", "stitched_in")


def with_ties(text: str, kept: Kept) -> str:
    """Return the text of a state with the ties to other ids."""
    if not (kept.link or kept.canonical or kept.members):
        return text
    ties: Mapping[str, Any] = {
        "moved": kept.link,
        "stitched_to": kept.canonical,
        "stitched_in": sorted(kept.members),
    }
    told = {name: tie for name, tie in ties.items() if tie}
    return f"{text[:-1]},{json.dumps(told)[1:]}" if told else text
