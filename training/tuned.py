"""What tuning found: settings of a candidate of a recipe, as a text that makes it again."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from models.calibrated import CalibratedScorer
from models.protocols import Scorer
from training.recipe import MakeScorer, Options, ScoreRecipe

TUNED = "tuned"  # the name of the candidate


@dataclass(frozen=True, slots=True)
class Range:
    """From where to where a setting is tried; `log` where ratios matter, not differences."""

    low: float
    high: float
    log: bool = True
    whole: bool = False


SPACE: Mapping[str, Range] = {  # settings of trees and of the network; a scorer has some of them
    "learning_rate": Range(0.01, 0.2),
    "leaves": Range(3, 63, whole=True),
    "min_leaf": Range(5, 200, whole=True),
    "regularization": Range(0.1, 50),
    "feature_fraction": Range(0.3, 1.0, log=False),
    "weight_decay": Range(1e-5, 1e-1),
    "strength": Range(0.0, 1.0, log=False),
}


def settings_of(scorer: Scorer) -> dict[str, float]:
    """Return the settings of a scorer that can be tuned, with their values."""
    inner = _inner(scorer)
    return {name: getattr(inner, name) for name in SPACE if hasattr(inner, name)}


def with_settings(make: MakeScorer, values: Mapping[str, float]) -> MakeScorer:
    """Return how to make the same scorer with other settings."""

    def made(options: Options) -> Scorer:
        scorer = make(options)
        for name, value in values.items():
            setattr(_inner(scorer), name, value)
        return scorer

    return made


def with_tuned(recipe: ScoreRecipe, text: str) -> ScoreRecipe:
    """Return the recipe with what tuning found, given as JSON, before the candidate it is of."""
    if not text:
        return recipe
    found: dict[str, Any] = json.loads(text)
    made = with_settings(recipe.candidates[found["candidate"]], found["settings"])
    candidates: dict[str, MakeScorer] = {}
    for name, make in recipe.candidates.items():
        candidates |= {TUNED: made, name: make} if name == found["candidate"] else {name: make}
    return replace(recipe, candidates=candidates, tuned=text)


def to_text(candidate: str, settings: Mapping[str, float]) -> str:
    """Return what tuning found as JSON."""
    return json.dumps({"candidate": candidate, "settings": dict(settings)}, sort_keys=True)


def _inner(scorer: Scorer) -> Any:
    return scorer.scorer if isinstance(scorer, CalibratedScorer) else scorer
