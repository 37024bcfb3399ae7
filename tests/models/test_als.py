import json

import numpy as np
import pytest

from domain.errors import InvalidInput
from models.als import ALSRecommender
from models.contract import RecommenderContract, checkerboard
from models.history import History
from models.interactions import Interactions
from models.manifest import load_model


class TestALSRecommender(RecommenderContract):
    def make(self):
        return ALSRecommender(factors=4, epochs=10)


def random_interactions(rows=600, users=40, items=30):
    rng = np.random.default_rng(0)
    u = [f"u{n}" for n in rng.integers(0, users, rows)]
    i = [f"i{n}" for n in rng.integers(0, items, rows)]
    return Interactions.from_ids(u, i, rng.uniform(0.05, 2, rows))


def objective(matrix, users, items, unobserved, regularization, exponent):
    """The loss of Rendle et al. 2022, eq. 6 and 8, spelled out."""
    scores, weights = users @ items.T, matrix
    loss = (weights * (1 - scores) ** 2).sum() + unobserved * (scores**2).sum()
    for vectors, mass, others in (
        (users, weights.sum(1), len(items)),
        (items, weights.sum(0), len(users)),
    ):
        scale = (mass + unobserved * others) / (mass[mass > 0].mean() + unobserved * others)
        penalty = regularization * scale**exponent
        loss += (penalty * (vectors**2).sum(1)).sum()
    return loss


@pytest.mark.parametrize("factors", [3, 8, 24])  # rows longer and shorter than the vectors
@pytest.mark.parametrize("exponent", [0.0, 1.0])
def test_folding_in_finds_the_minimum_of_the_published_loss(factors, exponent):
    interactions = random_interactions()
    model = ALSRecommender(
        factors=factors, epochs=2, unobserved=0.2, regularization=0.05, exponent=exponent
    ).fit(interactions)
    weights = interactions.matrix().toarray().astype(np.float64)
    weights /= weights[weights > 0].mean()
    items = model.item_vectors.astype(np.float64)
    users = np.array([model.user_vector(h) for _, h in interactions.histories()], dtype=np.float64)
    settings = (0.2, 0.05, exponent)
    least = objective(weights, users, items, *settings)
    rng = np.random.default_rng(1)
    for _ in range(20):
        step = rng.normal(0, 1e-2, users.shape)
        assert objective(weights, users + step, items, *settings) > least


def test_each_epoch_lowers_the_loss():
    interactions = random_interactions()
    weights = interactions.matrix().toarray().astype(np.float64)
    weights /= weights[weights > 0].mean()
    losses = []
    for epochs in (1, 2, 4, 8):
        model = ALSRecommender(factors=8, epochs=epochs).fit(interactions)
        users = np.array([model.user_vector(h) for _, h in interactions.histories()])
        losses.append(objective(weights, users, model.item_vectors, 0.03, 0.3, 0.5))
    assert losses == sorted(losses, reverse=True)


def test_an_unknown_visitor_has_no_direction():
    model = ALSRecommender(factors=4).fit(checkerboard()[0])
    np.testing.assert_array_equal(model.user_vector(History()), np.zeros(4))


def test_a_heavier_act_pulls_harder():
    model = ALSRecommender(factors=4, regularization=0.1).fit(checkerboard()[0])
    torn = History.of(["item00", "item01"], [5.0, 0.1])
    scores = dict(zip(model.item_ids, model.score_all(torn), strict=True))
    assert scores["item02"] > scores["item03"]


def test_a_repeated_item_counts_with_the_sum_of_its_weights():
    model = ALSRecommender(factors=4).fit(checkerboard()[0])
    twice = model.score_all(History.of(["item00", "item00"], [1.0, 2.0]))
    np.testing.assert_allclose(twice, model.score_all(History.of(["item00"], [3.0])), rtol=1e-6)


def test_the_unit_of_weights_changes_nothing():
    seen = random_interactions()
    ids = seen.user_ids[seen.users], seen.item_ids[seen.items]
    model = ALSRecommender(factors=4, epochs=3).fit(seen)
    tenfold = ALSRecommender(factors=4, epochs=3).fit(
        Interactions.from_ids(*ids, seen.weights * 10)
    )
    np.testing.assert_allclose(
        tenfold.score_all(History.of(["i1", "i2"], [10, 20])),
        model.score_all(History.of(["i1", "i2"], [1, 2])),
        rtol=1e-3,
        atol=1e-4,
    )


def test_threads_change_no_score():
    history = History.of(["i1", "i2"])
    one = ALSRecommender(factors=4, epochs=3).fit(random_interactions())
    other = ALSRecommender(factors=4, epochs=3, num_threads=2).fit(random_interactions())
    np.testing.assert_array_equal(one.score_all(history), other.score_all(history))


def test_a_folder_of_an_older_version_is_refused_with_the_cure(tmp_path):
    ALSRecommender(factors=4).fit(checkerboard()[0]).save(tmp_path / "model")
    manifest = tmp_path / "model" / "manifest.json"
    plain = json.loads(manifest.read_text())
    plain["params"] = {"factors": 4, "epochs": 15, "regularization": 1.0, "alpha": 20.0}
    manifest.write_text(json.dumps(plain))
    with pytest.raises(InvalidInput, match=r"older version.*train and release"):
        load_model(tmp_path / "model")


def test_whoever_was_asked_about_before_a_history_has_the_same_vector_and_reasons():
    interactions = random_interactions()
    model = ALSRecommender(factors=4, epochs=2).fit(interactions)
    one, two, at = History.of(["i1", "i2"]), History.of(["i3"]), np.array([4, 5])
    alone = model.user_vector(one), model.strongest(one, at, 3)
    model.user_vector(two)
    assert np.array_equal(model.user_vector(one), alone[0])
    model.user_vector(two)
    assert model.strongest(one, at, 3) == alone[1]
    model.fit(random_interactions(users=20))
    assert not np.array_equal(model.user_vector(one), alone[0])
