"""Splits by time: each part's label windows end before the features of the next part begin.

|---- history ----|T train ... |T calibrate ------|T test -----------|end
                   [ label h  ) [ label h        ) [ label h        )
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

MIN_HISTORY_DAYS = 28  # what a cut-off needs before it
TRAIN_CUTOFFS = 4
_STEP_SHARE, _SHORTEST_STEP, _LONGEST_STEP = 0.5, 7, 60  # between two training cut-offs, in days


@dataclass(frozen=True, slots=True)
class Split:
    """Cut-offs of each part, all UTC; a short history lacks `calibrate`, then `test`, then all."""

    horizon_days: int
    train: tuple[datetime, ...]  # ascending
    calibrate: datetime | None = None
    test: datetime | None = None

    @property
    def cutoffs(self) -> tuple[datetime, ...]:
        """All cut-offs, ascending."""
        later = (at for at in (self.calibrate, self.test) if at is not None)
        return (*self.train, *later)

    def forward(self) -> "Split":
        """Return the split moved on by one part: for a release, nothing is held back for a test."""
        if self.test is None:
            return self
        if self.calibrate is None:
            return replace(self, calibrate=self.test, test=None)
        train = (*self.train, self.calibrate)[-TRAIN_CUTOFFS:]
        return Split(self.horizon_days, train, self.test)

    def describe(self) -> str:
        """Return the split in one line."""
        parts = [f"trained at {', '.join(f'{at:%Y-%m-%d}' for at in self.train)}"]
        parts += [f"calibrated at {self.calibrate:%Y-%m-%d}"] if self.calibrate else []
        parts += [f"tested at {self.test:%Y-%m-%d}"] if self.test else ["not tested"]
        return f"{'; '.join(parts)}; each label covers the {self.horizon_days} days that follow"


def plan(first_at: datetime, end: datetime, horizon_days: int) -> Split | None:
    """Return the split that the history can hold, or None if not a single label window fits."""
    horizon = timedelta(days=horizon_days)
    earliest = first_at + timedelta(days=MIN_HISTORY_DAYS)
    fits = [at for n in (1, 2, 3) if (at := end - n * horizon) >= earliest]
    if not fits:
        return None
    if len(fits) == 1:
        return Split(horizon_days, _backwards(fits[0], earliest, horizon_days))
    if len(fits) == 2:
        test, last = fits
        return Split(horizon_days, _backwards(last, earliest, horizon_days), test=test)
    test, calibrate, last = fits
    return Split(horizon_days, _backwards(last, earliest, horizon_days), calibrate, test)


def needed_days(horizon_days: int, parts: int) -> int:
    """Return how many days of history `parts` label windows need."""
    return parts * horizon_days + MIN_HISTORY_DAYS


def _backwards(last: datetime, earliest: datetime, horizon_days: int) -> tuple[datetime, ...]:
    """Return up to TRAIN_CUTOFFS cut-offs from `last` back to `earliest`, ascending."""
    days = min(max(int(horizon_days * _STEP_SHARE), _SHORTEST_STEP), _LONGEST_STEP)
    steps = (last - n * timedelta(days=days) for n in range(TRAIN_CUTOFFS))
    return tuple(sorted(at for at in steps if at >= earliest))
