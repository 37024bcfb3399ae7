"""The first day of a shop: time of each step, and how good each model is, against its baselines.

    python bench/first_day.py [--data online_retail_ii --from FOLDER] [--customers 5000] [--seed 7]
                              [--end 2026-06-01]

Prints Markdown. Without --data it uses the generated shop and adds the comparison with its truth.
All state lies in a temporary folder. Intervals are 90 % bootstrap intervals by customer.
"""

import argparse
import os
import platform
import re
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from domain.features import FEATURES
from domain.settings import Settings
from feature_repo.backends import open_features
from feature_repo.demo_shop import Truth, generate
from training.factors import theme_of
from training.intervals import rate_bounds
from training.outcome import Outcome
from training.recipe import load_recipe
from training.walkthrough import walk_through

SHOWN = {
    "churn": ("auc", "ece", "brier", "lift_top_decile"),
    "lead_score": ("auc", "average_precision", "ece", "lift_top_decile"),
    "clv_90": ("normalised_gini", "total_error", "decile_mape", "spearman", "mae"),
    "clv_365": ("normalised_gini", "total_error", "decile_mape", "spearman", "mae"),
    "recommend": ("recall@20", "ndcg@20"),
}
# What decides in the generator: how often somebody comes, looks and buys, whether they have left,
# and what is on the way to an order. Brands, towns, ages and ways in decide nothing there.
CAUSES = {"lately", "orders", "money", "loyalty", "interest", "intent", "visits", "points"}


def main() -> None:
    given = _arguments()
    now = datetime.fromisoformat(given.end).replace(tzinfo=UTC)
    start = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="nextbest-bench-") as home:
        settings = replace(Settings(), home=Path(home), seed=given.seed)
        outcomes: list[Outcome] = []
        rows = walk_through(
            settings, given.data, given.folder, given.customers, now, _quiet, outcomes.append
        )
        seconds = time.perf_counter() - start
        print(f"## {given.data or 'Demo shop'}\n")
        print(f"{_machine()}; seed {given.seed}; all steps {seconds:.0f} s.\n")
        print("\n".join(_table(rows)), "\n")
        print("\n".join(_table([row for o in outcomes for row in _measured(o)])), "\n")
        if not given.data:
            truth = generate(given.seed, customers=given.customers, end=now).truth
            print("\n".join(_table(_against_truth(settings.home, truth, now, outcomes))), "\n")
            print("\n".join(_table(_causes(settings, truth, now, outcomes))), "\n")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", default="", help="a built-in mapping")
    parser.add_argument("--from", dest="folder", default="", help="the folder with its files")
    parser.add_argument("--customers", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--end", default="2026-06-01", help="the day on which the history ends")
    return parser.parse_args()


def _quiet(_: str, __: float) -> None:
    """Show no progress."""


def _machine() -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    python = sys.version.split()[0]
    return f"{os.cpu_count()} cores {platform.machine()}, {memory:.0f} GiB, Python {python}"


def _measured(outcome: Outcome) -> Iterator[dict[str, str]]:
    """Yield one row per metric: the model with its interval beside each baseline."""
    shown = [m for m in SHOWN.get(outcome.name, outcome.metrics) if m in outcome.metrics]
    for metric in shown:
        baselines = "; ".join(
            f"{name} {values[metric]:.4g}"
            for name, values in outcome.baselines.items()
            if metric in values
        )
        yield {
            "model": f"{outcome.name} ({outcome.kind})",
            "metric": metric,
            "value [90 %]": str(outcome.metrics[metric]),
            "baselines": baselines,
            "test": outcome.horizon,
        }
    if not shown:
        yield {
            "model": f"{outcome.name} ({outcome.kind})", "metric": "-",
            "value [90 %]": "not tested", "baselines": "", "test": outcome.reason,
        }  # fmt: skip


def _against_truth(
    home: Path, truth: Truth, now: datetime, outcomes: list[Outcome]
) -> list[dict[str, str]]:
    """Return how the scores of all customers compare with what the generator knows of them."""
    current = (home / "releases" / "current").read_text().strip()
    profiles = duckdb.execute(
        "SELECT profile_id, churn, clv_90, clv_365, lead_score, recency_days, "
        f"days_since_last_event FROM '{home}/releases/{current}/profiles.parquet'"
    ).df()
    joined = pd.DataFrame({"profile_id": truth.customer_ids}).merge(profiles, how="left")
    days = _churn_days(outcomes)
    hidden = {
        "churn": truth.p_no_purchase_within(now, days),
        "lead_score": truth.p_convert_within(now, 30),
        "clv_90": truth.expected_spend_eur(now, 90),
        "clv_365": truth.expected_spend_eur(now, 365),
    }
    learned_from = {
        "churn": joined.recency_days <= days,
        "lead_score": joined.days_since_last_event <= 30,
        "clv_90": joined.recency_days >= 0,
        "clv_365": joined.recency_days >= 0,
    }
    return [
        _compared(name, joined[name].to_numpy(float), hidden[name], learned_from[name].to_numpy())
        for name in hidden
    ]


def _causes(
    settings: Settings, truth: Truth, now: datetime, outcomes: list[Outcome]
) -> list[dict[str, str]]:
    """Return whether the strongest factor of each customer is a cause, and points the right way."""
    days = _churn_days(outcomes)
    hidden = {
        "churn": truth.p_no_purchase_within(now, days),
        "lead_score": truth.p_convert_within(now, 30),
    }
    with closing(open_features(settings)) as features:
        stored = features.read_many(truth.customer_ids)
    themes = {theme_of(feature.name) for feature in FEATURES}
    rows = []
    for name, chances in hidden.items():
        beyond = load_recipe(name).population.beyond
        known = dict(zip(truth.customer_ids, chances.tolist(), strict=True))
        first = {
            who: profile.scores[name]["factors"][0]
            for who, profile in stored.items()
            if name in profile.scores
            and profile.scores[name]["factors"]
            and beyond not in profile.scores[name]["reliability_reason"]
            and np.isfinite(known[who])
        }
        mean = np.mean([known[who] for who in first])
        cause = [theme_of(f["feature"]) in CAUSES for f in first.values()]
        right = [f["contribution"] * (known[who] - mean) > 0 for who, f in first.items()]
        rows.append(
            {
                "score": name,
                "customers": f"{len(first):,}",
                "strongest factor is a cause [90 %]": _share(cause),
                "a theme drawn by chance": f"{len(themes & CAUSES) / len(themes):.2f}",
                "and points the right way (chance: 0.50)": _share(right),
            }
        )
    return rows


def _share(hits: list[bool]) -> str:
    low, high = rate_bounds(np.array(hits, dtype=float), 0.9)
    return f"{np.mean(hits):.3f} [{low:.3f}, {high:.3f}]"


def _churn_days(outcomes: list[Outcome]) -> int:
    return next(int(re.findall(r"\d+", o.horizon)[0]) for o in outcomes if o.name == "churn")


def _compared(name: str, score: np.ndarray, truth: np.ndarray, among: np.ndarray) -> dict[str, str]:
    both = np.isfinite(score) & np.isfinite(truth) & among
    s, t = score[both], truth[both]
    return {
        "score": name,
        "customers": f"{len(s):,}",
        "rank correlation with the truth": f"{spearmanr(s, t).statistic:.3f}",
        "mean score": f"{s.mean():.4g}",
        "mean truth": f"{t.mean():.4g}",
        "calibration error against the truth": f"{_calibration(s, t):.4g}",
    }


def _calibration(score: np.ndarray, truth: np.ndarray, bins: int = 15) -> float:
    """Return the mean distance of score and truth over bins of equal mass, relative for money."""
    parts = np.array_split(np.argsort(score, kind="stable"), bins)
    gaps = [abs(score[p].mean() - truth[p].mean()) * len(p) for p in parts if len(p)]
    scale = 1.0 if score.max() <= 1 else truth.mean()
    return float(sum(gaps) / len(score) / scale)


def _table(rows: list[dict[str, str]]) -> Iterator[str]:
    names = list(rows[0])
    yield "| " + " | ".join(names) + " |"
    yield "| " + " | ".join("---" for _ in names) + " |"
    for row in rows:
        yield "| " + " | ".join(str(row[n]).replace("\n", "; ") for n in names) + " |"


if __name__ == "__main__":
    main()
