"""A part of a scoring: one range of profiles with every champion, in a file of its own."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import uuid4

import numpy as np
import orjson
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from feature_repo.built import Span, features_of
from training.champions import ScoreChampion
from training.factors import factor_lists

DOUBTFUL, FACTORS = "doubtful", "factors"


@dataclass(frozen=True, slots=True)
class PartWork:
    """All that it takes to score any part; `home` and `folder` are reached by every worker."""

    home: Path
    folder: Path
    as_of: datetime
    champions: list[ScoreChampion]


def part_file(folder: Path, span: Span) -> Path:
    """Return where a part is kept once it is whole."""
    return folder / f"part-{span.number:05d}.parquet"


def column(champion: ScoreChampion, what: str) -> str:
    """Return the name of a champion's further column."""
    return f"{champion.name}/{what}"


def score_part(work: PartWork, span: Span) -> None:
    """Score the profiles of a range, and put the file in place by rename.

    Per champion: the value, whether it is doubtful, the factors as JSON; empty where not asked.
    """
    frame = features_of(work.home, work.as_of, span)
    columns: dict[str, pa.Array] = {"profile_id": pa.array(frame["profile_id"], pa.string())}
    for champion in work.champions:
        columns |= _columns(champion, frame)
    target = part_file(work.folder, span)
    scratch = target.with_suffix(f".{uuid4().hex}.writing")
    pq.write_table(pa.table(columns), scratch, compression="zstd")
    scratch.replace(target)


def _columns(champion: ScoreChampion, frame: pd.DataFrame) -> dict[str, pa.Array]:
    asked = np.asarray(champion.asked(frame), dtype=bool)
    rows = frame[asked]
    values, doubtful = np.zeros(len(frame)), np.zeros(len(frame), dtype=bool)
    factors = np.empty(len(frame), dtype=object)
    if len(rows):
        values[asked] = champion.scorer.predict(rows)
        doubtful[asked] = champion.doubtful(rows)
        factors[asked] = [
            orjson.dumps(found).decode() for found in factor_lists(champion.explainer, rows)
        ]
    return {
        champion.name: pa.array(values, pa.float64(), mask=~asked),
        column(champion, DOUBTFUL): pa.array(doubtful, pa.bool_(), mask=~asked),
        column(champion, FACTORS): pa.array(factors, pa.string(), mask=~asked),
    }
