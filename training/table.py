"""Learn a score from any plain table, such as leads exported from a CRM, with card and gate."""

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd

from domain.errors import InvalidInput, NotFound
from domain.settings import Settings
from models.baselines import MeanScorer
from models.protocols import Scorer
from training.bootstrap import Estimate, Sample
from training.card import Card
from training.floor import MIN_OUTCOMES
from training.gates import Gate, decide, untested
from training.intervals import learn_intervals
from training.leaks import Leak, find_leaks
from training.metrics import METRICS, METRICS_OF_UNIT
from training.outcome import Outcome
from training.plots import draw_importance, draw_lift, draw_reliability, reliability_table
from training.publishing import Trained, publish
from training.sheet import Sheet
from training.table_columns import Prepared, prepare
from training.table_learning import Learned, learn
from training.table_test import Tested, tested_table
from training.tracking import Tracker

PROBABILITY, METRIC, RELIABLE_OUTCOMES = "probability", "log_loss", 500


@dataclass(frozen=True, slots=True)
class TableAsked:
    """What to learn; `keep` overrules the leak check, `leave_out` goes before it."""

    file: Path
    target: str
    time: str = ""
    name: str = ""
    keep: Collection[str] = ()
    leave_out: Collection[str] = ()

    @property
    def model(self) -> str:
        """The name of the model."""
        return self.name or f"{self.file.stem}_{self.target}".lower().replace(" ", "_")


def read_table(file: Path) -> pd.DataFrame:
    """Read a CSV (comma, semicolon or tab) or Parquet file."""
    if not file.is_file():
        raise NotFound(f"no table at {file}; give a CSV or Parquet file")
    try:
        if file.suffix.lower() in (".parquet", ".pq"):
            return pd.read_parquet(file)
        return pd.read_csv(file, sep=None, engine="python")
    except (ValueError, OSError, pd.errors.ParserError) as wrong:
        raise InvalidInput(f"{file} cannot be read as a table: {wrong}") from wrong


def screened(asked: TableAsked, frame: pd.DataFrame, seed: int, at: datetime) -> "Screened":
    """Return the prepared table without what leaks, and the leaks that were found."""
    for name in (*asked.keep, *asked.leave_out):
        if name not in frame.columns:
            raise InvalidInput(f"{name!r} is no column of {asked.file.name}", field=name)
    table = prepare(frame.drop(columns=list(asked.leave_out)), asked.target, asked.time, at)
    leaks = find_leaks(table.X, table.y, seed)
    out = [leak.column for leak in leaks if leak.sure and leak.column not in asked.keep]
    if len(out) == table.X.shape[1]:
        raise InvalidInput(
            f"every column seems to know the outcome ({', '.join(out)}); name those that were "
            "known before it with --keep"
        )
    return Screened(
        Prepared(table.X.drop(columns=out), table.y, table.who, table.when, table.said), leaks, out
    )


@dataclass(frozen=True, slots=True)
class Screened:
    """A prepared table, the leaks found in it, and the columns that were left out for it."""

    table: Prepared
    leaks: list[Leak]
    left_out: list[str]

    def sentences(self) -> list[str]:
        """Say what was found and what was done."""
        said = []
        for leak in self.leaks:
            done = "left out" if leak.column in self.left_out else "kept; look at it"
            said.append(f"{leak.column!r} seems to know the outcome: {leak.reason} ({done})")
        return [*self.table.said, *said]


def train_table(asked: TableAsked, settings: Settings, at: datetime) -> tuple[Outcome, list[str]]:
    """Learn from a plain table and release what passes; return also what was found and done."""
    frame = read_table(asked.file)
    found = screened(asked, frame, settings.seed, at)
    table = found.table
    rarer = int(min(table.y.sum(), len(table.y) - table.y.sum()))
    tracker = Tracker.open(settings.home)
    if rarer < MIN_OUTCOMES:
        trained = _base_rate(asked, found, rarer, at)
    else:
        tested = tested_table(table, settings.seed, settings.threads)
        learned = learn(table.X, table.y, table.who, settings.seed, settings.threads)
        trained = _trained(asked, found, tested, learned, rarer, settings.seed, at)
    return publish(tracker, trained, at), found.sentences()


def _base_rate(asked: TableAsked, found: Screened, rarer: int, at: datetime) -> Trained:
    table = found.table
    doubt = f"a shrunk base rate: {rarer} rows of the rarer outcome, a model needs {MIN_OUTCOMES}"
    twice = pd.concat([table.X, table.X.head(1), table.X.head(1)])
    scorer = MeanScorer().fit(twice, np.append(table.y, [0.0, 1.0]))
    return _written(asked, found, scorer, "base_rate", doubt, untested(doubt), at)


def _trained(
    asked: TableAsked, found: Screened, tested: Tested, learned: Learned, rarer: int, seed: int,
    at: datetime,
) -> Trained:  # fmt: skip
    sample = Sample(tested.y, tested.who, seed)
    ours = tested.scores["ours"]
    others = {name: score for name, score in tested.scores.items() if name != "ours"}
    names = METRICS_OF_UNIT[PROBABILITY]
    metrics = {name: sample.estimate(METRICS[name], ours) for name in names}
    gains = {"base rate": sample.gain(METRICS[METRIC], ours, others["base rate"])}
    doubt = "" if rarer >= RELIABLE_OUTCOMES else (
        f"{rarer} rows of the rarer outcome; {RELIABLE_OUTCOMES} make a reliable model"
    )  # fmt: skip
    baselines = {n: {m: METRICS[m].of(tested.y, s) for m in names} for n, s in others.items()}
    gate = decide(METRIC, metrics[METRIC], gains)
    return _written(
        asked, found, learned.scorer, learned.name, doubt, gate, at,
        metrics=metrics, baselines=baselines, gains=gains, tested=tested, trials=learned.trials,
    )  # fmt: skip


def _written(
    asked: TableAsked, found: Screened, scorer: Scorer, kind: str, doubt: str, gate: Gate,
    at: datetime, *, metrics: Mapping[str, Estimate] | None = None,
    baselines: Mapping[str, Mapping[str, float]] | None = None,
    gains: Mapping[str, Estimate] | None = None, tested: Tested | None = None,
    trials: Mapping[str, float] | None = None,
) -> Trained:  # fmt: skip
    """Return everything that publishing writes down."""
    table, metrics = found.table, metrics or {}
    importance = dict(getattr(scorer, "importance", dict)()) if kind not in ("lines",) else {}
    fingerprint = hashlib.sha256(asked.file.read_bytes()).hexdigest()[:16]
    split = f"Tested on {tested.how}" if tested else "Not tested"
    reliability = reliability_table(tested.y, tested.scores["ours"]) if tested else ()
    card = Card(
        name=asked.model, question=f"Will {asked.target!r} happen?",
        about={
            "score": "probability", "model": kind, "rows": str(len(table.y)),
            "happened": f"{table.y.mean():.2%}", "columns": ", ".join(table.X.columns),
            "reliability": f"low: {doubt}" if doubt else "high",
            "trained at": f"{at:%Y-%m-%d %H:%M} UTC",
        },
        window=None, data=f"{asked.file.name}, fingerprint `{fingerprint}`.", split=split,
        metrics=metrics, baselines=baselines or {}, trials=trials or {}, reliability=reliability,
        importance=importance, done=found.sentences(),
        limits=[
            "Rows are taken as they stand: a column filled in after the outcome that the check "
            "does not find makes every figure too good.",
            "Without --time rows are split at random, which flatters where habits change.",
        ],
    )  # fmt: skip
    sheet = Sheet(
        name=asked.model, recipe="table", kind=kind, unit=PROBABILITY, horizon_days=0,
        trained_at=at.isoformat(), reliability="low" if doubt else "high",
        reliability_reason=doubt, metrics={n: e.value for n, e in metrics.items()},
        intervals=learn_intervals(PROBABILITY, table.y, scorer.predict(table.X)),
    )  # fmt: skip
    return Trained(
        sheet=sheet, card=card, metric=METRIC if metrics else "", metrics=metrics,
        baselines=baselines or {}, gains=gains or {}, gate=gate, rows=len(table.y),
        horizon="of the table", params={"target": asked.target, "time": asked.time},
        tags={"data.fingerprint": fingerprint, "recipe": "table"}, save=scorer.save,
        draw=lambda folder: _draw(folder, tested, importance),
    )  # fmt: skip


def _draw(folder: Path, tested: Tested | None, importance: Mapping[str, float]) -> None:
    plots = folder / "plots"
    plots.mkdir()
    if tested is not None:
        draw_reliability(tested.y, tested.scores["ours"], plots / "reliability.png")
        shown = {n: s for n, s in tested.scores.items() if n != "base rate"}
        draw_lift(tested.y, shown, plots / "lift.png")
    if importance:
        draw_importance(importance, plots / "importance.png")
