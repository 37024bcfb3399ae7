"""The nearest past sessions vote, the latest shared item first."""

import numpy as np
import pytest

from models.contract import RecommenderContract
from models.history import History
from models.interactions import Interactions
from models.session_knn import SessionKNNRecommender
from models.sessions import Sessions

MINUTE = 60_000_000


class TestSessionKNNRecommender(RecommenderContract):
    def make(self) -> SessionKNNRecommender:
        return SessionKNNRecommender()


def visits(*texts: str) -> Interactions:
    """Return one visitor per text, one letter a minute, one visitor an hour."""
    rows = [
        (f"v{number}", letter, (60 * number + minute) * MINUTE)
        for number, text in enumerate(texts)
        for minute, letter in enumerate(text)
    ]
    users, items, times = zip(*rows, strict=True)
    return Interactions.from_ids(users, items, times=times)


def test_a_pause_begins_a_new_session() -> None:
    rows = Interactions.from_ids(
        ["u", "u", "u", "v"], ["a", "b", "c", "d"], times=[0, 29 * MINUTE, 60 * MINUTE, 5 * MINUTE]
    )
    cut = Sessions.of(rows, pause_minutes=30, recent=9)
    assert cut.items.toarray().tolist() == [[0, 0, 0, 1], [1, 1, 0, 0], [0, 0, 1, 0]]


def test_only_the_latest_sessions_of_an_item_are_kept() -> None:
    cut = Sessions.of(visits("ab", "ac", "ad"), pause_minutes=30, recent=2)
    assert cut.holders.toarray()[0].tolist() == [0, 1, 1]


def test_the_session_that_shares_the_latest_item_votes_more() -> None:
    model = SessionKNNRecommender().fit(visits("ax", "by", "cz"))
    assert model.recommend(History.of(["a", "b"]), 2, ["a", "b"])[0] == ["y", "x"]
    assert model.recommend(History.of(["b", "a"]), 2, ["a", "b"])[0] == ["x", "y"]


def test_votes_by_hand() -> None:
    model = SessionKNNRecommender(length=4).fit(visits("abx", "bx", "cy"))
    scores = dict(zip(model.item_ids, model.score_all(History.of(["a", "b"])), strict=True))
    # b counts 1, a 3/4; session abx has both, bx has b; the latest shared item is b, no step back
    assert scores["x"] == pytest.approx((1.75 + 1.0) * np.log(4 / 2), rel=1e-4)
    assert scores["y"] < 1e-5


def test_a_session_ten_steps_back_has_no_vote() -> None:
    model = SessionKNNRecommender(length=20).fit(visits("ax", "bcdefghijkl"))
    history = History.of(["a", *"bcdefghijkl"])
    assert model.strongest(history, model.catalogue_.positions(["x"]), 3) == [[]]


def test_only_the_nearest_are_asked() -> None:
    model = SessionKNNRecommender(neighbours=1).fit(visits("abx", "by", "cz"))
    assert model.strongest(History.of(["a", "b"]), model.catalogue_.positions(["y"]), 3) == [[]]
