"""Will this prospect place a first order within the next 30 days? Ranks leads, opens offers."""

from training.labels import buys
from training.parts import by_column, trees, trees_and_lines
from training.populations import prospects
from training.recipe import ScoreRecipe

RECIPE = ScoreRecipe(
    question="Will this prospect place a first order within the next 30 days?",
    feature_service="lead_score_v1",
    population=prospects(active_days=30),
    label=buys(),
    horizons={"lead_score": 30},
    candidates={"trees_and_lines": trees_and_lines(), "small_trees": trees(leaves=4)},
    baselines={
        "recency": by_column("days_since_last_event", less_is_more=True),
        "lead_points": by_column("lead_points"),
    },
    metric="average_precision",
)
