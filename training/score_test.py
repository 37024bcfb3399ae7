"""The test of a score: what it is worth on the test cut-off, beside the baselines to beat."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from training.bootstrap import Estimate, Sample
from training.gates import Gate, decide
from training.metrics import METRICS, METRICS_OF_UNIT
from training.recipe import ScoreRecipe
from training.rows import Rows

FAR_OFF = {"ece": 0.10, "total_error": 0.25}  # beyond these a score ranks, but its size misleads


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """The test result: metrics with intervals, baselines, paired gains, and the raw test scores."""

    metric: str  # the one the gate looks at
    metrics: Mapping[str, Estimate]
    baselines: Mapping[str, Mapping[str, float]]  # baseline -> metric -> value
    gains: Mapping[str, Estimate]  # baseline -> how much better the model is
    gate: Gate
    y: np.ndarray
    score: np.ndarray

    @property
    def doubt(self) -> str:
        """Why the size of a score is not to be trusted, '' when it is: surely beyond FAR_OFF."""
        off = [n for n in FAR_OFF if n in self.metrics and self.metrics[n].low > FAR_OFF[n]]
        if not off:
            return ""
        found = ", ".join(f"{name} {self.metrics[name]}" for name in off)
        return (
            f"it ranks well, but in the test its size was off ({found}), as by a season or growth"
        )


def evaluate_scores(
    recipe: ScoreRecipe,
    test: Rows,
    score: np.ndarray,
    baselines: Mapping[str, np.ndarray],
    seed: int,
) -> Evaluation:
    """Compare the model's scores (n,) with each baseline's on the same test rows."""
    sample = Sample(test.y, test.customers, seed)
    names = METRICS_OF_UNIT[recipe.label.unit]
    metrics = {name: sample.estimate(METRICS[name], score) for name in names}
    gate_metric = METRICS[recipe.metric]
    gains = {name: sample.gain(gate_metric, score, other) for name, other in baselines.items()}
    table = {
        name: {metric: METRICS[metric].of(test.y, other) for metric in names}
        for name, other in baselines.items()
    }
    gate = decide(recipe.metric, metrics[recipe.metric], gains)
    return Evaluation(recipe.metric, metrics, table, gains, gate, test.y, score)
