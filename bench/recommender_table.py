"""One row per model: accuracy with intervals, what it shows, what it costs."""

import resource
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from recommender_data import Split

from models.history import History
from models.interactions import Interactions
from models.list_quality import best_positions, quality_by_user
from training.bootstrap import Estimate, Sample
from training.metrics import Metric, weighted_mean

K = 20
BATCH = 256
ASKED_ALONE = 150  # single recommendations whose median is the time per recommendation
MEAN = Metric("mean", lambda _, score, weights: weighted_mean(score, weights), True, "mean by user")


class Contender(Protocol):
    """A model in the table: ours, or a peer behind the same three calls."""

    chosen: str  # the settings in words, and where they come from

    def fit(self, train: Interactions, cut: Split | None) -> None:
        """Learn; `cut` is a validation cut of the same data, to choose settings by."""
        ...

    def scores(self, users: np.ndarray, histories: Sequence[History]) -> np.ndarray:
        """Return (users, items) scores; `users` are codes of train."""
        ...

    def recommend(self, user: int, history: History) -> object:
        """Answer one user with K items that are new to them."""
        ...


@dataclass(frozen=True, eq=False)
class Quality:
    """Results of each asked user (t,), and what all lists together showed."""

    by_user: dict[str, np.ndarray]
    coverage: float
    novelty: float


@dataclass(frozen=True, eq=False)
class Row:
    """What the table says of one model; seconds, and GiB of the whole process at its peak."""

    name: str
    quality: Quality
    choosing_seconds: float
    fit_seconds: float
    peak_gib: float
    milliseconds: float
    chosen: str


def measure(name: str, model: Contender, split: Split, cut: Split | None) -> Row:
    """Fit a model and ask it for every user of the test."""
    forget_peak()
    start = time.perf_counter()
    model.fit(split.train, cut)
    seconds = time.perf_counter() - start
    choosing = float(getattr(model, "choosing_seconds", 0.0))
    seconds += float(getattr(model, "spared_seconds", 0.0))
    quality = evaluate(model, split)
    peak = peak_gib()
    alone = _alone(model, split)
    return Row(name, quality, choosing, seconds - choosing, peak, alone, model.chosen)


def evaluate(model: Contender, split: Split) -> Quality:
    """Rank the whole catalogue for each user, without what they had before."""
    found: dict[str, list[np.ndarray]] = {}
    shown = np.zeros(len(split.train.item_ids), dtype=np.int64)
    for start in range(0, len(split.users), BATCH):
        rows = slice(start, start + BATCH)
        scores = np.array(model.scores(split.users[rows], split.histories[rows]), dtype=np.float32)
        scores[np.isnan(scores)] = -np.inf
        seen = split.seen[rows].tocoo()
        scores[seen.row, seen.col] = -np.inf
        top = best_positions(scores, K)  # (b, K)
        real = np.isfinite(np.take_along_axis(scores, top, axis=1))
        taken = split.targets[rows].toarray() > 0
        hits = np.take_along_axis(taken, top, axis=1) & real
        np.add.at(shown, top[real], 1)
        for metric, values in quality_by_user(hits, split.wanted[rows], (10, 20)).items():
            found.setdefault(metric, []).append(values)
    return Quality(
        {metric: np.concatenate(values) for metric, values in found.items()},
        float((shown > 0).mean()),
        _novelty(shown, split.train),
    )


def table(rows: Sequence[Row], metrics: Sequence[str], seed: int) -> list[str]:
    """Return the Markdown lines; intervals hold 90 % of 500 draws of users."""
    heads = ["model", *metrics, "coverage", "novelty, bits", "choosing", "fit", "peak", "one list"]
    lines = ["| " + " | ".join(heads) + " |", "| " + " | ".join("---" for _ in heads) + " |"]
    for row in rows:
        means = [_said(estimate(row.quality.by_user[metric], seed)) for metric in metrics]
        costs = [
            f"{row.quality.coverage:.1%}",
            f"{row.quality.novelty:.2f}",
            f"{row.choosing_seconds:.0f} s" if row.choosing_seconds else "-",
            f"{row.fit_seconds:.1f} s",
            f"{row.peak_gib:.2f} GiB",
            f"{row.milliseconds:.2f} ms",
        ]
        lines.append("| " + " | ".join([row.name, *means, *costs]) + " |")
    return lines


def gains(rows: Sequence[Row], metric: str, seed: int) -> list[str]:
    """Return how much better the best row is than each other one, by the same draws of users."""
    first = max(rows, key=lambda row: row.quality.by_user[metric].mean())
    count = len(first.quality.by_user[metric])
    sample = Sample(np.zeros(count), np.arange(count), seed)
    lines = []
    for row in rows:
        if row is not first:
            gain = sample.gain(MEAN, first.quality.by_user[metric], row.quality.by_user[metric])
            lines.append(f"- {first.name} over {row.name}: {_said(gain)}")
    return lines


def estimate(values: np.ndarray, seed: int) -> Estimate:
    """Return the mean over users with its interval."""
    return Sample(np.zeros(len(values)), np.arange(len(values)), seed).estimate(MEAN, values)


def forget_peak() -> None:
    """Let the peak of this process's memory start anew, where the system can (Linux)."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return


def peak_gib() -> float:
    """Return the peak of this process's memory since `forget_peak`, else since its start."""
    try:
        status = Path("/proc/self/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) / 2**20
    except (OSError, IndexError):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def _alone(model: Contender, split: Split) -> float:
    rows = np.linspace(0, len(split.users) - 1, min(ASKED_ALONE, len(split.users))).astype(int)
    spent = []
    for row in rows:
        start = time.perf_counter()
        model.recommend(int(split.users[row]), split.histories[row])
        spent.append(time.perf_counter() - start)
    return float(np.median(spent) * 1e3)


def _novelty(shown: np.ndarray, train: Interactions) -> float:
    """Return the mean of -log2(share of users that had the item) over all that was shown."""
    matrix = train.matrix()
    had = np.bincount(matrix.indices, minlength=matrix.shape[1]) / matrix.shape[0]
    return float((shown * -np.log2(np.maximum(had, 1e-12))).sum() / max(shown.sum(), 1))


def _said(estimate: Estimate) -> str:
    return f"{estimate.value:.4f} [{estimate.low:.4f}, {estimate.high:.4f}]"
