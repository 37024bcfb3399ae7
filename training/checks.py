"""Checks: what a reliable score needs of the data, and what was found."""

from dataclasses import dataclass

MIN_OUTCOMES = 100  # customers with, and without, the outcome that a model needs
RELIABLE_OUTCOMES = 500  # from which on its scores are reliable
HORIZONS = 3  # of history: to learn, to calibrate, to test


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that a reliable score needs of the data, and what was found."""

    needs: str
    found: str
    passed: bool

    @property
    def doubt(self) -> str:
        """Why scores are of low reliability, '' where the check passed."""
        return "" if self.passed else f"{self.found}, a reliable score needs {self.needs}"


def outcome_checks(known: dict[str, int], who: str) -> list[Check]:
    """Return for each outcome ("with", "without") whether enough of `who` had it."""
    needs = f"{RELIABLE_OUTCOMES} (a model {MIN_OUTCOMES})"
    return [
        Check(needs, f"{count:,} {who} {word} the outcome", count >= RELIABLE_OUTCOMES)
        for word, count in known.items()
    ]


def history_check(days: float, horizon_days: int) -> Check:
    """Return whether the history holds the horizon often enough."""
    needs = f"{HORIZONS} horizons, {HORIZONS * horizon_days} days"
    return Check(needs, f"{days:.0f} days of history", days >= HORIZONS * horizon_days)
