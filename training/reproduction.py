"""A run made again from its lineage: the same numbers, or what of the lineage is another now."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

from domain.errors import Conflict
from domain.settings import Settings
from training.answers import Answers
from training.lineage import differences
from training.publishing import Trained
from training.recipe import ScoreRecipe, load_recipe
from training.run import make
from training.table import TableAsked, made_of_table
from training.tracking import Run, Tracker
from training.tuned import with_tuned
from training.workshop import Progress, open_workshop

CLOSE = 1e-9  # of a figure: sums in another order may end otherwise


@dataclass(frozen=True, slots=True)
class Reproduction:
    """The figures of a run, and those of the same run made again."""

    run: Run
    again: Mapping[str, float]
    same_rows: bool
    furthest: float | None  # between an answer then and now; None where rows differ
    lineage: Mapping[str, tuple[str, str]]

    @property
    def same(self) -> bool:
        """Whether every figure came out again."""
        return all(np.isclose(self.run.metrics[n], v, rtol=CLOSE) for n, v in self.again.items())

    def to_rows(self) -> Iterator[dict[str, str]]:
        """Yield one row per metric, and one per part of the lineage that is another now."""
        for name, value in self.again.items():
            then = self.run.metrics[name]
            same = bool(np.isclose(then, value, rtol=CLOSE))
            yield {
                "what": name, "then": f"{then:.10g}", "now": f"{value:.10g}",
                "same": "yes" if same else "no",
            }  # fmt: skip
        for words, (before, after) in self.lineage.items():
            yield {"what": words, "then": before or "-", "now": after or "-", "same": "no"}

    def summary(self) -> str:
        """Return it in one sentence; what went wrong names the part of the lineage."""
        run, others = self.run.run_id[:8], ", ".join(self.lineage)
        if self.same:
            far = f"; no answer differs by more than {self.furthest or 0:.2g}"
            though = f", although these are others now: {others}" if others else ""
            return f"run {run} of {self.run.name} gives the same numbers{though}{far}"
        because = others or "nothing of the lineage; a library or the machine may count otherwise"
        return f"run {run} of {self.run.name} gives other numbers; what differs: {because}"


def reproduce(
    given: str, settings: Settings, at: datetime, progress: Progress | None = None
) -> Reproduction:
    """Learn a run again from its data, window, settings and seed, and write nothing down.

    Events that came after its window are left out; events of its window that were added, taken
    away or changed since show as another data fingerprint.
    """
    run = Tracker.open(settings.home).run(given)
    if run.tags.get("purpose") != "training":
        raise Conflict(
            f"run {run.run_id[:8]} is no training but {run.tags.get('purpose') or 'of old'}; "
            "name one that `nextbest train` showed"
        )
    table = run.tags["recipe"] == "table"
    trained = _table(run, settings, at) if table else _score(run, settings, at, progress)
    now = {n: str(v) for n, v in {**trained.params, **trained.tags}.items()}
    then_answers, answers = Answers.load(run.folder), trained.proof and trained.proof.answers
    if answers:
        now["test.fingerprint"] = answers.fingerprint
    same = bool(then_answers and answers and then_answers.fingerprint == answers.fingerprint)
    far = then_answers.distance(answers) if same and then_answers and answers else None
    again = {name: found.value for name, found in trained.metrics.items()}
    again = {name: value for name, value in again.items() if name in run.metrics}
    return Reproduction(run, again, same, far, differences(run.lineage, now))


def _score(run: Run, settings: Settings, at: datetime, progress: Progress | None) -> Trained:
    tags = run.tags
    asked = replace(
        settings,
        seed=int(tags["setting.seed"]),
        threads=int(tags["setting.threads"]),
        churn_horizon_days=int(tags["setting.churn_horizon_days"]),
    )
    recipe = load_recipe(tags["recipe"])
    if isinstance(recipe, ScoreRecipe):
        recipe = with_tuned(recipe, run.params.get("tuned", ""))
    end = datetime.fromisoformat(tags["data.last_at"]) + timedelta(microseconds=1)
    with open_workshop(asked, at, progress, before=end) as shop:
        return make(shop, tags["recipe"], recipe, run.name)


def _table(run: Run, settings: Settings, at: datetime) -> Trained:
    params, names = run.params, ("keep", "leave_out")
    lists = {name: [c for c in params.get(name, "").split("\n") if c] for name in names}
    asked = TableAsked(Path(params["file"]), params["target"], params["time"], run.name, **lists)
    return made_of_table(asked, replace(settings, seed=int(run.tags["setting.seed"])), at)[0]
