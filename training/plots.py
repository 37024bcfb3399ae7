"""Pictures of a score: does it mean what it says, whom does it find, what does it look at."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from training.bands import Band
from training.effects import Effect

_INK, _GREY, _BLUE = "#222222", "#999999", "#3366aa"
_BESIDE = ("#cc7722", "#558855", "#885588", "#777777")  # baselines
_FROM = 0.02  # of the best customers: below, a lift is one person's luck
_MOST_WORDS = 14  # letters of a value that fit below an axis


def draw_reliability(bands: Sequence[Band], file: Path) -> None:
    """Draw predicted against observed means of each band, with the interval of what came."""
    said, seen = [b.predicted for b in bands], [b.observed for b in bands]
    reach = [
        [b.observed - b.low for b in bands],
        [b.high - b.observed for b in bands],
    ]
    figure, axes = _panel("Predicted (mean of a tenth)", "Observed, with its 90 % interval")
    top = max(*said, *(b.high for b in bands), 1e-9) * 1.05
    axes.plot([0, top], [0, top], color=_GREY, linestyle=":", label="as predicted")
    axes.errorbar(said, seen, yerr=reach, color=_BLUE, marker="o", capsize=3, label="model")
    axes.set_xlim(0, top)
    axes.set_ylim(0, top)
    _finish(figure, axes, file)


def draw_found(y: np.ndarray, scores: Mapping[str, np.ndarray], file: Path) -> None:
    """Draw the share of the outcome found among the share of customers that is looked at."""
    figure, axes = _panel("Share of customers, best first", "Share of the outcome found")
    looked_at = np.linspace(0, 1, len(y) + 1)
    axes.plot([0, 1], [0, 1], color=_GREY, linestyle=":", label="by chance")
    for (name, score), colour in zip(scores.items(), (_BLUE, *_BESIDE), strict=False):
        axes.plot(looked_at, np.append(0.0, _found(y, score)), color=colour, label=name)
    _finish(figure, axes, file)


def draw_lift(y: np.ndarray, scores: Mapping[str, np.ndarray], file: Path) -> None:
    """Draw how many times the mean outcome those have that are looked at first."""
    figure, axes = _panel("Share of customers, best first", "Outcome over the mean of all")
    share = np.arange(1, len(y) + 1) / len(y)
    shown = share >= _FROM
    axes.axhline(1, color=_GREY, linestyle=":", label="by chance")
    for (name, score), colour in zip(scores.items(), (_BLUE, *_BESIDE), strict=False):
        axes.plot(share[shown], (_found(y, score) / share)[shown], color=colour, label=name)
    axes.set_xlim(0, 1)
    axes.set_ylim(bottom=0)
    _finish(figure, axes, file)


def draw_importance(importance: Mapping[str, float], file: Path) -> None:
    """Draw the fifteen features that matter most, as shares of the gain."""
    draw_bars(dict(list(importance.items())[:15]), "Share of the gain", file)


def draw_bars(values: Mapping[str, float], title: str, file: Path) -> None:
    """Draw one horizontal bar per name, the first on top."""
    figure, axes = _panel(title, "")
    axes.barh(list(values)[::-1], list(values.values())[::-1], color=_BLUE)
    figure.savefig(file, bbox_inches="tight")


def draw_effects(effects: Sequence[Effect], file: Path) -> None:
    """Draw one small panel per feature, all on one scale of the mean score."""
    columns = min(3, len(effects))
    lines = -(-len(effects) // columns)
    figure = Figure(figsize=(3.4 * columns, 2.7 * lines), dpi=100, layout="constrained")
    panels = figure.subplots(lines, columns, sharey=True, squeeze=False).ravel()
    for axes, effect in zip(panels, effects, strict=False):
        _dress(axes, effect.feature, "")
        values, means = zip(*effect.points, strict=True)
        if effect.is_number:
            axes.plot(values, means, color=_BLUE, marker="o", markersize=3)
        else:
            names = [str(v)[:_MOST_WORDS] for v in values]
            axes.bar(range(len(names)), means, color=_BLUE)
            axes.set_xticks(range(len(names)), names, rotation=30, ha="right", fontsize=7)
        axes.set_ylim(bottom=0)
    for axes in panels[len(effects) :]:
        axes.set_visible(False)
    for axes in panels[::columns]:
        axes.set_ylabel("Mean score", color=_INK)
    figure.savefig(file)


def _found(y: np.ndarray, score: np.ndarray) -> np.ndarray:
    """Return the share of the outcome among the first 1, 2, ... rows, best score first: (n,)."""
    found = np.cumsum(y[np.argsort(-score, kind="stable")])
    return np.asarray(found / max(float(y.sum()), 1e-9))


def _panel(x: str, y: str) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(5, 4), dpi=100)  # no pyplot: no global state, no window
    axes = figure.add_subplot()
    _dress(axes, x, y)
    return figure, axes


def _dress(axes: Axes, x: str, y: str) -> None:
    axes.set_xlabel(x, color=_INK)
    axes.set_ylabel(y, color=_INK)
    axes.spines[["top", "right"]].set_visible(False)


def _finish(figure: Figure, axes: Axes, file: Path) -> None:
    axes.legend(frameon=False)
    figure.savefig(file, bbox_inches="tight")
