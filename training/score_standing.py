"""Where a score stands among all scores of its model: percentile, tier, mean of the tier."""

from dataclasses import dataclass

import numpy as np

from domain.scores import tier_of

TIERS = [tier_of(percentile) for percentile in range(1, 101)]


@dataclass(frozen=True, slots=True, eq=False)
class Standing:
    """All values of one model, ascending, (n,), and the mean of those in each tier."""

    ordered: np.ndarray
    expected: dict[str, float]

    @classmethod
    def of(cls, values: np.ndarray, digits: int) -> "Standing":
        """Rank values (n,); the means are rounded to `digits`."""
        ordered = np.sort(values)
        tiers = np.asarray(TIERS)[_percentiles(ordered, ordered) - 1]
        means = {str(t): ordered[tiers == t].mean() for t in np.unique(tiers)}
        return cls(ordered, {tier: round(float(mean), digits) for tier, mean in means.items()})

    def percentiles(self, values: np.ndarray) -> np.ndarray:
        """Return the rank of some of the values as 1 to 100; equal ones share one, the middle."""
        return _percentiles(self.ordered, values)


def percentiles(values: np.ndarray) -> np.ndarray:
    """Return the rank of each value as 1 to 100; equal values share one, the middle of theirs."""
    return _percentiles(np.sort(values), values)


def _percentiles(ordered: np.ndarray, values: np.ndarray) -> np.ndarray:
    below = np.searchsorted(ordered, values, side="left")
    upto = np.searchsorted(ordered, values, side="right")
    ranks = (below + 1 + upto) / 2 / max(len(ordered), 1)
    return np.asarray(np.clip(np.ceil(ranks * 100), 1, 100), dtype=np.int64)
