"""The model card: one page that says what a model is for, how good it is, and where it ends."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from training.bootstrap import Estimate
from training.data_window import DataWindow


@dataclass(frozen=True, slots=True)
class Card:
    """What stands on the card; parts that are empty are left out."""

    name: str
    question: str
    about: Mapping[str, str]  # what -> its description, the first table
    window: DataWindow | None  # None where the data are no events; then `data` says what they are
    split: str
    metrics: Mapping[str, Estimate]
    baselines: Mapping[str, Mapping[str, float]]
    verdict: str = ""  # filled in when it is known
    trials: Mapping[str, float] = field(default_factory=dict)
    reliability: Sequence[tuple[int, float, float]] = ()
    importance: Mapping[str, float] = field(default_factory=dict)
    limits: Sequence[str] = ()
    data: str = ""
    done: Sequence[str] = ()  # what was done to the data, in sentences

    def to_markdown(self) -> str:
        """Return the card as Markdown."""
        blocks = [
            f"# {self.name}\n\n{self.question}",
            _table(("", ""), self.about.items()),
            f"## Data\n\n{self._data()}",
            "## What was done to the data\n\n" + "\n".join(f"- {one}" for one in self.done)
            if self.done
            else "",
            f"## Verdict\n\n{self.verdict}",
            self._results(),
            _section(
                "Candidates on the later cut-off", ("candidate", "metric"), self.trials.items()
            ),
            _section(
                "Does it mean what it says?",
                ("customers", "predicted", "observed"),
                self.reliability,
            ),
            _section(
                "What it looks at",
                ("feature", "share of the gain"),
                list(self.importance.items())[:15],
            ),
            "## Limits\n\n" + "\n".join(f"- {limit}" for limit in self.limits)
            if self.limits
            else "",
        ]
        return "\n\n".join(block for block in blocks if block) + "\n"

    def _data(self) -> str:
        w = self.window
        if w is None:
            return f"{self.data} {self.split}."
        return (
            f"{w.events} events of {w.ids} ids from {w.first_at:%Y-%m-%d} to {w.last_at:%Y-%m-%d}, "
            f"fingerprint `{w.fingerprint}`. Split by time: {self.split}."
        )

    def _results(self) -> str:
        if not self.metrics:
            return ""
        rows = [
            (name, str(estimate), *(_number(b[name]) for b in self.baselines.values()))
            for name, estimate in self.metrics.items()
        ]
        heads = ("metric", "model [90 % interval]", *self.baselines)
        return _section("Test", heads, rows)


def _section(title: str, heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    listed = list(rows)
    return f"## {title}\n\n{_table(heads, listed)}" if listed else ""


def _table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [f"| {' | '.join(heads)} |", f"|{' --- |' * len(heads)}"]
    lines += [f"| {' | '.join(_number(cell) for cell in row)} |" for row in rows]
    return "\n".join(lines)


def _number(cell: object) -> str:
    return f"{cell:.4g}" if isinstance(cell, float) else str(cell).replace("|", "/")
