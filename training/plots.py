"""Three pictures of a score: does it mean what it says, whom does it find, what does it look at."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

_BINS = 10
_INK, _GREY, _BLUE = "#222222", "#999999", "#3366aa"


def reliability_table(y: np.ndarray, score: np.ndarray) -> list[tuple[int, float, float]]:
    """Return (customers, mean score, mean outcome) of ten bins of equal mass, lowest first."""
    order = np.argsort(score, kind="stable")
    parts = np.array_split(order, min(_BINS, len(order)))
    return [(len(p), float(score[p].mean()), float(y[p].mean())) for p in parts]


def draw_reliability(y: np.ndarray, score: np.ndarray, file: Path) -> None:
    """Draw predicted against observed means of ten bins."""
    table = reliability_table(y, score)
    said, seen = [row[1] for row in table], [row[2] for row in table]
    figure, axes = _panel("Predicted (mean of a tenth)", "Observed")
    top = max(*said, *seen, 1e-9) * 1.05
    axes.plot([0, top], [0, top], color=_GREY, linestyle=":", label="as predicted")
    axes.plot(said, seen, color=_BLUE, marker="o", label="model")
    _finish(figure, axes, file)


def draw_lift(y: np.ndarray, scores: Mapping[str, np.ndarray], file: Path) -> None:
    """Draw the share of the outcome found among the share of customers that is looked at."""
    figure, axes = _panel("Share of customers, best first", "Share of the outcome found")
    looked_at = np.linspace(0, 1, len(y) + 1)
    axes.plot([0, 1], [0, 1], color=_GREY, linestyle=":", label="by chance")
    for name, score in scores.items():
        found = np.cumsum(y[np.argsort(-score, kind="stable")]) / max(y.sum(), 1e-9)
        axes.plot(looked_at, np.append(0.0, found), label=name)
    _finish(figure, axes, file)


def draw_importance(importance: Mapping[str, float], file: Path) -> None:
    """Draw the fifteen features that matter most, as shares of the gain."""
    draw_bars(dict(list(importance.items())[:15]), "Share of the gain", file)


def draw_bars(values: Mapping[str, float], title: str, file: Path) -> None:
    """Draw one horizontal bar per name, the first on top."""
    figure, axes = _panel(title, "")
    axes.barh(list(values)[::-1], list(values.values())[::-1], color=_BLUE)
    figure.savefig(file, bbox_inches="tight")


def _panel(x: str, y: str) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(5, 4), dpi=100)  # no pyplot: no global state, no window
    axes = figure.add_subplot()
    axes.set_xlabel(x, color=_INK)
    axes.set_ylabel(y, color=_INK)
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _finish(figure: Figure, axes: Axes, file: Path) -> None:
    axes.legend(frameon=False)
    figure.savefig(file, bbox_inches="tight")
