from datetime import UTC, datetime, timedelta

from training.splits import plan
from training.stages import stage_cutoffs

FIRST = datetime(2024, 1, 1, tzinfo=UTC)
END = FIRST + timedelta(days=600)


def test_a_stage_learns_from_whole_windows_and_from_those_its_own_end_cuts_short():
    split = plan(FIRST, END, 90)
    found = stage_cutoffs(split, FIRST, END)
    assert [(END - at).days for at in found[:3]] == [30, 60, 90]
    assert split.test in found and split.calibrate in found and set(split.train) <= set(found)


def test_a_stage_never_sees_a_window_that_begins_at_its_end_or_later():
    split = plan(FIRST, END, 90)
    for until in (split.calibrate, split.test, END):
        assert all(at < until for at in stage_cutoffs(split, FIRST, until))
