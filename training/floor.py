"""Below the data floor nobody pretends: the answer is a base rate, shrunk, and marked as such."""

import numpy as np
import pandas as pd

from models.baselines import ColumnScorer, MeanScorer
from models.gbm import GBMScorer
from models.protocols import Scorer
from training.checks import MIN_OUTCOMES
from training.recipe import Options, ScoreRecipe
from training.rows import Rows

_MIN_FOR_STRATA = 10


def known_outcomes(rows: Rows, unit: str) -> dict[str, int]:
    """Return how many customers had the outcome, and of a probability how many had not."""
    happened = rows.y > 0
    found = {"with": _customers(rows, happened)}
    return found | ({"without": _customers(rows, ~happened)} if unit == "probability" else {})


def too_few(rows: Rows, unit: str) -> str:
    """Return why these rows are too few for a model, or '' when they are enough."""
    found = known_outcomes(rows, unit)
    short = [f"{n} customers {word} the outcome" for word, n in found.items() if n < MIN_OUTCOMES]
    return f"{' and '.join(short)}, a model needs {MIN_OUTCOMES}" if short else ""


def fit_floor(recipe: ScoreRecipe, rows: Rows, options: Options) -> Scorer:
    """Return the shrunk rate of a few strata of the first baseline's column, or of all alike."""
    baseline = next(iter(recipe.baselines.values()))(options)
    happened = int((rows.y > 0).sum())
    enough = min(happened, len(rows) - happened) >= _MIN_FOR_STRATA
    if enough and isinstance(baseline, ColumnScorer):
        return _strata(recipe.label.unit, len(rows), options).fit(rows.X[[baseline.column]], rows.y)
    return _mean(recipe.label.unit, rows)


def _strata(unit: str, rows: int, options: Options) -> GBMScorer:
    """Few leaves, large leaves, a strong pull to the mean: a step function of one column."""
    return GBMScorer(
        objective="binary" if unit == "probability" else "tweedie",
        trees=30,
        leaves=3,
        min_leaf=max(20, rows // 5),
        feature_fraction=1.0,
        row_fraction=1.0,
        regularization=10.0,
        seed=options.seed,
    )


def _mean(unit: str, rows: Rows) -> MeanScorer:
    """The mean outcome; a rate is shrunk by one success and one failure (Laplace)."""
    if unit != "probability":
        return MeanScorer().fit(rows.X, rows.y)
    extra = pd.concat([rows.X, rows.X.head(1), rows.X.head(1)], ignore_index=True)
    return MeanScorer().fit(extra, np.append(rows.y, [0.0, 1.0]))


def _customers(rows: Rows, which: np.ndarray) -> int:
    return len(np.unique(rows.customers[which]))
