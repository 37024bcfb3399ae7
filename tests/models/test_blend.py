"""A blend is the weighted sum of its members on one scale; its weights are learned."""

from pathlib import Path

import numpy as np
import pytest

from domain.errors import InvalidInput
from models.als import ALSRecommender
from models.blend import BlendRecommender
from models.blend_weights import best_weights
from models.contract import RecommenderContract, checkerboard, failure_of, in_mixed_order
from models.history import History
from models.interactions import Interactions
from models.popular import PopularRecommender
from models.session_knn import SessionKNNRecommender
from models.transitions import TransitionsRecommender


def members() -> dict[str, object]:
    return {"moves": TransitionsRecommender(), "als": ALSRecommender(factors=4)}


class TestBlendRecommender(RecommenderContract):
    adds_up = False

    def make(self) -> BlendRecommender:
        return BlendRecommender(members(), weights={"als": 2.0})  # type: ignore[arg-type]

    def seen(self, interactions: Interactions) -> Interactions:
        return in_mixed_order(interactions)


class TestBlendByLength(TestBlendRecommender):
    def make(self) -> BlendRecommender:
        return BlendRecommender(members(), scale="l2")  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def two() -> BlendRecommender:
    learned = in_mixed_order(checkerboard()[0])
    parts = {"moves": TransitionsRecommender(), "knn": SessionKNNRecommender()}
    return BlendRecommender(parts, weights={"moves": 0.25, "knn": 0.75}).fit(learned)


def test_a_blend_is_the_weighted_sum_of_z_scores(two: BlendRecommender) -> None:
    histories = checkerboard()[1]
    expected = 0.0
    for name, weight in {"moves": 0.25, "knn": 0.75}.items():
        scores = two.members_[name].score_batch(histories).astype(np.float64)
        z = (scores - scores.mean(axis=1, keepdims=True)) / scores.std(axis=1, keepdims=True)
        expected = expected + weight * z
    np.testing.assert_allclose(two.score_batch(histories), expected, rtol=1e-4, atol=1e-5)


def test_shares_of_past_items_are_those_of_the_members(two: BlendRecommender) -> None:
    history, position = checkerboard()[1][0], np.array([0])
    (shares,) = two.strongest(history, position, 99)
    expected = 0.0
    for name, weight in {"moves": 0.25, "knn": 0.75}.items():
        member = two.members_[name]
        of_member = sum(value for _, value in member.strongest(history, position, 99)[0])
        expected += weight * of_member / member.score_all(history).astype(np.float64).std()
    assert sum(value for _, value in shares) == pytest.approx(expected, rel=1e-4)


def test_a_member_of_weight_0_is_not_asked() -> None:
    learned = in_mixed_order(checkerboard()[0])
    parts = {"moves": TransitionsRecommender(), "popular": PopularRecommender()}
    blend = BlendRecommender(parts, weights={"popular": 0.0}).fit(learned)
    alone = BlendRecommender({"moves": TransitionsRecommender()}).fit(learned)
    history = checkerboard()[1][3]
    np.testing.assert_array_equal(blend.score_all(history), alone.score_all(history))


def test_fit_leaves_the_given_members_as_they_were() -> None:
    given = TransitionsRecommender()
    BlendRecommender({"moves": given}).fit(in_mixed_order(checkerboard()[0]))
    assert not hasattr(given, "catalogue_")


def test_learned_weights_trust_the_member_that_knows(tmp_path: Path) -> None:
    rows = [(f"u{user}", item) for user in range(9) for item in "abcd"]
    learned = Interactions.from_ids([u for u, _ in rows], [i for _, i in rows])
    parts = {"moves": TransitionsRecommender(), "popular": PopularRecommender()}
    blend = BlendRecommender(parts).fit(learned)
    histories = [History.of(["a"]), History.of(["b"]), History.of(["c"])]

    def next_comes_first(scores: np.ndarray) -> float:
        return float(np.mean(scores.argmax(axis=1) == [1, 2, 3]))

    tried = blend.learn_weights(histories, next_comes_first)
    assert tried.quality == 1.0 and blend.weights["moves"] > 0
    blend.save(tmp_path / "model")
    again = BlendRecommender.load(tmp_path / "model")
    assert again.weights == pytest.approx(blend.weights)
    np.testing.assert_array_equal(again.score_batch(histories), blend.score_batch(histories))


def test_the_search_finds_a_mixture_that_no_member_is() -> None:
    rng = np.random.default_rng(0)
    scores = [rng.standard_normal((40, 30)).astype(np.float32) for _ in range(3)]
    truth = 0.7 * scores[0] + 0.3 * scores[1]
    asked = []

    def likeness(mixed: np.ndarray) -> float:
        asked.append(1)
        return float(np.corrcoef(mixed.ravel(), truth.ravel())[0, 1])

    found = best_weights(scores, likeness, tries=60)
    assert found.quality > 0.995 and found.weights == pytest.approx((0.7, 0.3, 0.0), abs=0.07)
    assert len(asked) == found.tries <= 60


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"scale": "ranks"}, "scale"),
        ({"weights": {"nobody": 1.0}}, "no members"),
        ({"weights": {"moves": -1.0}}, "0 or more"),
        ({"weights": {"moves": 0.0}}, "one above 0"),
    ],
)
def test_settings_that_cannot_work_are_named(settings: dict[str, object], said: str) -> None:
    blend = BlendRecommender({"moves": TransitionsRecommender()}, **settings)  # type: ignore
    learned = in_mixed_order(checkerboard()[0])
    assert said in failure_of(lambda: blend.fit(learned), InvalidInput).message


def test_members_must_share_a_catalogue() -> None:
    one, other = (
        PopularRecommender().fit(Interactions.from_ids(["u"], [item])) for item in ("a", "b")
    )
    error = failure_of(lambda: BlendRecommender.of({"x": one, "y": other}), InvalidInput)
    assert "'y'" in error.message
