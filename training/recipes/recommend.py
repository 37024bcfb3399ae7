"""Which items will this customer take next? The best of all recommenders, found on later days."""

from training.parts import (
    als,
    bought_together,
    buy_again,
    content,
    linear,
    popular,
    transitions,
    trending,
)
from training.recipe import RecommendRecipe

RECIPE = RecommendRecipe(
    question="Which items will this customer take next?",
    feature_service="recommend_v1",
    weights={"purchase": 3.0, "intent": 2.0, "interest": 1.0},
    half_life_days=30,
    candidates={
        "popular": (popular(half_life_days=None),),
        "popular_lately": (popular(half_life_days=7),),
        "trending": (trending(),),
        "buy_again": (buy_again(),),
        "bought_together": (bought_together(),),
        "content": (content(),),
        "transitions": (transitions(),),
        "linear": (linear(factors=128),),
        "als": (
            als(factors=64, unobserved=0.1, regularization=1.0, epochs=8),
            als(factors=64, unobserved=0.3, regularization=2.0, epochs=8),
        ),
    },
    baselines=("popular", "popular_lately"),
    rivals=("als", "buy_again"),
    blended=("als", "linear", "transitions", "buy_again", "popular_lately", "content"),
    metric="ndcg_both",
    k=20,
)
