"""The model card: one page that says what a model is for, how good it is, and where it ends."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from html import escape
from pathlib import Path

from training.bands import Band
from training.bootstrap import Estimate
from training.checks import Check
from training.data_window import DataWindow
from training.examination import Examination
from training.sections import Section, to_markdown, to_page

PLOTS = "plots"  # folder of the pictures, beside the card
HISTORY = "## What became of it"
_BAND = ("customers", "predicted", "observed [90 %]")


def add_history(folder: Path, line: str) -> None:
    """Add a line to what became of the model after its training, on both of its cards."""
    card, page = folder / "card.md", folder / "card.html"
    text = card.read_text(encoding="utf-8").rstrip("\n")
    head = "" if f"\n{HISTORY}\n" in text else f"\n\n{HISTORY}\n"
    _put(card, f"{text}{head}\n- {line}\n")
    if page.exists():
        start, end, rest = page.read_text(encoding="utf-8").rpartition("</body>")
        _put(page, f"{start}<p>{escape(line)}</p>\n{end}{rest}")


def _put(file: Path, text: str) -> None:
    scratch = file.with_suffix(".writing")
    scratch.write_text(text, encoding="utf-8")
    scratch.replace(file)


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
    examination: Examination | None = None  # None where there was no test
    checks: Sequence[Check] = ()
    importance: Mapping[str, float] = field(default_factory=dict)
    limits: Sequence[str] = ()
    data: str = ""
    done: Sequence[str] = ()  # what was done to the data, in sentences

    def write(self, folder: Path, verdict: str) -> None:
        """Write `card.md`, and `card.html` that holds its pictures; these lie there already."""
        card = replace(self, verdict=verdict)
        files = sorted((folder / PLOTS).glob("*.png"))
        sections = card.sections([file.name for file in files])
        text = to_markdown(card.name, card.question, sections, PLOTS)
        page = to_page(card.name, card.question, sections, {f.name: f.read_bytes() for f in files})
        (folder / "card.md").write_text(text, encoding="utf-8")
        (folder / "card.html").write_text(page, encoding="utf-8")

    def sections(self, pictures: Collection[str]) -> list[Section]:
        """Return all that is to be said; of `pictures` (file names) those that belong."""
        seen = self.examination
        sections = [
            Section("", heads=("", ""), rows=list(self.about.items())),
            Section("Verdict", self.verdict),
            Section("Data", self._data()),
            Section(
                "Is the data enough?",
                heads=("found", "a reliable score needs", "enough"),
                rows=[(c.found, c.needs, "yes" if c.passed else "no") for c in self.checks],
            ),
            Section("What was done to the data", points=self.done),
            self._results(),
            Section(
                "Candidates on the later cut-off" if self.window else "Candidates out of fold",
                heads=("candidate", "metric"),
                rows=list(self.trials.items()),
            ),
            *(_examined(seen) if seen else ()),
            self._importance(pictures),
            *(_effects(seen) if seen else ()),
            Section("Comparison", pictures=[p for p in pictures if p == "comparison.png"]),
            Section("Limits", points=self.limits),
        ]
        return sections

    def _data(self) -> str:
        w = self.window
        if w is None:
            return f"{self.data} {self.split}."
        return (
            f"{w.events:,} events of {w.ids:,} ids from {w.first_at:%Y-%m-%d} to "
            f"{w.last_at:%Y-%m-%d}, fingerprint `{w.fingerprint}`. Split by time: {self.split}."
        )

    def _results(self) -> Section:
        rows = [
            (name, str(estimate), *(b[name] for b in self.baselines.values()))
            for name, estimate in self.metrics.items()
        ]
        return Section(
            "Test", heads=("metric", "model [90 % interval]", *self.baselines), rows=rows
        )

    def _importance(self, pictures: Collection[str]) -> Section:
        return Section(
            "What it looks at",
            heads=("feature", "share of the gain"),
            rows=[(name, f"{share:.1%}") for name, share in list(self.importance.items())[:15]],
            pictures=[p for p in pictures if p == "importance.png"],
        )


def _examined(seen: Examination) -> list[Section]:
    off = sum(band.is_off for band in seen.deciles)
    said, came = float(next(iter(seen.scores.values())).sum()), float(seen.y.sum())
    return [
        Section(
            "Does it mean what it says?",
            f"In the test {said:,.0f} were foretold in all and {came:,.0f} came. Those tested in "
            f"tenths, best first; in {off} of {len(seen.deciles)} what was foretold lies outside "
            "the interval of what came.",
            heads=("tenth", *_BAND, "lift", "found so far"),
            rows=[
                (n, *_said(band), f"{band.lift:.2f}", f"{band.found:.0%}")
                for n, band in enumerate(seen.deciles, start=1)
            ],
            pictures=["reliability.png"],
        ),
        Section(
            "Whom does it find first?",
            "Left: the share of the outcome found among the first so many customers. Right: how "
            "many times the mean of all that is.",
            pictures=["gain.png", "lift.png"],
        ),
        Section(
            "What a grade is worth",
            "A is the best fifth of those scored, E the last.",
            heads=("grade", *_BAND, "lift"),
            rows=[(g, *_said(b), f"{b.lift:.2f}") for g, b in seen.grades.items()],
        ),
        _slices(seen),
    ]


def _slices(seen: Examination) -> Section:
    rows = [
        (
            s.column, s.value, *_said(s.band), "" if s.auc is None else f"{s.auc:.3f}",
            "small: read with care" if s.is_small else "off" if s.band.is_off else "",
        )
        for s in seen.slices
    ]  # fmt: skip
    said = "'off': what was foretold lies outside the interval of what came."
    heads = ("", "", *_BAND, "auc", "")
    return Section("For whom is it good?", said if rows else "", heads=heads, rows=rows)


def _effects(seen: Examination) -> list[Section]:
    rows = [(e.feature, *e.in_words(), f"{e.span:.3g}") for e in seen.effects]
    said = (
        "The mean score of the same people when one feature is changed and all else is kept: how "
        "the model reckons, not what would happen if somebody changed it."
    )
    heads = ("feature", "lowest score", "highest score", "moves it by")
    return [
        Section(
            "What moves it", said if rows else "", heads=heads, rows=rows,
            pictures=["effects.png"] if rows else (),
        )
    ]  # fmt: skip


def _said(band: Band) -> tuple[int, float, str]:
    return (
        band.customers,
        band.predicted,
        f"{band.observed:.4g} [{band.low:.4g}, {band.high:.4g}]",
    )
