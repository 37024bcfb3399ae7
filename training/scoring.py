"""Scoring: every customer with every champion, written back to Feast and kept for the release.

Two passes. The first scores one part of the customers after the other, on any engine; the second
goes through the parts in order, when all values are there to rank each among them.
"""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import pyarrow.parquet as pq

from domain.errors import NotFound
from domain.settings import Settings
from feature_repo.backends import open_features
from training.champions import ScoreChampion, score_champions
from training.engines import EMBEDDED, Engine, open_engine
from training.profile_table import write_profiles
from training.score_job import CUSTOMERS, ScoreJob, open_job
from training.score_parts import score_part
from training.score_records import digits, records
from training.score_standing import Standing
from training.tracking import Tracker
from training.workshop import Progress, Workshop, open_workshop

Standings = dict[ScoreChampion, Standing]


@dataclass(frozen=True, slots=True)
class ScoredSummary:
    """What a scoring did."""

    customers: int  # with at least one score
    models: tuple[str, ...]
    as_of: datetime
    before: int = 0  # parts that were there already, of a scoring that was cut off

    def summary(self) -> str:
        """Return it as a sentence."""
        names = ", ".join(self.models)
        begun = f"; {self.before} parts were there, as of {self.as_of:%Y-%m-%d %H:%M}"
        return f"{self.customers:,} customers scored with {names}" + (begun if self.before else "")


def score_all(
    settings: Settings,
    as_of: datetime,
    *,
    at: datetime | None = None,
    progress: Progress | None = None,
    engine: str = EMBEDDED,
    part: int = CUSTOMERS,
) -> ScoredSummary:
    """Score everybody known before `as_of` and write the records to the feature store.

    One that was cut off is gone on with; `part` is how many customers are scored at once.
    """
    champions = score_champions(Tracker.open(settings.home))
    if not champions:
        raise NotFound("no model is released yet; run `nextbest train` first")
    with open_workshop(settings, at or datetime.now(UTC), progress) as shop:
        return score_with(shop, champions, as_of, engine, part)


def score_with(
    shop: Workshop,
    champions: list[ScoreChampion],
    as_of: datetime,
    engine: str = EMBEDDED,
    part: int = CUSTOMERS,
) -> ScoredSummary:
    """Score everybody with these champions; with none, only the table of profiles is written."""
    with (
        open_engine(engine, shop.settings.threads) as running,
        open_job(shop, champions, as_of, running, part) as job,
    ):
        before = len(job.spans) - len(job.missing)
        _score_parts(shop, running, job)
        standings = {champion: _standing(job, champion) for champion in champions}
        shop.say("writing scores", 0.8)
        with closing(open_features(shop.settings)) as features:
            count = features.write_scores(_rows(job, standings, shop.settings.currency))
        write_profiles(shop, job, standings)
        names = tuple(champion.name for champion in champions)
        return ScoredSummary(count, names, job.work.as_of, before)


def _score_parts(shop: Workshop, engine: Engine, job: ScoreJob) -> None:
    missing, names = job.missing, ", ".join(c.name for c in job.work.champions)
    shop.say(f"scoring {names}", 0.6)
    for done in engine.each(score_part, job.work, missing):
        shop.say(f"scoring {names}", 0.6 + 0.2 * done / len(missing))


def _standing(job: ScoreJob, champion: ScoreChampion) -> Standing:
    """Rank the values of all parts: eight bytes each are all that is held of a customer."""
    found = [pq.read_table(f, columns=[champion.name])[champion.name] for f in job.files]
    values = [column.drop_null().to_numpy() for column in found]
    return Standing.of(np.concatenate([np.empty(0), *values]), digits(champion))


def _rows(
    job: ScoreJob, standings: Standings, currency: str
) -> Iterator[tuple[str, str, datetime]]:
    as_of = job.work.as_of
    for file in job.files:
        for profile_id, text in records(pq.read_table(file), standings, currency, as_of):
            yield profile_id, text, as_of
