"""Publishing: all of a training goes into MLflow; what passed its gate becomes a version.

The version becomes the champion where it holds against the one there is (`champion_gate`).
"""

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from training.answers import Answers
from training.bootstrap import Estimate
from training.card import Card
from training.champion_gate import Verdict, judge
from training.gates import Gate
from training.outcome import Outcome
from training.sheet import Sheet
from training.tracking import MODEL_FOLDER, TESTED_FOLDER, Champion, Move, RunRecord, Tracker


@dataclass(frozen=True, slots=True, eq=False)
class Proof:
    """What stays of a test, so that another model can be held against it."""

    answers: Answers
    save: Callable[[Path], None]  # writes the model as it was tested
    retake: Callable[[Champion], Answers] | None  # the champion on the same rows; None: cannot be


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """A finished training of any kind, ready to be written down."""

    sheet: Sheet
    card: Card
    metric: str
    metrics: Mapping[str, Estimate]
    baselines: Mapping[str, Mapping[str, float]]
    gains: Mapping[str, Estimate]
    gate: Gate
    rows: int
    horizon: str
    params: Mapping[str, Any]
    tags: Mapping[str, str]
    save: Callable[[Path], None]  # writes the model
    draw: Callable[[Path], None]  # writes plots, and what explains the model
    proof: Proof | None = None


def publish(tracker: Tracker, trained: Trained, at: datetime) -> Outcome:
    """Log the run, register it if its gate passed, make it champion if it holds, and say so."""
    sheet = trained.sheet
    verdict = _verdict(tracker, trained)
    tags = {**trained.tags, **_tags(trained, verdict)}
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        _stage(trained, verdict, folder)
        run_id = tracker.log(
            RunRecord(sheet.name, at, trained.params, _flat(trained), tags, folder)
        )
    version = tracker.register(sheet.name, run_id, tags) if trained.gate.passed else None
    if version and verdict.promoted:
        tracker.promote(sheet.name, version, Move(at, "training", verdict.reason))
    return Outcome(
        name=sheet.name,
        kind=sheet.kind,
        metric=trained.metric,
        metrics=trained.metrics,
        baselines=trained.baselines,
        gains=trained.gains,
        released=verdict.promoted,
        reason=verdict.reason,
        reliability=sheet.reliability,
        reliability_reason=sheet.reliability_reason,
        horizon=trained.horizon,
        rows=trained.rows,
        run_id=run_id,
        version=version,
        folder=tracker.version(sheet.name, version).folder if version else None,
    )


def _verdict(tracker: Tracker, trained: Trained) -> Verdict:
    """Ask the model's own gate first, then the champion."""
    gate = trained.gate
    if not gate.passed:
        return Verdict(False, gate.reason)
    retake = trained.proof.retake if trained.proof else None
    answers = trained.proof.answers if trained.proof else None
    champion = tracker.champion(trained.sheet.name)
    found = judge(champion, answers, trained.metric, retake, trained.tags)
    return replace(found, reason=f"{gate.reason}; {found.reason}" if found.reason else gate.reason)


def _tags(trained: Trained, verdict: Verdict) -> dict[str, str]:
    answers = trained.proof.answers if trained.proof else None
    return {
        "model": trained.sheet.name,
        "metric": trained.metric,
        "purpose": "training",
        "released": str(verdict.promoted).lower(),
        "verdict": verdict.reason,
        "reliability": trained.sheet.reliability,
        "tested": str(bool(trained.metrics)).lower(),
        "test.fingerprint": answers.fingerprint if answers else "",
        **verdict.tags,
    }


def _stage(trained: Trained, verdict: Verdict, folder: Path) -> None:
    """Write everything that belongs to the run into `folder`."""
    said = ("Released. " if verdict.promoted else "Tracked, not released. ") + verdict.reason
    trained.save(folder / MODEL_FOLDER)
    trained.sheet.write(folder)
    trained.draw(folder)
    trained.card.write(folder, said)
    if trained.proof is not None:
        trained.proof.save(folder / TESTED_FOLDER)
        trained.proof.answers.save(folder)


def _flat(trained: Trained) -> dict[str, float]:
    flat: dict[str, float] = {}
    for name, estimate in trained.metrics.items():
        flat |= {name: estimate.value, f"{name}_low": estimate.low, f"{name}_high": estimate.high}
    for baseline, values in trained.baselines.items():
        flat |= {f"baseline/{baseline}/{name}": value for name, value in values.items()}
    for baseline, gain in trained.gains.items():
        flat |= {f"gain/{baseline}": gain.value, f"gain/{baseline}_low": gain.low}
    return flat
