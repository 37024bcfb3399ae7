"""Publishing: all of a training goes into MLflow; what passed the gate becomes the champion."""

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from training.bootstrap import Estimate
from training.card import Card
from training.gates import Gate
from training.outcome import Outcome
from training.sheet import Sheet
from training.tracking import MODEL_FOLDER, RunRecord, Tracker


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


def publish(tracker: Tracker, trained: Trained, at: datetime) -> Outcome:
    """Log the run, register and alias it if its gate passed, and say what happened."""
    gate = _kept_by_a_better(tracker, trained)
    sheet = trained.sheet
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        _stage(trained, gate, folder)
        tags = {
            **trained.tags,
            "released": str(gate.passed).lower(),
            "reliability": sheet.reliability,
            "tested": str(bool(trained.metrics)).lower(),
        }
        record = RunRecord(sheet.name, at, trained.params, _flat(trained), tags, folder)
        run_id = tracker.log(record)
    version = tracker.register(sheet.name, run_id, tags) if gate.passed else None
    champion = tracker.champion(sheet.name) if gate.passed else None
    return Outcome(
        name=sheet.name,
        kind=sheet.kind,
        metric=trained.metric,
        metrics=trained.metrics,
        baselines=trained.baselines,
        gains=trained.gains,
        released=gate.passed,
        reason=gate.reason,
        reliability=sheet.reliability,
        reliability_reason=sheet.reliability_reason,
        horizon=trained.horizon,
        rows=trained.rows,
        run_id=run_id,
        version=version,
        folder=champion.folder if champion else None,
    )


def _stage(trained: Trained, gate: Gate, folder: Path) -> None:
    """Write everything that belongs to the run into `folder`."""
    verdict = ("Released. " if gate.passed else "Tracked, not released. ") + gate.reason
    trained.save(folder / MODEL_FOLDER)
    trained.sheet.write(folder)
    trained.draw(folder)
    trained.card.write(folder, verdict)


def _kept_by_a_better(tracker: Tracker, trained: Trained) -> Gate:
    """Refuse what could not be tested where a tested champion stands."""
    if not trained.gate.passed or trained.metrics:
        return trained.gate
    champion = tracker.champion(trained.sheet.name)
    if champion is None or champion.tags.get("tested") != "true":
        return trained.gate
    return Gate(False, f"{trained.gate.reason}; the tested version {champion.version} stays")


def _flat(trained: Trained) -> dict[str, float]:
    flat: dict[str, float] = {}
    for name, estimate in trained.metrics.items():
        flat |= {name: estimate.value, f"{name}_low": estimate.low, f"{name}_high": estimate.high}
    for baseline, values in trained.baselines.items():
        flat |= {f"baseline/{baseline}/{name}": value for name, value in values.items()}
    for baseline, gain in trained.gains.items():
        flat |= {f"gain/{baseline}": gain.value, f"gain/{baseline}_low": gain.low}
    return flat
