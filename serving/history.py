"""What of a customer's past counts for a recommendation, and how much: which act, how long ago."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from domain.behaviour import DAY_MICROS, Touch
from domain.catalogue import builtin_catalogue
from models.history import History

_HERE = "intent"  # what a look at the page counts like
VERBS = {"purchase": "bought", "intent": "wanted", "interest": "looked at"}


@dataclass(frozen=True, slots=True)
class Habits:
    """How acts were weighed when the recommender learned; it says so in its release record."""

    weights: Mapping[str, float] = field(  # event group -> weight of one act
        default_factory=lambda: {"purchase": 3.0, "intent": 2.0, "interest": 1.0}
    )
    half_life_days: float = 180.0

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> "Habits":
        """Read `weights` and `half_life_days` of a model's record; what is missing is standard."""
        usual = cls()
        return cls(
            record.get("weights") or usual.weights,
            float(record.get("half_life_days") or usual.half_life_days),
        )


def history_of(
    touches: Iterable[Touch], context: Sequence[str], now: int, habits: Habits
) -> History:
    """Return the acts that count, oldest first; a context item counts like an intent just now."""
    ids: list[str] = []
    weights: list[float] = []
    ages: list[float] = []
    kinds: list[str] = []
    for touch in touches:
        group = group_of(touch.kind)
        weight = habits.weights.get(group, 0.0)
        if weight > 0:
            ages.append(max(now - touch.at, 0) / DAY_MICROS)
            ids.append(touch.item_id)
            weights.append(max(weight * 0.5 ** (ages[-1] / habits.half_life_days), 1e-9))
            kinds.append(group)
    here, more = habits.weights.get(_HERE, 1.0), len(context)
    return History.of(
        [*ids, *context], weights + [here] * more, ages + [0.0] * more, kinds + [_HERE] * more
    )


@lru_cache(maxsize=4096)
def group_of(kind: str) -> str:
    """Return the event group of a kind; takings-back, which cost points, are in none."""
    known = builtin_catalogue().kinds.get(kind)
    return known.group if known is not None and known.score > 0 else "none"


def verbs_of(touches: Iterable[Touch], habits: Habits) -> dict[str, str]:
    """Return for each item what the customer did with it that counts most, in words."""
    strongest: dict[str, tuple[float, str]] = {}
    for touch in touches:
        group = group_of(touch.kind)
        found = (habits.weights.get(group, 0.0), VERBS.get(group, "touched"))
        strongest[touch.item_id] = max(found, strongest.get(touch.item_id, found))
    return {item_id: verb for item_id, (_, verb) in strongest.items()}
