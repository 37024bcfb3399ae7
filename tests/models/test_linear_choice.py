import numpy as np
import pytest
from scipy.sparse import csr_matrix

from models import linear_choice
from models.interactions import Interactions
from models.linear import LinearRecommender
from models.linear_choice import LinearChoice
from models.list_quality import mean_ndcg


@pytest.fixture(scope="module")
def cut():
    """120 users of 6 tastes, 60 items; what is learned from, and two items held out of each."""
    rng = np.random.default_rng(0)
    rows, later = [], []
    for user in range(120):
        own = (user % 6) * 10 + rng.permutation(10)[:7]
        rows += [(user, item) for item in own[2:]] + [(user, rng.integers(60))]
        later += [(user, item) for item in own[:2]]
    users, items = np.array(rows).T
    train = Interactions(
        users,
        items,
        np.ones(len(rows)),
        np.array([f"i{n:02d}" for n in range(60)]),
        np.array([f"u{n:03d}" for n in range(120)]),
    )
    of, what = np.array(later).T
    targets = csr_matrix((np.ones(len(later), np.float32), (of, what)), shape=(120, 60))
    return train, targets


def test_the_choice_is_at_least_as_good_as_where_it_starts(cut):
    train, targets = cut
    choice = LinearChoice(train, np.arange(120), targets, k=5)
    best = choice.best()
    assert choice.ndcg(best) > 0.99 * max(choice.tried.values())  # dear ones must earn it
    assert choice.ndcg(best) >= next(iter(choice.tried.values()))
    assert choice.best() == best  # the same cut, the same choice


def test_what_is_chosen_by_is_what_the_model_then_scores(cut):
    train, targets = cut
    settings = LinearChoice(train, np.arange(120), targets, k=5).best()
    choice = LinearChoice(train, np.arange(120), targets, k=5)
    model = LinearRecommender(**settings, neighbours=60).fit(train)
    scores = model.score_batch([history for _, history in train.histories()])
    scores[choice.histories.nonzero()] = -np.inf
    assert mean_ndcg(scores, targets, 5) == pytest.approx(choice.ndcg(settings), abs=0.02)


def test_no_more_is_tried_than_was_allowed(cut):
    train, targets = cut
    choice = LinearChoice(train, np.arange(120), targets, k=5, trials=3)
    assert choice.best()["boost"] >= 0 and len(choice.tried) == 3


def test_ndcg_agrees_with_counting_by_hand():
    scores = np.array([[3.0, 2, 1, 0], [0, 1, 2, 3]], dtype=np.float32)
    targets = csr_matrix(np.array([[0, 1, 0, 1], [1, 0, 0, 0]], dtype=np.float32))
    gain = 1 / np.log2(np.array([2, 3]))
    expected = (gain[1] / gain.sum() + 0) / 2
    assert mean_ndcg(scores, targets, 2) == pytest.approx(expected)


def test_a_large_catalogue_is_not_asked_for_more_directions_than_fit(cut, monkeypatch):
    train, targets = cut
    monkeypatch.setattr("models.linear_choice.MOST_DIRECTIONS", 512 * 120)
    choice = LinearChoice(train, np.arange(120), targets, k=5, trials=100)
    choice.best()
    factors = list(linear_choice.START).index("factors")
    assert {key[factors] for key in choice.tried} <= {128, 512}
