"""Churn and lifetime value on a file of orders: ours, what it must beat, and peers, one split.

    python bench/scores_clv.py --task clv --data shared/data/online_retail_ii --cut 2011-06-10
    python bench/scores_clv.py --task churn --data orders.csv --horizon 90

`--cut` is the last day that is known, `--horizon` the days after it. Everything is learned, and
every choice made, from the days up to the cut; what follows is read once, to measure.
"""

import argparse
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from order_features import features_at
from order_files import Orders, read_orders
from score_peers import peers

from domain.errors import InvalidInput, NextbestError
from models.baselines import ColumnScorer
from models.calibrated import CalibratedScorer
from models.forecast_boost import ForecastBoostScorer
from models.gbm import GBMScorer
from models.protocols import Scorer
from models.purchase_forecast import PurchaseForecastScorer
from training.bootstrap import Estimate, Sample
from training.exposure import exposures, gather, with_forecast
from training.horizon import from_gaps
from training.intervals import ScoreIntervals, learn_intervals
from training.metrics import METRICS, METRICS_OF_UNIT
from training.season import forecast_at, outlook

STRENGTHS = (1.0, 0.5, 0.0)  # of the trees' correction; 0 is the forecast with its season
GIVES = {"clv": "spend", "churn": "silence"}
UNIT = {"spend": "amount", "silence": "probability"}
CHOSEN_BY = {"spend": "normalised_gini", "silence": "auc"}
DEFAULT_HORIZON = 182


@dataclass(frozen=True, eq=False)
class Scene:
    """What may be known on the morning of `day`, and what is asked of the `horizon` days after."""

    orders: Orders
    gives: str
    day: float
    horizon: int
    seed: int
    threads: int

    def moved_to(self, day: float) -> "Scene":
        """Return the same question on another day."""
        return Scene(self.orders, self.gives, day, self.horizon, self.seed, self.threads)

    @property
    def first_day(self) -> float:
        return float(self.orders.purchases.day.min())

    def outcomes(self, customers: np.ndarray, day: float, days: float) -> np.ndarray:
        """Return what these customers spent in [day, day + days), or 1 where they were silent."""
        came = self.orders.purchases.between(day, day + days)
        return came.silent(customers) if self.gives == "silence" else came.spent(customers)

    def rows(self) -> tuple[pd.DataFrame, np.ndarray]:
        """Return the asked customers' features, and their outcomes."""
        X = features_at(self.orders, self.day)
        return X, self.outcomes(X.index.to_numpy(np.str_), self.day, self.horizon)


def rows(task: str, args: argparse.Namespace) -> list[str]:
    """Return the lines of the table of `task`, one row per model; `args` as `arguments` has."""
    named = (str(getattr(args, name, "")) for name in ("customer", "date", "amount"))
    orders = read_orders(args.data, *named)
    scene = opened(orders, task, args)
    X, y = scene.rows()
    until = pd.Timestamp(0) + pd.Timedelta(days=scene.day)
    say(
        f"{orders.said}\nknown before {until:%Y-%m-%d}, asked: the {scene.horizon} days from then; "
        f"{len(X)} customers, {(y > 0).mean():.1%} with the outcome, total {y.sum():.0f}"
    )
    models, ours, note = contenders(scene)
    kept = ~np.isin(X.index.to_numpy(np.str_), str(getattr(args, "without", "")).split(","))
    sample = Sample(y[kept], X.index.to_numpy()[kept], scene.seed)
    greatest = f"{y.max() / y.sum():.1%} of the total, of customer {X.index[y.argmax()]}"
    say(f"{note}; measured on {kept.sum()} customers; the greatest outcome is {greatest}")
    table = []
    for name, every in models(X).items():
        score = every[kept]
        found = measured(sample, scene.gives, score)
        row = {"model": name} | {metric: str(value) for metric, value in found.items()}
        if scene.gives == "spend":
            row["in 80 %"] = coverage(ours, score, y[kept]) if name == "nextbest" else ""
        table.append(row)
    return as_lines(table)


def opened(orders: Orders, task: str, args: argparse.Namespace) -> Scene:
    """Return the scene of the arguments; without a cut, the last horizon of the data is asked."""
    first, last = orders.purchases.day.min(), orders.purchases.day.max() + 1
    horizon = args.horizon or (shops_own(orders) if task == "churn" else DEFAULT_HORIZON)
    horizon = int(min(horizon, (last - first) // 2)) if not args.horizon else horizon
    day = last - horizon
    if args.cut:
        day = float((pd.Timestamp(args.cut) - pd.Timestamp(0)).days + 1)
    if not first + 28 <= day <= last - 1:
        span = f"{pd.Timestamp(0) + pd.Timedelta(days=first):%Y-%m-%d}"
        raise InvalidInput(f"the cut leaves no history or no future; data from {span} to {last}")
    if day + horizon > last:
        say(f"only {last - day:.0f} of {horizon} days lie after the cut; these are asked")
        horizon = int(last - day)
    return Scene(orders, GIVES[task], day, horizon, args.seed, args.threads)


def shops_own(orders: Orders) -> int:
    """Return the horizon that the gaps of the first half of the data suggest."""
    bought = orders.purchases
    middle = (bought.day.min() + bought.day.max()) / 2
    early = bought.between(-np.inf, middle)
    same = early.customer[1:] == early.customer[:-1]
    found = from_gaps(np.diff(early.day)[same], 2 * (middle - bought.day.min()))
    say(f"horizon {found.reason}")
    return found.days


def contenders(scene: Scene) -> tuple[Callable[[pd.DataFrame], dict[str, np.ndarray]], Any, str]:
    """Return what scores a frame by every model, our intervals, and what was chosen."""
    strength, intervals, note = chosen(scene)
    model = boost(scene, strength)
    simple = baselines(scene)

    def ask(X: pd.DataFrame) -> dict[str, np.ndarray]:
        found = {"nextbest": model.predict(X)}
        found |= {name: scorer.predict(X) for name, scorer in simple.items()}
        return found | peers(scene.orders.purchases, scene.gives, scene.day, scene.horizon)

    return ask, intervals, f"{note}; season: {model.outlook_.reason}"


def chosen(scene: Scene) -> tuple[float, ScoreIntervals | None, str]:
    """Choose the strength on the last window before the cut; its outcomes give the intervals."""
    metric = METRICS[CHOSEN_BY[scene.gives]]
    past = scene.moved_to(scene.day - min(scene.horizon, (scene.day - scene.first_day) // 3))
    watched = scene.day - past.day
    try:
        trial = boost(past, 1.0)
    except NextbestError as thin:
        return 0.0, None, f"no validation window ({thin})"
    X = features_at(scene.orders, past.day)
    y = past.outcomes(X.index.to_numpy(np.str_), past.day, watched)
    found = {}
    for strength in STRENGTHS:
        trial.strength = strength
        found[strength] = metric.of(y, trial.predict(X))
    best = (max if metric.higher_is_better else min)(found, key=found.__getitem__)
    trial.strength = best
    score = trial.predict(X)
    scale = y.sum() / max(score.sum(), 1e-9) if scene.gives == "spend" else 1.0
    tried = ", ".join(f"{strength:g}: {value:.4f}" for strength, value in found.items())
    note = f"strength {best:g} chosen by {metric.name} on the {watched:.0f} days before ({tried})"
    return best, learn_intervals(UNIT[scene.gives], y, score * scale), note


def boost(scene: Scene, strength: float) -> ForecastBoostScorer:
    """Return our model as of the scene's day, learned from all windows watched before it."""
    bought = scene.orders.purchases
    parts, outcomes = {}, []
    for day, watched in exposures(scene.first_day, scene.day, scene.horizon).items():
        X = features_at(scene.orders, day)
        forecast = forecast_at(bought, day, seed=scene.seed)
        parts[day] = with_forecast(X, scene.gives, forecast, day, watched)
        outcomes.append(scene.outcomes(X.index.to_numpy(np.str_), day, watched))
    if not parts:
        raise InvalidInput("the history is too short for a single training window")
    model = ForecastBoostScorer(
        scene.gives,
        days=scene.horizon,
        strength=strength,
        num_threads=scene.threads,
        seed=scene.seed,
    )
    model.fit(gather(parts), np.concatenate(outcomes))
    return model.settle(outlook(bought, scene.gives, scene.day, scene.horizon, seed=scene.seed))


def baselines(scene: Scene) -> dict[str, Scorer]:
    """Return what must be beaten: forecasts of today, columns and trees of whole past windows."""
    today = features_at(scene.orders, scene.day)
    processes = {"BG/NBD": False, "MBG/NBD": True}
    found: dict[str, Scorer] = {}
    for name, first in processes.items():
        label = f"{name} + Gamma-Gamma" if scene.gives == "spend" else f"{name} chance of silence"
        scorer = PurchaseForecastScorer(scene.gives, days=scene.horizon, may_stop_at_first=first)
        found[label] = scorer.fit(today, np.zeros(len(today)))
    past = scene.moved_to(scene.day - scene.horizon)
    if past.day < scene.first_day + 28:
        return found
    X, y = past.rows()
    plain: dict[str, Scorer] = (
        {
            "last value (365 days)": ColumnScorer("spend_365d", by="value"),
            "last value (90 days)": ColumnScorer("spend_90d", by="value"),
            "LightGBM Tweedie": GBMScorer(
                objective="tweedie", trees=150, leaves=8, num_threads=scene.threads
            ),
        }
        if scene.gives == "spend"
        else {
            "recency": ColumnScorer("recency_days"),
            "LightGBM": CalibratedScorer(
                GBMScorer(trees=150, leaves=8, num_threads=scene.threads), seed=scene.seed
            ),
        }
    )
    return found | {name: scorer.fit(X, y) for name, scorer in plain.items()}


def measured(sample: Sample, gives: str, score: np.ndarray) -> dict[str, Estimate]:
    names = METRICS_OF_UNIT[UNIT[gives]]
    return {name: sample.estimate(METRICS[name], score, resamples=300) for name in names}


def coverage(intervals: ScoreIntervals | None, score: np.ndarray, y: np.ndarray) -> str:
    """Return the share of outcomes inside our 80 % intervals."""
    if intervals is None:
        return ""
    low, high = intervals.bounds(score)
    return f"{np.mean((np.minimum(low, score) <= y) & (y <= np.maximum(high, score))):.3f}"


def say(text: str) -> None:
    print(text, file=sys.stderr)


def as_lines(table: list[dict[str, str]]) -> list[str]:
    """Return the lines of a Markdown table."""
    names = list(table[0])
    lines = [names, ["---"] * len(names), *([row[name] for name in names] for row in table)]
    return [f"| {' | '.join(line)} |" for line in lines]


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--task", choices=sorted(GIVES), required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--cut", default="", help="last known day, YYYY-MM-DD")
    parser.add_argument("--horizon", type=int, default=0, help="days asked")
    for name in ("customer", "date", "amount"):
        parser.add_argument(f"--{name}", default="", help="column, where it is not guessed")
    parser.add_argument("--without", default="", help="customers not measured, by comma")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    return parser.parse_args()


def main() -> None:
    warnings.simplefilter("ignore")
    asked = arguments()
    try:
        print("\n".join(rows(asked.task, asked)))
    except NextbestError as wrong:
        sys.exit(f"error: {wrong}")


if __name__ == "__main__":
    main()
