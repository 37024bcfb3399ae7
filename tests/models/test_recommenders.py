import numpy as np
import pytest

from domain.errors import InvalidInput
from models.contract import checkerboard
from models.facts import ItemFacts
from models.history import History
from models.interactions import MICROS_PER_DAY, Interactions
from models.popular import PopularRecommender
from models.ranking import Catalogue


def test_interactions_code_ids_in_sorted_order():
    seen = Interactions.from_ids(["b", "a", "b"], ["y", "x", "y"], [1, 2, 3])
    assert seen.user_ids.tolist() == ["a", "b"] and seen.item_ids.tolist() == ["x", "y"]
    np.testing.assert_array_equal(seen.matrix().toarray(), [[2, 0], [0, 4]])
    np.testing.assert_array_equal(seen.item_weights(), [2, 4])


def test_histories_put_the_most_recent_last():
    seen = Interactions.from_ids(["a", "b", "a"], ["new", "only", "old"], times=[9, 5, 1])
    found = dict(seen.histories())
    assert found["a"] == History.of(["old", "new"]) and found["b"] == History.of(["only"])
    assert list(Interactions.from_ids([], []).histories()) == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"items": [0, 9]}, "items codes go from 0 to 9 for 2 ids"),
        ({"users": [0, -1]}, "users codes go from -1"),
        ({"weights": [1, 0]}, "above 0"),
        ({"weights": [1, np.nan]}, "above 0"),
        ({"times": [1]}, "differ in length"),
        ({"bought": [True]}, "differ in length"),
        ({"facts": ItemFacts.of(["Tea"])}, "facts of 1 items for 2 item_ids"),
        ({"item_ids": ["x", "x"]}, "twice"),
    ],
)
def test_interactions_that_do_not_fit_are_refused(change, message):
    good = {"users": [0, 1], "items": [0, 1], "weights": [1, 1], "item_ids": ["x", "y"]}
    with pytest.raises(InvalidInput, match=message):
        Interactions(**{**good, "user_ids": ["a", "b"], **change})


def test_histories_that_do_not_fit_are_refused():
    with pytest.raises(InvalidInput, match="1 weights for 2 item ids"):
        History(("a", "b"), (1.0,))
    for weight in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(InvalidInput, match="above 0"):
            History.of(["a"], [weight])
    with pytest.raises(InvalidInput, match="1 ages_days for 2 item ids"):
        History.of(["a", "b"], ages_days=[3.0])
    with pytest.raises(InvalidInput, match="1 kinds for 2 item ids"):
        History.of(["a", "b"], kinds=["purchase"])
    for age in (-1.0, float("nan"), float("inf")):
        with pytest.raises(InvalidInput, match="each age"):
            History.of(["a"], ages_days=[age])


def test_histories_of_a_moment_know_their_ages_and_what_was_bought():
    times, bought = [MICROS_PER_DAY, 2 * MICROS_PER_DAY], [True, False]
    seen = Interactions.from_ids(["a", "a"], ["tea", "jam"], times=times, bought=bought)
    ((_, history),) = seen.histories(as_of=4 * MICROS_PER_DAY)
    assert history.ages_days == (3.0, 2.0) and history.kinds == ("purchase", "interest")
    ((_, history),) = seen.histories()
    assert history.ages_days is None
    with pytest.raises(InvalidInput, match="each age"):
        list(seen.histories(as_of=MICROS_PER_DAY))


def test_equal_scores_stand_in_catalogue_order():
    catalogue = Catalogue(np.array(["a", "b", "c", "d"]))
    ids, scores = catalogue.best(np.array([1.0, 2.0, 1.0, 1.0]), 3)
    assert ids == ["b", "a", "c"] and scores.tolist() == [2, 1, 1]


def test_broken_scores_are_never_returned():
    catalogue = Catalogue(np.array(["a", "b", "c"]))
    assert catalogue.best(np.array([np.nan, -np.inf, 0.5]), 3)[0] == ["c"]
    with pytest.raises(InvalidInput, match="k is -1"):
        catalogue.best(np.zeros(3), -1)


def test_each_history_of_a_batch_has_its_own_exclusions():
    interactions, histories, _ = checkerboard()
    model = PopularRecommender().fit(interactions)
    with pytest.raises(InvalidInput, match="1 collections for 24 histories"):
        model.recommend_batch(histories, 3, [["item00"]])
