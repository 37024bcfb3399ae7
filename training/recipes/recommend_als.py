"""Which items will this customer take next? Implicit ALS, the latest events folded in at once."""

from training.parts import als, popular
from training.recipe import RecommendRecipe

RECIPE = RecommendRecipe(
    question="Which items will this customer take next?",
    feature_service="recommend_als_v1",
    weights={"purchase": 3.0, "intent": 2.0, "interest": 1.0},
    half_life_days=30,
    candidates={
        "als_32": als(factors=32, unobserved=0.1, regularization=0.3),
        "als_64": als(factors=64, unobserved=0.1, regularization=1.0),
        "als_64_calm": als(factors=64, unobserved=0.3, regularization=2.0),
        "als_64_bold": als(factors=64, unobserved=0.03, regularization=0.3),
    },
    baselines={
        "popular": popular(half_life_days=None),
        "popular_lately": popular(half_life_days=7),
    },
    metric="ndcg",
    k=20,
)
