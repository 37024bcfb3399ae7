from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from training.splits import MIN_HISTORY_DAYS, needed_days, plan

FIRST = datetime(2025, 1, 1, tzinfo=UTC)


def end(days: float) -> datetime:
    return FIRST + timedelta(days=days)


@given(st.integers(1, 2000), st.integers(1, 400))
def test_every_label_window_ends_before_the_next_part_begins(history: int, horizon: int) -> None:
    split = plan(FIRST, end(history), horizon)
    if split is None:
        assert history < needed_days(horizon, 1)
        return
    length = timedelta(days=horizon)
    later = [at for at in (split.calibrate, split.test) if at is not None]
    for before, after in zip([split.train[-1], *later], [*later, end(history)], strict=True):
        assert before + length <= after
    assert min(split.cutoffs) >= FIRST + timedelta(days=MIN_HISTORY_DAYS)
    assert list(split.cutoffs) == sorted(set(split.cutoffs))


def test_a_long_history_is_trained_calibrated_and_tested() -> None:
    split = plan(FIRST, end(365), 30)
    assert split is not None
    assert split.test == end(335)
    assert split.calibrate == end(305)
    assert split.train == (end(230), end(245), end(260), end(275))


def test_the_release_learns_from_one_more_window_and_holds_none_back() -> None:
    split = plan(FIRST, end(365), 30)
    assert split is not None
    moved = split.forward()
    assert moved.test is None
    assert moved.calibrate == split.test
    assert moved.train[-1] == split.calibrate


def test_a_short_history_loses_the_calibration_first_then_the_test() -> None:
    two = plan(FIRST, end(needed_days(30, 2)), 30)
    assert two is not None and two.calibrate is None and two.test is not None
    one = plan(FIRST, end(needed_days(30, 1)), 30)
    assert one is not None and one.test is None and one.forward() == one
    assert "not tested" in one.describe()
    assert plan(FIRST, end(needed_days(30, 1) - 1), 30) is None
