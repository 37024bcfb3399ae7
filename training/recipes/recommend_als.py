"""Which items will this customer take next? Implicit ALS, the latest events folded in at once."""

from training.parts import als, popular
from training.recipe import RecommendRecipe

RECIPE = RecommendRecipe(
    question="Which items will this customer take next?",
    feature_service="recommend_als_v1",
    weights={"purchase": 3.0, "intent": 2.0, "interest": 1.0},
    half_life_days=180,
    candidates={
        "als_64": als(factors=64, alpha=10, regularization=1),
        "als_64_bold": als(factors=64, alpha=40, regularization=5),
        "als_128": als(factors=128, alpha=10, regularization=5),
        "als_32_calm": als(factors=32, alpha=3, regularization=1),
    },
    baselines={
        "popular": popular(half_life_days=None),
        "popular_lately": popular(half_life_days=14),
    },
    metric="ndcg",
    k=20,
)
