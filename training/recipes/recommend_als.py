"""Which items will this customer take next? Implicit ALS, the latest events folded in at once."""

from training.parts import als, popular
from training.recipe import RecommendRecipe

RECIPE = RecommendRecipe(
    question="Which items will this customer take next?",
    feature_service="recommend_als_v1",
    weights={"purchase": 3.0, "intent": 2.0, "interest": 1.0},
    half_life_days=30,
    candidates={
        "als_32": als(factors=32, alpha=3, regularization=1),
        "als_64": als(factors=64, alpha=3, regularization=10),
        "als_64_calm": als(factors=64, alpha=1, regularization=10),
        "als_64_bold": als(factors=64, alpha=20, regularization=5),
    },
    baselines={
        "popular": popular(half_life_days=None),
        "popular_lately": popular(half_life_days=7),
    },
    metric="ndcg",
    k=20,
)
