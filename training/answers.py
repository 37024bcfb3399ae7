"""Answers of a model on the rows held out, kept so that runs can be compared on the same ones."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from training.bootstrap import Estimate, Sample
from training.metrics import METRICS, METRICS_OF_UNIT, Metric
from training.ranking_test import RANKING

FILE = "answers.npz"
ORDER = "order"  # the unit of recommenders
_SCORE = "score"
_DIGITS = 4  # of an outcome in the fingerprint: sums of money may end otherwise


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """Answers (n,) on rows that name nobody; equal fingerprints mean the same rows in one order.

    A scorer has one answer for all metrics, a recommender the result of each customer per metric.
    """

    unit: str  # probability | amount | order
    fingerprint: str
    y: np.ndarray  # outcomes (n,)
    group: np.ndarray  # (n,) int: rows of one customer share a number
    given: Mapping[str, np.ndarray]

    @classmethod
    def of_scores(
        cls, unit: str, y: np.ndarray, customers: np.ndarray, score: np.ndarray, about: object
    ) -> "Answers":
        """Return the answers of a score; `about` says what was asked: cut-off and horizon."""
        group = np.unique(customers, return_inverse=True)[1]
        rows = zip(customers.tolist(), np.round(y, _DIGITS).tolist(), strict=True)
        return cls(unit, _digest([about, *rows]), y, group, {_SCORE: score})

    @classmethod
    def of_ranking(cls, rows: Sequence[object], given: Mapping[str, np.ndarray]) -> "Answers":
        """Return the results of a recommender; `rows` says who took what, and what was asked."""
        count = max(map(len, given.values()))
        return cls(ORDER, _digest(rows), np.zeros(count), np.arange(count), given)

    @property
    def customers(self) -> int:
        """How many customers were asked about."""
        return len(np.unique(self.group))

    @property
    def metrics(self) -> dict[str, Metric]:
        """What the answers are measured by, by name."""
        if self.unit == ORDER:
            return {name: RANKING[name.split("@")[0]] for name in self.given}
        return {name: METRICS[name] for name in METRICS_OF_UNIT[self.unit]}

    def of(self, metric: str) -> float:
        """Return a metric's value."""
        return self.metrics[metric].of(self._sample(metric).y, self._answer(metric))

    def gain(self, metric: str, other: "Answers", seed: int = 0) -> Estimate:
        """Return how much better this one is than the other (above 0), on the same draws."""
        sample = self._sample(metric, seed)
        return sample.gain(self.metrics[metric], self._answer(metric), other._answer(metric))

    def distance(self, other: "Answers") -> float:
        """Return the greatest difference between two answers to the same rows."""
        gaps = [np.abs(self.given[n] - other.given[n]).max(initial=0.0) for n in self.given]
        return float(max(gaps))

    def save(self, folder: Path) -> None:
        """Write `answers.npz` into `folder`."""
        arrays: dict[str, Any] = {f"answer/{name}": found for name, found in self.given.items()}
        arrays |= {"unit": np.array(self.unit), "fingerprint": np.array(self.fingerprint)}
        np.savez_compressed(folder / FILE, y=self.y, group=self.group, **arrays)

    @classmethod
    def load(cls, folder: Path) -> "Answers | None":
        """Read the answers of a run's artefacts; None where the run was not tested."""
        if not (folder / FILE).exists():
            return None
        with np.load(folder / FILE, allow_pickle=False) as kept:
            found = {n.split("/", 1)[1]: kept[n] for n in kept.files if n.startswith("answer/")}
            unit, fingerprint = str(kept["unit"]), str(kept["fingerprint"])
            return cls(unit, fingerprint, kept["y"], kept["group"], found)

    def _answer(self, metric: str) -> np.ndarray:
        return self.given[metric if self.unit == ORDER else _SCORE]

    def _sample(self, metric: str, seed: int = 0) -> Sample:
        if self.unit != ORDER:
            return Sample(self.y, self.group, seed)
        count = len(self._answer(metric))  # some metrics are of a part of the customers
        return Sample(np.zeros(count), np.arange(count), seed)


def _digest(rows: Sequence[object]) -> str:
    return hashlib.sha256(repr(list(rows)).encode()).hexdigest()[:16]
