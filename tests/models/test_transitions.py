"""Moves have a direction: what comes after an item is not what came before it."""

import numpy as np
import pytest

from domain.errors import InvalidInput
from models.contract import RecommenderContract, failure_of, in_mixed_order
from models.history import History
from models.interactions import Interactions
from models.moves import moves
from models.transitions import TransitionsRecommender


class TestTransitionsRecommender(RecommenderContract):
    def make(self) -> TransitionsRecommender:
        return TransitionsRecommender()

    def seen(self, interactions: Interactions) -> Interactions:
        return in_mixed_order(interactions)


def walks(*texts: str) -> Interactions:
    """Return one user per text, who takes its letters in that order."""
    rows = [(f"u{number}", letter) for number, text in enumerate(texts) for letter in text]
    return Interactions.from_ids([user for user, _ in rows], [item for _, item in rows])


def test_near_pairs_count_more_and_users_do_not_run_into_each_other() -> None:
    counted = moves(walks("abca", "bc"), window=2, decay=0.5).toarray()
    assert counted.tolist() == [[0, 1, 0.5], [0.5, 0, 2], [1, 0, 0]]


def test_times_not_rows_give_the_order() -> None:
    rows = Interactions.from_ids(["u", "u", "u"], ["c", "a", "b"], times=[30, 10, 20])
    assert moves(rows, window=1, decay=1.0).toarray().tolist() == [[0, 1, 0], [0, 0, 1], [0, 0, 0]]


def test_after_a_comes_b_and_never_the_other_way() -> None:
    model = TransitionsRecommender().fit(walks("ab", "ab", "cb", "ac"))
    assert model.recommend(History.of(["a"]), 1, ["a"])[0] == ["b"]
    assert model.strongest(History.of(["b"]), np.arange(3), 5) == [[], [], []]


def test_the_latest_act_counts_most() -> None:
    model = TransitionsRecommender(step_decay=0.5).fit(walks("ax", "by"))
    assert model.recommend(History.of(["a", "b"]), 1, ["a", "b"])[0] == ["y"]
    assert model.recommend(History.of(["b", "a"]), 1, ["a", "b"])[0] == ["x"]


def test_each_act_before_the_last_is_worth_the_decay_less() -> None:
    model = TransitionsRecommender(step_decay=0.5).fit(walks("ax", "bx", "cx"))
    ((first, second, third),) = model.strongest(History.of(["c", "b", "a"]), np.array([3]), 3)
    assert [first[0], second[0], third[0]] == ["a", "b", "c"]
    assert [second[1] / first[1], third[1] / first[1]] == pytest.approx([0.5, 0.25])


@pytest.mark.parametrize(
    ("setting", "value"), [("window", 0), ("neighbours", 0), ("move_decay", 0), ("step_decay", 1.2)]
)
def test_a_setting_that_cannot_work_is_named(setting: str, value: float) -> None:
    model = TransitionsRecommender(**{setting: value})  # type: ignore[arg-type]
    assert failure_of(lambda: model.fit(walks("ab")), InvalidInput).field == setting
