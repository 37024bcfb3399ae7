import numpy as np
import pytest

from domain.errors import NotEnoughData
from training.horizon import from_gaps


def test_the_horizon_covers_most_gaps_in_whole_weeks() -> None:
    horizon = from_gaps(np.repeat([10.0, 30.0], [90, 10]), 730)
    assert horizon.days == 14
    assert "90% of 100 gaps between purchase days are at most" in horizon.reason


def test_the_horizon_stays_within_its_bounds_and_says_so() -> None:
    assert from_gaps(np.full(50, 2.0), 730).days == 14
    long = from_gaps(np.full(50, 400.0), 2000)
    assert long.days == 182
    assert "held to 182" in long.reason
    assert from_gaps(np.full(50, 100.0), 200).days == 49  # a quarter of the history


def test_too_few_gaps_are_refused_with_the_cure() -> None:
    with pytest.raises(NotEnoughData, match=r"3 gaps .* 30 are needed .* set churn_horizon_days"):
        from_gaps(np.full(3, 10.0), 730)
