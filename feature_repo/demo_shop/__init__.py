"""A shop that never was, with customers whose hidden tastes and plans are known."""

from feature_repo.demo_shop.shop import Shop, generate
from feature_repo.demo_shop.truth import Truth

__all__ = ["Shop", "Truth", "generate"]
