"""The champions: the released version of every score, loaded with all it takes to use it."""

from dataclasses import dataclass
from typing import Any

import pandas as pd

from domain.errors import InvalidInput
from models.manifest import load_model
from models.protocols import Scorer
from training.recipe import ScoreRecipe, load_recipe, recipe_names, score_names
from training.sheet import Sheet
from training.tracking import Champion, Tracker


@dataclass(frozen=True, slots=True, eq=False)
class ScoreChampion:
    """A released score: the model, what explains it, whom it is about."""

    name: str
    version: str
    sheet: Sheet
    recipe: ScoreRecipe
    scorer: Scorer
    explainer: Any  # has contributions(X) and features, or is None

    def asked(self, frame: pd.DataFrame) -> Any:
        """Return which rows of a frame of features the score is about, (n,) bool."""
        return self.recipe.population.asked(frame, self.sheet.horizon_days)

    def doubtful(self, frame: pd.DataFrame) -> Any:
        """Return which rows lie beyond what the model learned from, (n,) bool."""
        return ~self.recipe.population.learned(frame, self.sheet.horizon_days)


def champions(tracker: Tracker) -> dict[str, Champion]:
    """Return the champion of every model that has one, by name."""
    names = [score for recipe in recipe_names() for score in score_names(recipe)]
    found = {name: tracker.champion(name) for name in names}
    return {name: champion for name, champion in found.items() if champion is not None}


def score_champions(tracker: Tracker) -> list[ScoreChampion]:
    """Return the champions that are scores, loaded."""
    found = champions(tracker).values()
    return [score_champion(c) for c in found if _is_score(Sheet.read(c.folder))]


def score_champion(champion: Champion) -> ScoreChampion:
    """Load the champion of a score."""
    sheet = Sheet.read(champion.folder)
    recipe = load_recipe(sheet.recipe)
    if not isinstance(recipe, ScoreRecipe):
        raise InvalidInput(f"{champion.name} is an order of items, not a score of customers")
    scorer = load_model(champion.model)
    explainer = _explainer(champion, sheet, scorer)
    return ScoreChampion(champion.name, champion.version, sheet, recipe, scorer, explainer)


def _is_score(sheet: Sheet) -> bool:
    return isinstance(load_recipe(sheet.recipe), ScoreRecipe)


def _explainer(champion: Champion, sheet: Sheet, scorer: Scorer) -> Any:
    if sheet.explained_by:
        return load_model(champion.folder / sheet.explained_by)
    return scorer if hasattr(scorer, "contributions") else None
