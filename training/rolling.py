"""Rolling origin: the same training at each of the last cut-offs, as it would have been then."""

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from scipy.stats import t as student

from domain.errors import InvalidInput, NotEnoughData
from domain.settings import Settings
from training.bootstrap import LEVEL, Estimate
from training.publishing import Trained
from training.recipe import ScoreRecipe, load_recipe, score_names
from training.run import make
from training.score_plan import plan_score
from training.tracking import RunRecord, Tracker
from training.workshop import Progress, open_workshop


@dataclass(frozen=True, slots=True)
class Rolled:
    """The tests of a model at several cut-offs, the newest first; `short` says what was not."""

    model: str
    metric: str
    tests: tuple[tuple[datetime, Trained], ...]  # the end of the days tested on
    short: tuple[str, ...]

    @property
    def mean(self) -> Estimate:
        """The mean over the cut-offs, with Student's interval: how far another one may lie."""
        values = np.array([one.metrics[self.metric].value for _, one in self.tests])
        value, count = float(values.mean()), len(values)
        if count < 2:
            return Estimate(value, value, value)
        far = float(student.ppf((1 + LEVEL) / 2, count - 1) * values.std(ddof=1) / count**0.5)
        return Estimate(value, value - far, value + far)

    def to_rows(self) -> Iterator[dict[str, str]]:
        """Yield one row per cut-off, and one of the mean."""
        for end, one in self.tests:
            values = {name: found[self.metric] for name, found in one.baselines.items()}
            yield {
                "model": self.model,
                "tested until": f"{end:%Y-%m-%d}",
                "customers": f"{one.proof.answers.customers:,}" if one.proof else "",
                "learned by": one.sheet.kind,
                "metric": self.metric,
                "value [90 %]": str(one.metrics[self.metric]),
                "baselines": ", ".join(f"{name} {value:.4g}" for name, value in values.items()),
            }
        yield self._row(f"mean of {len(self.tests)}", str(self.mean))
        for short in self.short:
            yield self._row("not tested", short)

    def _row(self, what: str, value: str) -> dict[str, str]:
        empty = dict.fromkeys(("customers", "learned by"), "")
        told = {"metric": self.metric, "value [90 %]": value, "baselines": ""}
        return {"model": self.model, "tested until": what, **empty, **told}


def roll(
    name: str,
    count: int,
    settings: Settings,
    *,
    at: datetime | None = None,
    progress: Progress | None = None,
) -> list[Rolled]:
    """Test the recipe `name` at the last `count` cut-offs, a horizon apart; nothing is registered.

    For each, everything from its end on is left out of the history: choice, learning and test are
    those of that day. NotEnoughData when not one of them can be tested.
    """
    if count < 1:
        raise InvalidInput(f"--rolling {count}: give the number of cut-offs, 1 or more")
    recipe = load_recipe(name)
    if not isinstance(recipe, ScoreRecipe):
        raise InvalidInput(f"{name} orders items; rolling tests are of scores")
    now = at or datetime.now(UTC)
    return [_rolled(name, recipe, m, count, settings, now, progress) for m in score_names(name)]


def rolled_rows(
    names: Sequence[str], count: int, settings: Settings, progress: Progress
) -> list[dict[str, str]]:
    """Return the rows of the rolling tests of several recipes."""
    rolled = [one for name in names for one in roll(name, count, settings, progress=progress)]
    return [row for one in rolled for row in one.to_rows()]


def _rolled(
    name: str, recipe: ScoreRecipe, model: str, count: int, settings: Settings, at: datetime,
    progress: Progress | None,
) -> Rolled:  # fmt: skip
    with open_workshop(settings, at, progress) as shop:
        plan, end = plan_score(shop, recipe, model), shop.window.end
    fixed = replace(settings, churn_horizon_days=plan.horizon.days)
    tests, short = [], []
    for number in range(count):
        until = end - number * timedelta(days=plan.split.horizon_days)
        try:
            with open_workshop(fixed, at, progress, before=until + timedelta(days=1)) as shop:
                trained = make(shop, name, recipe, model)
                if not trained.metrics:
                    raise NotEnoughData(trained.sheet.reliability_reason)
                tests.append((until, trained))
        except NotEnoughData as few:
            short.append(f"until {until:%Y-%m-%d}: {few}")
            break  # the ones before know still less
    if not tests:
        raise NotEnoughData(f"{model} can be tested at no cut-off: {short[0]}")
    rolled = Rolled(model, tests[0][1].metric, tuple(tests), tuple(short))
    _log(Tracker.open(settings.home), rolled, at)
    return rolled


def _log(tracker: Tracker, rolled: Rolled, at: datetime) -> None:
    """Track the figures as one run, which is no version of the model."""
    mean, (_, newest) = rolled.mean, rolled.tests[0]
    metrics = {f"{rolled.metric}_mean": mean.value, f"{rolled.metric}_mean_low": mean.low}
    metrics |= {
        f"{rolled.metric}_until_{end:%Y-%m-%d}": one.metrics[rolled.metric].value
        for end, one in rolled.tests
    }
    tags = {**newest.tags, "model": rolled.model, "purpose": "rolling"}
    with tempfile.TemporaryDirectory() as empty:
        name = f"rolling {rolled.model}"
        tracker.log(RunRecord(name, at, newest.params, metrics, tags, Path(empty)))
