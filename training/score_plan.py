"""The plan of a score: its horizon, the split that the history can hold, and what it cannot."""

from dataclasses import dataclass
from datetime import timedelta

from domain.errors import NotEnoughData
from training.horizon import Horizon, churn_horizon
from training.label_windows import label_windows
from training.recipe import ScoreRecipe
from training.rows import Rows
from training.splits import Split, needed_days, plan
from training.workshop import Workshop


@dataclass(frozen=True, slots=True)
class ScorePlan:
    """How one score is learned; `untested` says why it cannot be tested, '' when it can.

    The labels cover `split.horizon_days`; where the history cannot hold labels of the horizon that
    was asked for, these are shorter, and outcomes are multiplied by a growth factor.
    """

    score: str
    horizon: Horizon
    split: Split
    untested: str = ""

    @property
    def stretched(self) -> bool:
        """Whether labels are shorter than the horizon."""
        return self.split.horizon_days < self.horizon.days


def plan_score(shop: Workshop, recipe: ScoreRecipe, score: str) -> ScorePlan:
    """Return how `score` can be learned from this history, or raise NotEnoughData."""
    horizon = _horizon(shop, recipe.horizons[score])
    window = shop.window
    split = plan(window.first_at, window.end, horizon.days)
    if split is not None:
        return ScorePlan(score, horizon, split, _why_untested(split, window.days))
    shorter = [d for d in recipe.horizons.values() if d is not None and d < horizon.days]
    for days in sorted(shorter, reverse=True):
        split = plan(window.first_at, window.end, days)
        if split is not None:
            return ScorePlan(score, horizon, split, _why_stretched(horizon.days, days, window.days))
    needed = needed_days(horizon.days, 1)
    raise NotEnoughData(
        f"{score}: the history covers {max(window.days, 0):.0f} whole days, {needed} are needed "
        f"({horizon.days} to see what followed, the rest to look back on); import older events, or "
        f"wait until {window.first_at + timedelta(days=needed):%Y-%m-%d}"
    )


def growth(shop: Workshop, rows: Rows, horizon_plan: ScorePlan) -> float:
    """Return the spend of the whole horizon over that of a label, by the oldest training cut-off.

    What lies beyond the history goes on at the rate of the last label length that was seen.
    """
    label_days, days = horizon_plan.split.horizon_days, horizon_plan.horizon.days
    start = horizon_plan.split.train[0]
    seen_days = min(days, int((shop.window.end - start) / timedelta(days=1)))
    customers = rows.at([start]).customers

    def spend(length: int) -> float:
        found = label_windows(shop.db, [start], length)
        return float(found.loc[found["profile_id"].isin(customers), "spend"].sum())

    first, seen = spend(label_days), spend(seen_days)
    rate = (
        (seen - spend(seen_days - label_days)) / label_days
        if seen_days > label_days
        else seen / label_days
    )
    whole = seen + rate * (days - seen_days)
    return min(max(whole / first, 1.0), days / label_days) if first > 0 else 1.0


def _horizon(shop: Workshop, days: int | None) -> Horizon:
    if days is None:
        return churn_horizon(shop.db, shop.window, shop.settings.churn_horizon_days)
    return Horizon(days, f"{days} days, as the recipe says")


def _why_untested(split: Split, history_days: float) -> str:
    if split.test is not None:
        return ""
    return (
        f"the history of {history_days:.0f} days holds one label window of {split.horizon_days} "
        f"days; {needed_days(split.horizon_days, 2)} days would allow a test"
    )


def _why_stretched(asked: int, used: int, history_days: float) -> str:
    return (
        f"the history of {history_days:.0f} days cannot hold labels of {asked} days "
        f"({needed_days(asked, 1)} needed); learned on {used} days and multiplied by the growth "
        f"of spend from {used} to {asked} days"
    )
