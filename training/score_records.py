"""Score records: a value with its interval, rank, reasons and reliability."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import orjson
import pandas as pd
from scipy.stats import rankdata

from domain.scores import tier_of
from training.champions import ScoreChampion
from training.factors import factor_lists

TIERS = [tier_of(percentile) for percentile in range(1, 101)]


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """The result of one champion; arrays (m,) are by `rows`, ascending positions in the frame."""

    champion: ScoreChampion
    rows: np.ndarray
    values: np.ndarray
    low: np.ndarray
    high: np.ndarray
    percentiles: np.ndarray  # 1 to 100 among all scored
    doubtful: np.ndarray  # bool: beyond what the model learned from
    expected: Mapping[str, float]  # tier -> mean value of those in it

    @property
    def tiers(self) -> list[str]:
        """The fifth of each row, E to A."""
        return [TIERS[p - 1] for p in self.percentiles.tolist()]


def scored(
    champion: ScoreChampion, frame: pd.DataFrame, rows: np.ndarray, values: np.ndarray
) -> Scored:
    """Return values (m,) with their intervals and ranks."""
    intervals = champion.sheet.intervals
    low, high = intervals.bounds(values) if intervals else (values, values)
    ranks = percentiles(values)
    return Scored(
        champion,
        rows,
        values,
        np.minimum(low, values),
        np.maximum(high, values),
        ranks,
        champion.doubtful(frame.iloc[rows]),
        expected_of_tiers(values, ranks, _digits(champion.sheet.unit)),
    )


def expected_of_tiers(values: np.ndarray, ranks: np.ndarray, digits: int) -> dict[str, float]:
    """Return the mean of the values (m,) in each tier; ranks (m,) are 1 to 100."""
    tiers = np.asarray(TIERS)[ranks - 1]
    return {str(t): round(float(values[tiers == t].mean()), digits) for t in np.unique(tiers)}


def _digits(unit: str) -> int:
    return 6 if unit == "probability" else 2


def percentiles(values: np.ndarray) -> np.ndarray:
    """Return the rank of each value as 1 to 100; equal values share one, the middle of theirs."""
    ranks = rankdata(values, method="average") / max(len(values), 1)
    return np.asarray(np.clip(np.ceil(ranks * 100), 1, 100), dtype=np.int64)


def records(
    results: list[Scored], frame: pd.DataFrame, chunk: range, currency: str, as_of: datetime
) -> Iterator[tuple[int, str]]:
    """Yield (row, JSON text of {model: record}) for the rows of `chunk` that have any score."""
    of_row: dict[int, dict[str, Any]] = {}
    for result in results:
        start, stop = np.searchsorted(result.rows, [chunk.start, chunk.stop])
        plain = _plain(result, frame, slice(start, stop), currency, as_of.isoformat())
        for row, record in zip(result.rows[start:stop].tolist(), plain, strict=True):
            of_row.setdefault(row, {})[result.champion.name] = record
    for row in sorted(of_row):
        yield row, orjson.dumps(of_row[row]).decode()


def _plain(
    result: Scored, frame: pd.DataFrame, part: slice, currency: str, scored_at: str
) -> Iterator[dict[str, Any]]:
    """Yield the records of a part, in the shape of `domain.scores.Score.to_plain`."""
    sheet, population = result.champion.sheet, result.champion.recipe.population
    probability = sheet.unit == "probability"
    amount, unit = ("probability", "probability") if probability else ("amount", currency)
    digits = _digits(sheet.unit)
    columns = zip(
        *(np.round(c[part], digits).tolist() for c in (result.values, result.low, result.high)),
        result.percentiles[part].tolist(),
        result.doubtful[part].tolist(),
        factor_lists(result.champion.explainer, frame.iloc[result.rows[part]]),
        strict=True,
    )
    for value, low, high, percentile, doubtful, factors in columns:
        reasons = (population.beyond if doubtful else "", sheet.reliability_reason)
        reason = "; ".join(reason for reason in reasons if reason)
        yield {
            amount: value,
            "unit": unit,
            "interval": [low, high],
            "percentile": percentile,
            "tier": TIERS[percentile - 1],
            "tier_expected": result.expected[TIERS[percentile - 1]],
            "factors": factors,
            "model_version": result.champion.version,
            "scored_at": scored_at,
            "reliability": "low" if reason else "high",
            "reliability_reason": reason,
        }
