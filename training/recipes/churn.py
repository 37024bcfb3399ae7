"""Will this active customer stay silent for the horizon that the shop's own gaps suggest?"""

from training.labels import stays_silent
from training.parts import by_column, forecast_and_trees, trees_and_lines
from training.populations import active_customers
from training.recipe import ScoreRecipe

RECIPE = ScoreRecipe(
    question="Will this active customer place no order within the horizon?",
    feature_service="churn_v1",
    population=active_customers(),
    label=stays_silent(),
    horizons={"churn": None},
    candidates={
        "trees_and_lines": trees_and_lines(),
        "forecast_and_trees": forecast_and_trees("silence"),
    },
    baselines={"recency": by_column("recency_days")},
    metric="auc",
    forecasts="silence",
)
