"""The parts that recipes are made of: each function says what it is and returns how to make it."""

from models.als import ALSRecommender
from models.average import AverageScorer
from models.baselines import ColumnScorer
from models.bought_together import BoughtTogetherRecommender
from models.buy_again import BuyAgainRecommender
from models.calibrated import CalibratedScorer
from models.content import ContentRecommender
from models.forecast_boost import ForecastBoostScorer
from models.gbm import GBMScorer
from models.hurdle import HurdleScorer
from models.linear import LinearRecommender
from models.logistic import LogisticScorer
from models.popular import PopularRecommender
from models.purchase_forecast import PurchaseForecastScorer
from models.transitions import TransitionsRecommender
from models.trending import TrendingRecommender
from models.ziln import ZILNScorer
from training.recipe import MakeRecommender, MakeScorer


def trees(*, leaves: int, rounds: int = 300, min_leaf: int = 30) -> MakeScorer:
    """Return boosted trees for a probability, calibrated on later data."""
    return lambda options: CalibratedScorer(
        GBMScorer(
            trees=rounds,
            learning_rate=0.04,
            leaves=leaves,
            min_leaf=min_leaf,
            feature_fraction=0.5,
            regularization=5.0,
            num_threads=options.threads,
            seed=options.seed,
        ),
        seed=options.seed,
    )


def trees_and_lines() -> MakeScorer:
    """Return small trees and calm lines, averaged, learned and calibrated over all windows."""
    return lambda options: CalibratedScorer(
        AverageScorer(
            {
                "trees": GBMScorer(
                    trees=120,
                    learning_rate=0.04,
                    leaves=8,
                    min_leaf=60,
                    feature_fraction=0.3,
                    regularization=5.0,
                    num_threads=options.threads,
                    seed=options.seed,
                ),
                "lines": LogisticScorer(strength=0.005, knots=2),
            }
        ),
        seed=options.seed,
    )


def forecast_and_trees(gives: str, *, strength: float = 1.0) -> MakeScorer:
    """Return an MBG/NBD forecast with the season's level, and trees that correct it.

    `strength` is the share of the correction that counts; 0 is the forecast alone.
    """
    return lambda options: ForecastBoostScorer(
        gives, strength=strength, num_threads=options.threads, seed=options.seed
    )


def purchase_forecast(gives: str, *, days: int) -> MakeScorer:
    """Return BG/NBD with Gamma-Gamma, as published: what every model of spend must beat."""
    return lambda options: PurchaseForecastScorer(gives, days=days, seed=options.seed)


def spend_trees(*, leaves: int = 8, rounds: int = 400) -> MakeScorer:
    """Return boosted trees for an amount with many zeros and a heavy tail (Tweedie)."""
    return lambda options: GBMScorer(
        objective="tweedie",
        trees=rounds,
        learning_rate=0.04,
        leaves=leaves,
        min_leaf=30,
        feature_fraction=0.5,
        regularization=5.0,
        num_threads=options.threads,
        seed=options.seed,
    )


def hurdle(*, leaves: int = 8, rounds: int = 200) -> MakeScorer:
    """Return two boosted models: whether they spend, and how much if so."""
    return lambda options: HurdleScorer(
        trees=rounds,
        learning_rate=0.04,
        leaves=leaves,
        min_leaf=30,
        num_threads=options.threads,
        seed=options.seed,
    )


def zero_inflated() -> MakeScorer:
    """Return the zero-inflated lognormal network."""
    return lambda options: ZILNScorer(epochs=60, num_threads=options.threads, seed=options.seed)


def by_column(column: str, *, less_is_more: bool = False) -> MakeScorer:
    """Return the order of one column as a probability."""
    return lambda _: ColumnScorer(column, sign=-1 if less_is_more else 1, by="rank")


def last_value(column: str) -> MakeScorer:
    """Return one column of money, scaled to the right total."""
    return lambda _: ColumnScorer(column, by="value")


def als(
    *,
    factors: int,
    unobserved: float,
    regularization: float,
    exponent: float = 1.0,
    epochs: int = 15,
) -> MakeRecommender:
    """Return implicit ALS with fold-in."""
    return lambda options: ALSRecommender(
        factors=factors,
        unobserved=unobserved,
        regularization=regularization,
        exponent=exponent,
        epochs=epochs,
        num_threads=options.threads,
        seed=options.seed,
    )


def popular(*, half_life_days: float | None) -> MakeRecommender:
    """Return what most take, lately or (without a half-life) ever."""
    return lambda _: PopularRecommender(half_life_days=half_life_days)


def trending() -> MakeRecommender:
    """Return what rises against its own past."""
    return lambda _: TrendingRecommender()


def buy_again() -> MakeRecommender:
    """Return what a customer bought before, when it is due."""
    return lambda _: BuyAgainRecommender()


def bought_together() -> MakeRecommender:
    """Return what baskets hold together more often than by chance."""
    return lambda _: BoughtTogetherRecommender()


def content() -> MakeRecommender:
    """Return what reads alike in the catalogue."""
    return lambda options: ContentRecommender(seed=options.seed)


def linear(*, factors: int = 512, ridge_share: float = 0.0) -> MakeRecommender:
    """Return item to item in closed form; a ridge_share of 1 is EASE, for small catalogues."""
    return lambda options: LinearRecommender(
        factors=factors, ridge_share=ridge_share, seed=options.seed
    )


def transitions() -> MakeRecommender:
    """Return what is taken soon after what."""
    return lambda _: TransitionsRecommender()
