"""How much will this customer spend in the next 90 and 365 days? Says whom it pays to keep."""

from training.labels import spends
from training.parts import (
    forecast_and_trees,
    hurdle,
    last_value,
    spend_trees,
    zero_inflated,
)
from training.populations import customers
from training.recipe import ScoreRecipe

RECIPE = ScoreRecipe(
    question="How much will this customer spend in the days to come?",
    feature_service="clv_v1",
    population=customers(),
    label=spends(),
    horizons={"clv_90": 90, "clv_365": 365},
    candidates={
        "forecast_and_trees": forecast_and_trees("spend"),
        "hurdle": hurdle(),
        "tweedie": spend_trees(),
        "ziln": zero_inflated(),
    },
    baselines={
        "last_90_days": last_value("spend_90d"),
        "last_365_days": last_value("spend_365d"),
        "total": last_value("spend_total"),
    },
    metric="normalised_gini",
    forecasts="spend",
)
