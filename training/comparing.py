"""Two runs compared on the same customers of the same test, and by what they were made of."""

from collections.abc import Iterator
from dataclasses import dataclass

from domain.errors import Conflict
from training.answers import Answers
from training.bootstrap import Estimate
from training.lineage import differences
from training.tracking import Run, Tracker


@dataclass(frozen=True, slots=True)
class Difference:
    """A metric of two runs; `gain` is how much better the second is (above 0)."""

    metric: str
    first: float
    second: float
    gain: Estimate
    higher_is_better: bool

    def to_row(self) -> dict[str, str]:
        """Return it as one row of a table; the difference is second minus first."""
        sign = 1 if self.higher_is_better else -1
        value, *ends = (sign * n + 0.0 for n in (self.gain.value, self.gain.low, self.gain.high))
        return {
            "metric": self.metric,
            "first": f"{self.first:.4f}",
            "second": f"{self.second:.4f}",
            "second - first [90 %]": str(Estimate(value, *sorted(ends))),
            "better": self.better,
        }

    @property
    def better(self) -> str:
        """Which of the two is better by more than chance."""
        if self.gain.low > 0:
            return "second"
        return "first" if self.gain.high < 0 else "may be chance"


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two runs of one model: their metrics, and in what they differ."""

    first: Run
    second: Run
    customers: int
    metrics: tuple[Difference, ...]
    lineage: dict[str, tuple[str, str]]

    def lineage_rows(self) -> Iterator[dict[str, str]]:
        """Yield what differs, one row each; one of its own where nothing does."""
        if not self.lineage:
            yield {"differs in": "nothing: data, window, code, seed, parameters are the same"}
        for words, (one, other) in self.lineage.items():
            yield {"differs in": words, "first": one or "-", "second": other or "-"}


def compare(tracker: Tracker, first: str, second: str) -> Comparison:
    """Compare two runs (ids, the first characters of them, or MODEL/VERSION)."""
    one, other = tracker.run(first), tracker.run(second)
    if one.name != other.name:
        raise Conflict(
            f"{first} is a run of {one.name}, {second} one of {other.name}; name two of one model"
        )
    ours, theirs = _answers(one), _answers(other)
    if ours.fingerprint != theirs.fingerprint:
        raise Conflict(
            f"the runs were tested on other rows ({_test(one)} and {_test(other)}), so their "
            "numbers say nothing of each other; train both on the same data and days, or compare "
            "over many days with `nextbest train NAME --rolling N`"
        )
    return Comparison(
        one,
        other,
        ours.customers,
        tuple(_difference(name, ours, theirs) for name in ours.metrics),
        differences(one.lineage, other.lineage),
    )


def _difference(metric: str, ours: Answers, theirs: Answers) -> Difference:
    return Difference(
        metric, ours.of(metric), theirs.of(metric), theirs.gain(metric, ours),
        ours.metrics[metric].higher_is_better,
    )  # fmt: skip


def _answers(run: Run) -> Answers:
    found = Answers.load(run.folder)
    if found is None:
        raise Conflict(
            f"run {run.run_id[:8]} of {run.name} was not tested, so there is nothing to compare; "
            "its card says why"
        )
    return found


def _test(run: Run) -> str:
    rows, said = run.tags.get("test.fingerprint", ""), run.params.get("split", "").split("; ")
    tested = [part for part in said if "tested" in part]
    return f"{rows}: {tested[0]}" if tested else rows
