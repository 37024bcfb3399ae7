"""The report of a model of a plain table: its sheet, its card, its plots, what MLflow keeps."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
import pandas as pd

from models.baselines import MeanScorer
from models.protocols import Scorer
from training.answers import Answers
from training.bootstrap import Sample
from training.card import PLOTS, Card
from training.checks import MIN_OUTCOMES, Check
from training.effects import Effect, partial_effects, widest
from training.examination import MODEL, Examination, draw_plots, examine
from training.gates import Gate, decide, untested
from training.intervals import learn_intervals
from training.lineage import code_tags
from training.metrics import METRICS, METRICS_OF_UNIT
from training.publishing import Proof, Trained
from training.score_test import Evaluation
from training.sheet import Sheet
from training.slices import groups_of_table
from training.table_asked import Screened, TableAsked
from training.table_learning import Learned
from training.table_test import OURS, RATE, Tested

PROBABILITY, METRIC = "probability", "log_loss"
_LIMITS = (
    "Rows are taken as they stand: a column filled in after the outcome that the check does not "
    "find makes every figure too good.",
    "Without --time rows are split at random, which flatters where habits change.",
)


@dataclass(frozen=True, slots=True, eq=False)
class TableModel:
    """What was learned from a table; without a test it is a base rate."""

    scorer: Scorer
    kind: str
    doubt: str
    gate: Gate
    checks: Sequence[Check]
    tested: Tested | None = None
    evaluation: Evaluation | None = None
    trials: Mapping[str, float] = field(default_factory=dict)


def base_rate(found: Screened, checks: Sequence[Check]) -> TableModel:
    """Return the rate of all rows, shrunk by one success and one failure (Laplace)."""
    table = found.table
    rarer = int(min(table.y.sum(), len(table.y) - table.y.sum()))
    doubt = f"a shrunk base rate: {rarer} rows of the rarer outcome, a model needs {MIN_OUTCOMES}"
    twice = pd.concat([table.X, table.X.head(1), table.X.head(1)])
    scorer = MeanScorer().fit(twice, np.append(table.y, [0.0, 1.0]))
    return TableModel(scorer, "base_rate", doubt, untested(doubt), checks)


def learned_model(
    learned: Learned, tested: Tested, checks: Sequence[Check], seed: int
) -> TableModel:
    """Return a learned model with its test; the gate asks whether it beats the base rate."""
    sample, names = Sample(tested.y, tested.who, seed), METRICS_OF_UNIT[PROBABILITY]
    ours = tested.scores[OURS]
    others = {name: score for name, score in tested.scores.items() if name != OURS}
    metrics = {name: sample.estimate(METRICS[name], ours) for name in names}
    gains = {RATE: sample.gain(METRICS[METRIC], ours, others[RATE])}
    baselines = {n: {m: METRICS[m].of(tested.y, s) for m in names} for n, s in others.items()}
    gate = decide(METRIC, metrics[METRIC], gains)
    evaluation = Evaluation(METRIC, metrics, baselines, gains, gate, tested.y, ours)
    doubt = "; ".join(d for d in (evaluation.doubt, *(check.doubt for check in checks)) if d)
    return TableModel(
        learned.scorer, learned.name, doubt, gate, checks, tested, evaluation, learned.trials
    )


def report_table(
    asked: TableAsked, found: Screened, model: TableModel, seed: int, at: datetime
) -> Trained:
    """Return everything that publishing writes down."""
    test, importance = model.evaluation, _importance(model)
    seen = _examined(found, model, importance, seed)
    fingerprint = hashlib.sha256(asked.file.read_bytes()).hexdigest()[:16]
    return Trained(
        sheet=_sheet(asked, found, model, at),
        card=_card(asked, found, model, seen, fingerprint, at),
        metric=test.metric if test else "",
        metrics=test.metrics if test else {},
        baselines=test.baselines if test else {},
        gains=test.gains if test else {},
        gate=model.gate,
        rows=len(found.table.y),
        horizon="of the table",
        params={
            "file": str(asked.file.resolve()),
            "target": asked.target,
            "time": asked.time,
            "keep": "\n".join(asked.keep),
            "leave_out": "\n".join(asked.leave_out),
        },
        tags={
            "data.fingerprint": fingerprint,
            "recipe": "table",
            "label": f"{asked.target} happens",
            "leaks": ", ".join(leak.column for leak in found.kept_leaks),
            "setting.seed": str(seed),
            **code_tags("table"),
        },
        save=model.scorer.save,
        draw=lambda folder: draw_plots(folder / PLOTS, seen, importance),
        proof=_proof(model.tested) if model.tested else None,
    )


def _proof(tested: Tested) -> Proof:
    """Return what stays of the test; as its models are many, none of them is kept."""
    answers = Answers.of_scores(
        PROBABILITY, tested.y, tested.who, tested.scores[OURS], (tested.how, tested.rows.tolist())
    )
    return Proof(answers, lambda folder: None, None)


def _importance(model: TableModel) -> dict[str, float]:
    """Return what trees say of the columns; a model of lines alone says nothing."""
    knows = hasattr(model.scorer, "importance") and model.kind != "lines"
    return dict(model.scorer.importance()) if knows else {}  # type: ignore[attr-defined]


def _examined(
    found: Screened, model: TableModel, importance: Mapping[str, float], seed: int
) -> Examination | None:
    tested = model.tested
    if tested is None:
        return None
    X = found.table.X
    scores = {MODEL: tested.scores[OURS]}
    scores |= {name: s for name, s in tested.scores.items() if name not in (OURS, RATE)}
    groups = groups_of_table(X.iloc[tested.rows])
    return examine(PROBABILITY, tested.y, scores, groups, _effects(model, X, importance, seed))


def _effects(
    model: TableModel, X: pd.DataFrame, importance: Mapping[str, float], seed: int
) -> list[Effect]:
    if importance:
        return partial_effects(model.scorer, X, importance, seed)
    return widest(partial_effects(model.scorer, X, X.columns, seed, most=X.shape[1]))


def _sheet(asked: TableAsked, found: Screened, model: TableModel, at: datetime) -> Sheet:
    table, test = found.table, model.evaluation
    y, score = (test.y, test.score) if test else (table.y, model.scorer.predict(table.X))
    return Sheet(
        name=asked.model,
        recipe="table",
        kind=model.kind,
        unit=PROBABILITY,
        horizon_days=0,
        trained_at=at.isoformat(),
        reliability="low" if model.doubt else "high",
        reliability_reason=model.doubt,
        metrics={n: e.value for n, e in test.metrics.items()} if test else {},
        intervals=learn_intervals(PROBABILITY, y, score),
        enough=[check.found for check in model.checks if check.passed],
    )


def _card(
    asked: TableAsked, found: Screened, model: TableModel, seen: Examination | None,
    fingerprint: str, at: datetime,
) -> Card:  # fmt: skip
    table, test = found.table, model.evaluation
    return Card(
        name=asked.model,
        question=f"Will {asked.target!r} happen?",
        about={
            "score": PROBABILITY,
            "model": model.kind,
            "rows": f"{len(table.y):,}",
            "happened": f"{table.y.mean():.2%}",
            "columns": ", ".join(table.X.columns),
            "reliability": f"low: {model.doubt}" if model.doubt else "high",
            "trained at": f"{at:%Y-%m-%d %H:%M} UTC",
        },
        window=None,
        data=f"{asked.file.name}, fingerprint `{fingerprint}`.",
        split=f"Tested on {model.tested.how}" if model.tested else "Not tested",
        metrics=test.metrics if test else {},
        baselines=test.baselines if test else {},
        trials=model.trials,
        examination=seen,
        checks=model.checks,
        importance=_importance(model),
        done=found.sentences(),
        limits=_LIMITS,
    )
