"""A customer at one instant as segment rules ask: one flat profile of features, traits, scores."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from domain.attributes import TRAIT_PREFIX
from domain.behaviour import State
from domain.features import features_at

Scores = Mapping[str, Mapping[str, Any]]  # model -> its record


def profile_at(
    state: State, scores: Scores, now: datetime, among: frozenset[str] | None = None
) -> dict[str, Any]:
    """Return every attribute of a customer at `now` by name; None where there is none.

    `among` spares the reading of features other than these.
    """
    flat = features_at(state, now, among)
    flat |= {f"{TRAIT_PREFIX}{name}": stamp.value for name, stamp in state.traits.items()}
    for model, score in scores.items():
        flat[model] = score.get("probability", score.get("amount"))
        flat[f"{model}_percentile"] = score.get("percentile")
        flat[f"{model}_tier"] = score.get("tier")
    return flat
