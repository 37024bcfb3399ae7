from dataclasses import replace

import numpy as np
import pytest

from domain.errors import InvalidInput
from models.content import ContentRecommender
from models.contract import RecommenderContract
from models.facts import ItemFacts
from models.history import History
from models.interactions import Interactions
from models.manifest import load_model

SHELF = ItemFacts.of(
    ["Blue ceramic mug", "Red ceramic mug", "Wool scarf", "Red wool hat", "Blue bowl", "Odd thing"],
    categories=["mugs", "mugs", "wear", "wear", "bowls", None],
    brands=["Kiln", "Kiln", "Loom", "Loom", "Kiln", None],
    attributes=["dishwasher_true", "dishwasher_true", "", "", "dishwasher_true", ""],
)
IDS = ["m1", "m2", "s1", "h1", "b1", "o1"]
SEEN = Interactions(
    users=np.zeros(6), items=np.arange(6), weights=np.array([1, 1, 5, 1, 1, 1]), item_ids=IDS,
    user_ids=["u"], facts=SHELF,
)  # fmt: skip


class TestContentRecommender(RecommenderContract):
    def make(self):
        return ContentRecommender(dimensions=2)

    def seen(self, interactions):
        ids = interactions.item_ids.tolist()
        colour = ["dark" if item_id[-1] in "02468" else "light" for item_id in ids]
        return replace(interactions, facts=ItemFacts.of(colour, brands=["any"] * len(ids)))


def fitted(**settings) -> ContentRecommender:
    return ContentRecommender(**settings).fit(SEEN)


def test_likeness_follows_words_category_and_brand():
    assert fitted().recommend(History.of(["m1"]), 2, exclude=["m1"])[0] == ["m2", "b1"]
    assert fitted().recommend(History.of(["s1"]), 1, exclude=["s1"])[0] == ["h1"]


def test_an_item_added_a_moment_ago_stands_where_its_words_fit(tmp_path):
    fitted(dimensions=3).save(tmp_path / "model")
    model = load_model(tmp_path / "model")
    new = ItemFacts.of(["Green ceramic mug", "Scarf of wool", "Xylophone"], ["mugs", "wear", None])
    vectors = model.vectors_of(new)
    likeness = vectors @ model.item_vectors.T
    assert model.item_ids[likeness[0].argmax()] in ("m1", "m2")
    assert model.item_ids[likeness[1].argmax()] in ("s1", "h1")
    assert not vectors[2].any()  # nothing is known of it yet
    drinker = model.user_vector(History.of(["m1", "b1"]))
    assert vectors[0] @ drinker > vectors[1] @ drinker + 0.2


def test_vectors_of_the_known_items_are_their_own():
    model = fitted(dimensions=3)
    np.testing.assert_allclose(model.vectors_of(SHELF), model.item_vectors, atol=1e-6)
    lengths = np.linalg.norm(model.item_vectors, axis=1)
    np.testing.assert_allclose(lengths, [1, 1, 1, 1, 1, 0], atol=1e-6)


def test_the_order_and_case_of_words_change_nothing():
    model = fitted()
    one, other = model.vectors_of(ItemFacts.of(["Red MUG, ceramic!", "ceramic red mug"]))
    np.testing.assert_array_equal(one, other)


def test_tf_idf_is_that_of_scikit_learn():
    from sklearn.feature_extraction.text import TfidfVectorizer

    titles = ["red mug red", "blue mug", "red hat", "blue hat mug"]
    facts = ItemFacts.of(titles)
    vocabulary = (
        ContentRecommender()
        .fit(replace(SEEN, item_ids=IDS[:4], users=[0], items=[0], weights=[1], facts=facts))
        .vocabulary_
    )
    reference = TfidfVectorizer(sublinear_tf=True).fit_transform(titles).toarray()
    np.testing.assert_allclose(vocabulary.weigh(facts).toarray(), reference, atol=1e-6)


def test_a_catalogue_without_words_has_the_popular_order():
    bare = replace(SEEN, facts=ItemFacts.of([""] * 6))
    model = ContentRecommender().fit(bare)
    assert model.recommend(History(), 1)[0] == ["s1"]
    assert model.score_all(History.of(["m1"])).tolist() == [0] * 6


def test_without_facts_there_is_nothing_to_read():
    with pytest.raises(InvalidInput, match="import a catalogue"):
        ContentRecommender().fit(replace(SEEN, facts=None))
