"""What is remembered of a state is believed only beside the very text that the store holds."""

from domain.behaviour import State
from feature_repo.kept import Kept, Link
from feature_repo.remembered import Remembered


def kept(day):
    return Kept(State(active_days=(day,)), Link(7, "ann"))


def test_a_text_that_was_written_is_not_read_again():
    remembered, mine = Remembered(), kept(1)
    remembered.put("p", mine.to_text(), mine)
    assert remembered.kept("p", mine.to_text()) is mine


def test_what_another_writer_stored_is_read_anew():
    remembered, mine = Remembered(), kept(1)
    remembered.put("p", mine.to_text(), mine)
    assert remembered.kept("p", kept(2).to_text()) == kept(2)
    assert remembered.kept("p", kept(2).to_text()) == kept(2)
    assert remembered.kept("p", mine.to_text()) == mine


def test_only_so_much_is_remembered_and_what_is_asked_for_stays():
    text = kept(1).to_text()
    remembered = Remembered(room=3 * len(text))
    first = remembered.kept("first", text)
    second = remembered.kept("second", text)
    for n in range(20):
        remembered.kept(f"other-{n}", text)
        assert remembered.kept("first", text) is first
    assert remembered.kept("second", text) is not second
    assert len(remembered) <= 6


def test_everything_can_be_forgotten():
    remembered, mine = Remembered(), kept(1)
    remembered.put("p", mine.to_text(), mine)
    remembered.clear()
    assert len(remembered) == 0
