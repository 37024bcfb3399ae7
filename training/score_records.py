"""Score records: a value with its interval, rank, reasons and reliability."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import numpy as np
import orjson
import pyarrow as pa

from training.champions import ScoreChampion
from training.score_parts import DOUBTFUL, FACTORS, column
from training.score_standing import TIERS, Standing


def digits(champion: ScoreChampion) -> int:
    """Return how many decimal places a champion's values are told with."""
    return 6 if champion.sheet.unit == "probability" else 2


def records(
    part: pa.Table, standings: Mapping[ScoreChampion, Standing], currency: str, as_of: datetime
) -> Iterator[tuple[str, str]]:
    """Yield (profile id, JSON text of {model: record}) for the rows of a part with any score."""
    ids = part["profile_id"].to_pylist()
    found: list[dict[str, Any]] = [{} for _ in ids]
    for champion, standing in standings.items():
        asked = part[champion.name].is_valid().to_numpy()
        plain = _plain(champion, standing, part.filter(asked), currency, as_of.isoformat())
        for row, record in zip(np.flatnonzero(asked).tolist(), plain, strict=True):
            found[row][champion.name] = record
    for profile_id, record in zip(ids, found, strict=True):
        if record:
            yield profile_id, orjson.dumps(record).decode()


def _plain(
    champion: ScoreChampion, standing: Standing, part: pa.Table, currency: str, scored_at: str
) -> Iterator[dict[str, Any]]:
    """Yield the records of a part, in the shape of `domain.scores.Score.to_plain`."""
    sheet, values = champion.sheet, part[champion.name].to_numpy()
    probability = sheet.unit == "probability"
    amount, unit = ("probability", "probability") if probability else ("amount", currency)
    columns = zip(
        *(np.round(c, digits(champion)).tolist() for c in (values, *_interval(champion, values))),
        standing.percentiles(values).tolist(),
        part[column(champion, DOUBTFUL)].to_pylist(),
        part[column(champion, FACTORS)].to_pylist(),
        strict=True,
    )
    for value, low, high, percentile, doubtful, factors in columns:
        beyond = champion.recipe.population.beyond if doubtful else ""
        reason = "; ".join(reason for reason in (beyond, sheet.reliability_reason) if reason)
        yield {
            amount: value,
            "unit": unit,
            "interval": [low, high],
            "percentile": percentile,
            "tier": TIERS[percentile - 1],
            "tier_expected": standing.expected[TIERS[percentile - 1]],
            "factors": orjson.Fragment(factors),
            "model_version": champion.version,
            "scored_at": scored_at,
            "reliability": "low" if reason else "high",
            "reliability_reason": reason,
        }


def _interval(champion: ScoreChampion, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the bounds around values (m,); they hold the value itself."""
    intervals = champion.sheet.intervals
    low, high = intervals.bounds(values) if intervals else (values, values)
    return np.minimum(low, values), np.maximum(high, values)
