"""Matured scores: what was said of customers, whose time has passed since, and what came of it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from training.champions import ScoreChampion
from training.label_windows import label_windows
from training.workshop import Workshop

_WHEN = """
    SELECT max(event_timestamp) FROM read_parquet('{files}')
    WHERE event_timestamp <= ? AND json_exists(records, ?)"""
_SAID = """
    SELECT profile_id, coalesce(r ->> '$.probability', r ->> '$.amount')::DOUBLE AS said,
           r ->> '$.model_version' AS version, r ->> '$.reliability_reason' AS reason
    FROM (SELECT profile_id, json_extract(records, ?) AS r, created_timestamp
          FROM read_parquet('{files}') WHERE event_timestamp = ? AND json_exists(records, ?))
    QUALIFY row_number() OVER (PARTITION BY profile_id ORDER BY created_timestamp DESC) = 1
    ORDER BY profile_id"""


@dataclass(frozen=True, slots=True, eq=False)
class Matured:
    """Score and outcome y of those scored at one time, each (n,), and who they are."""

    version: str
    scored_at: datetime
    score: np.ndarray
    y: np.ndarray
    customers: np.ndarray


def matured_scores(shop: Workshop, champion: ScoreChampion) -> Matured | None:
    """Return the newest scores of this model whose horizon is over; None where there are none.

    Left out are those who were beyond what the model had learned from.
    """
    folder = shop.settings.home / "offline" / "scores"
    if not any(folder.glob("*.parquet")):
        return None
    files, path = str(folder / "*.parquet").replace("'", "''"), f"$.{champion.name}"
    until = shop.window.end - timedelta(days=champion.sheet.horizon_days)
    row = shop.db.execute(_WHEN.format(files=files), [until, path]).fetchone()
    if row is None or row[0] is None:
        return None
    scored_at: datetime = row[0]
    said = shop.db.execute(_SAID.format(files=files), [path, scored_at, path]).df()
    beyond = champion.recipe.population.beyond
    if beyond:
        said = said[~said["reason"].str.contains(beyond, regex=False)]
    came = label_windows(shop.db, [scored_at], champion.sheet.horizon_days)
    both = said.merge(came, on="profile_id", how="inner")
    return Matured(
        version=", ".join(sorted(said["version"].unique())),
        scored_at=scored_at,
        score=both["said"].to_numpy(dtype=np.float64),
        y=champion.recipe.label.of(both),
        customers=both["profile_id"].to_numpy(dtype=np.str_),
    )
