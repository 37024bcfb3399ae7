"""The examination of a tested score from near: bands, grades, slices, effects, and its pictures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from training.bands import GRADES, Band, banded
from training.effects import Effect
from training.plots import (
    draw_effects,
    draw_found,
    draw_importance,
    draw_lift,
    draw_reliability,
)
from training.slices import Slice, sliced

MODEL = "model"


@dataclass(frozen=True, slots=True, eq=False)
class Examination:
    """Outcomes y (n,), the score (n,) of the model and of its baselines, and what they show."""

    unit: str
    y: np.ndarray
    scores: Mapping[str, np.ndarray]  # MODEL first
    deciles: Sequence[Band]
    grades: Mapping[str, Band]
    slices: Sequence[Slice]
    effects: Sequence[Effect] = field(default_factory=tuple)

    def draw(self, folder: Path) -> None:
        """Write the pictures into `folder`."""
        draw_reliability(self.deciles, folder / "reliability.png")
        draw_found(self.y, self.scores, folder / "gain.png")
        draw_lift(self.y, self.scores, folder / "lift.png")
        if self.effects:
            draw_effects(self.effects, folder / "effects.png")


def examine(
    unit: str,
    y: np.ndarray,
    scores: Mapping[str, np.ndarray],
    groups: Mapping[str, np.ndarray],
    effects: Sequence[Effect],
) -> Examination:
    """Look at the first of these scores by band, by grade, and by the labels (n,) of `groups`."""
    score = next(iter(scores.values()))
    return Examination(
        unit=unit,
        y=y,
        scores=scores,
        deciles=banded(y, score, unit),
        grades=dict(zip(GRADES, banded(y, score, unit, len(GRADES)), strict=False)),
        slices=sliced(y, score, unit, groups),
        effects=effects,
    )


def draw_plots(
    folder: Path, examination: Examination | None, importance: Mapping[str, float]
) -> None:
    """Write all pictures that there are into `folder`, which is made."""
    folder.mkdir()
    if examination is not None:
        examination.draw(folder)
    if importance:
        draw_importance(importance, folder / "importance.png")
