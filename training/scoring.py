"""Scoring: every customer with every champion, written back to Feast and kept for the release."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import pandas as pd

from domain.errors import NotFound
from domain.settings import Settings
from feature_repo.backends import open_features
from models.protocols import Scorer
from training.champions import ScoreChampion, score_champions
from training.profile_table import write_profiles
from training.rows import build, people_rows
from training.score_records import Scored, records, scored
from training.tracking import Tracker
from training.workshop import Progress, Workshop, open_workshop

EVERYTHING = "clv_v1"  # the feature service with all views
CHUNK = 20_000  # customers predicted and explained at once


@dataclass(frozen=True, slots=True)
class ScoredSummary:
    """What a scoring did."""

    customers: int  # with at least one score
    models: tuple[str, ...]
    as_of: datetime


def score_all(
    settings: Settings,
    as_of: datetime,
    *,
    at: datetime | None = None,
    progress: Progress | None = None,
) -> ScoredSummary:
    """Score everybody known before `as_of` and write the records to the feature store."""
    champions = score_champions(Tracker.open(settings.home))
    if not champions:
        raise NotFound("no model is released yet; run `nextbest train` first")
    with open_workshop(settings, at or datetime.now(UTC), progress) as shop:
        return score_with(shop, champions, as_of)


def score_with(shop: Workshop, champions: list[ScoreChampion], as_of: datetime) -> ScoredSummary:
    """Score everybody with these champions; with none, only the table of profiles is written."""
    build(shop, [as_of])
    frame = people_rows(shop, EVERYTHING, as_of)
    results = []
    for number, champion in enumerate(champions):
        shop.say(f"scoring {champion.name}", 0.6 + 0.2 * number / len(champions))
        results.append(_score(champion, frame, shop.settings.threads))
    shop.say("writing scores", 0.8)
    features = open_features(shop.settings)
    count = features.write_scores(_rows(results, frame, shop.settings.currency, as_of))
    write_profiles(shop, frame, results, as_of)
    return ScoredSummary(count, tuple(c.name for c in champions), as_of)


def _score(champion: ScoreChampion, frame: pd.DataFrame, threads: int) -> Scored:
    asked = np.flatnonzero(champion.asked(frame))
    values = _predict(champion.scorer, frame, asked, threads)
    return scored(champion, frame, asked, values)


def _predict(scorer: Scorer, frame: pd.DataFrame, rows: np.ndarray, threads: int) -> np.ndarray:
    """Return the score of each of these rows; chunks side by side, as models use one thread."""
    chunks = [rows[start : start + CHUNK] for start in range(0, len(rows), CHUNK)]
    with ThreadPoolExecutor(threads) as pool:
        parts = list(pool.map(lambda chunk: scorer.predict(frame.take(chunk)), chunks))
    return np.concatenate(parts) if parts else np.empty(0)


def _rows(
    results: list[Scored], frame: pd.DataFrame, currency: str, as_of: datetime
) -> Iterator[tuple[str, str, datetime]]:
    ids = frame["profile_id"].tolist()
    for start in range(0, len(frame), CHUNK):
        chunk = range(start, min(start + CHUNK, len(frame)))
        for row, text in records(results, frame, chunk, currency, as_of):
            yield ids[row], text, as_of
