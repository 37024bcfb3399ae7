"""A scoring under way: its parts lie under `<home>/scoring`, so that the next one can go on."""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

from feature_repo.build_shards import BuildWork, build_shard, join_shards
from feature_repo.built import Span, spans
from feature_repo.turns import turn_at
from training.champions import ScoreChampion
from training.engines import Engine
from training.rows import build
from training.score_parts import PartWork, part_file
from training.workshop import Workshop

FOLDER, PLAN = "scoring", "plan.json"
BUILDING = "building"  # under the home folder, while shards are built
CUSTOMERS = 20_000  # of a part
LATE = timedelta(hours=6)  # after which one that was cut off is begun anew


@dataclass(frozen=True, slots=True)
class ScoreJob:
    """Who is scored with what; a part whose file is there is done."""

    work: PartWork
    spans: Sequence[Span]

    @property
    def missing(self) -> list[Span]:
        """The parts still to be scored."""
        return [span for span in self.spans if not part_file(self.work.folder, span).exists()]

    @property
    def files(self) -> list[Path]:
        """The files of all parts, by profile."""
        return [part_file(self.work.folder, span) for span in self.spans]


@contextmanager
def open_job(
    shop: Workshop,
    champions: list[ScoreChampion],
    as_of: datetime,
    engine: Engine,
    customers: int = CUSTOMERS,
) -> Iterator[ScoreJob]:
    """Go on with what was cut off, or build the features and begin; one process at a time.

    The same data and champions, no longer ago than LATE: then `as_of` is that of the beginning.
    Its files are removed when all went well.
    """
    home = shop.settings.home
    folder = home / FOLDER
    with turn_at(home / f"{FOLDER}.lock"):
        same = {
            "fingerprint": shop.window.fingerprint,
            "versions": {champion.name: champion.version for champion in champions},
            "customers": customers,
        }
        job = _begun(folder, same, home, champions, as_of)
        if job is None:
            shutil.rmtree(folder, ignore_errors=True)
            _build(shop, as_of, engine)
            job = ScoreJob(PartWork(home, folder, as_of, champions), spans(home, as_of, customers))
            _write_plan(job, same)
        yield job
        shutil.rmtree(folder)


def _build(shop: Workshop, as_of: datetime, engine: Engine) -> None:
    """Build the features as of then: in this process, or a shard per worker of the engine."""
    if engine.workers == 1 or as_of in shop.built:
        build(shop, [as_of])
        return
    home, limit = shop.settings.home, shop.settings.memory_limit
    folder = home / BUILDING
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    work = BuildWork(home, folder, as_of, shop.at, limit, engine.workers)
    shop.say(f"features as of {as_of:%Y-%m-%d} in {engine.workers} shards", 0.0)
    for done in engine.each(build_shard, work, range(engine.workers)):
        shop.say(f"features as of {as_of:%Y-%m-%d}", 0.6 * done / engine.workers)
    join_shards(work)
    shop.built.add(as_of)
    shutil.rmtree(folder)


def _begun(
    folder: Path, same: dict[str, Any], home: Path, champions: list[ScoreChampion], as_of: datetime
) -> ScoreJob | None:
    """Return the job that was cut off, if it still serves."""
    if not (folder / PLAN).exists():
        return None
    plan = orjson.loads((folder / PLAN).read_bytes())
    begun = datetime.fromisoformat(plan["as_of"])
    if plan["same"] != same or not timedelta(0) <= as_of - begun <= LATE:
        return None
    for scratch in folder.glob("*.writing"):
        scratch.unlink()
    work = PartWork(home, folder, begun, champions)
    return ScoreJob(work, [Span(**span) for span in plan["spans"]])


def _write_plan(job: ScoreJob, same: dict[str, Any]) -> None:
    folder = job.work.folder
    folder.mkdir(parents=True)
    plan = {
        "as_of": job.work.as_of.isoformat(),
        "same": same,
        "spans": [asdict(span) for span in job.spans],
    }
    scratch = folder / f"{PLAN}.writing"
    scratch.write_bytes(orjson.dumps(plan))
    scratch.replace(folder / PLAN)
