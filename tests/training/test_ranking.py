import numpy as np
import pytest
from town import END, START, act, fill

from domain.events import to_micros
from feature_repo.state_tables import connect
from models.buy_again import BuyAgainRecommender
from models.popular import PopularRecommender
from training.acts import load_acts
from training.item_facts import load_facts
from training.ranking_test import Ranking, rank, ranking_test

WEIGHTS = {"purchase": 3.0, "intent": 2.0, "interest": 1.0}
DAY = 86_400_000_000
CUT = to_micros(START) + 50 * DAY


def acts_of(home, events):
    fill(home, events)
    with connect(home) as db:
        return load_acts(db, WEIGHTS)


def test_acts_are_weighed_by_kind_and_what_takes_back_is_no_act(tmp_path) -> None:
    acts = acts_of(
        tmp_path,
        [
            act(1, "item-view", 1, customer="a", items=[1]),
            act(2, "add-to-cart", 2, customer="a", items=[1, 2]),
            act(3, "remove-from-cart", 3, customer="a", items=[2]),
            act(4, "purchase", 4, customer="a", items=[1], value=3),
            act(5, "purchase", 4, items=[1], value=3),  # of nobody
        ],
    )
    assert acts.item_ids[acts.items].tolist() == ["i01", "i01", "i02", "i01"]
    assert acts.weights.tolist() == [1, 2, 2, 3]
    assert acts.bought.tolist() == [False, False, False, True]
    assert acts.groups.tolist() == ["interest", "intent", "intent", "purchase"]
    learned = acts.interactions(CUT, 30)
    assert learned.bought.tolist() == [False, False, False, True] and learned.facts is None


def test_a_device_counts_as_the_customer_it_became(tmp_path) -> None:
    acts = acts_of(
        tmp_path,
        [
            act(1, "item-view", 1, device="d", items=[1]),
            act(2, "purchase", 4, device="d", customer="a", items=[2], value=3),
        ],
    )
    assert acts.user_ids.tolist() == ["a"]


def test_weights_halve_with_age(tmp_path) -> None:
    acts = acts_of(tmp_path, [act(1, "item-view", 20, customer="a", items=[1])])
    assert acts.decayed(CUT, 30) == pytest.approx([0.5])


def test_histories_say_how_long_ago_and_what_each_act_was(tmp_path) -> None:
    events = [act(1, "item-view", 20, customer="a", items=[1])]
    acts = acts_of(tmp_path, [*events, act(2, "purchase", 45, customer="a", items=[2], value=1)])
    (history,) = acts.histories(np.array([0]), CUT, 30)
    assert history.ages_days == pytest.approx([30, 5])
    assert history.kinds == ("interest", "purchase")


def test_facts_are_of_the_catalogue_or_of_what_lines_said_before(tmp_path) -> None:
    fill(
        tmp_path,
        [
            act(1, "purchase", 1, customer="a", items=[3, 77], value=1),
            act(2, "purchase", 60, customer="a", items=[78], value=1),  # not yet known
        ],
    )
    with connect(tmp_path) as db:
        facts = load_facts(db, tmp_path, CUT, np.array(["i77", "i03", "i78"]))
    assert facts.titles.tolist() == ["i77", "Item 3", ""]
    assert facts.categories.tolist() == ["", "b", ""]
    np.testing.assert_array_equal(facts.prices, [82, 8, np.nan])


def town(tmp_path):
    return acts_of(
        tmp_path,
        [
            act(1, "purchase", 1, customer="a", items=[1], value=1),
            act(2, "purchase", 2, customer="b", items=[2], value=1),
            act(3, "purchase", 3, customer="b", items=[3], value=1),
            act(4, "purchase", 60, customer="a", items=[1, 2], value=1),  # 1 is not new
            act(5, "item-view", 60, customer="a", items=[3]),  # a view is no purchase
            act(6, "purchase", 60, customer="c", items=[3], value=1),  # no past
            act(7, "purchase", 60, customer="b", items=[9], value=1),  # unknown before
        ],
    )


def test_the_test_asks_for_known_items_of_customers_with_a_past(tmp_path) -> None:
    test = ranking_test(town(tmp_path), CUT, to_micros(END), 30, seed=1)
    assert test.acts.user_ids[test.users].tolist() == ["a"]
    assert test.taken == [{"i01", "i02"}]
    assert test.new == [{"i02"}]  # of all that was taken
    assert test.owned == [["i01"]]
    assert test.histories[0].item_ids == ("i01",)
    assert test.acts.times.max() < CUT


def test_recall_and_ndcg_by_hand(tmp_path) -> None:
    test = ranking_test(town(tmp_path), CUT, to_micros(END), 30, seed=1)
    model = PopularRecommender().fit(test.acts.interactions(CUT, 30))  # i03, i02, i01
    one, two = rank(model, test, 1), rank(model, test, 2)
    assert (one.of("recall")[0], one.of("ndcg")[0]) == (0, 0)
    assert two.of("recall")[0] == 1
    assert two.of("ndcg")[0] == pytest.approx(1 / np.log2(3))
    assert two.of("recall_all")[0] == 0.5
    ideal = 1 + 1 / np.log2(3)
    assert two.of("ndcg_all")[0] == pytest.approx(1 / np.log2(3) / ideal)
    assert two.of("ndcg_both")[0] == pytest.approx((1 + 1 / ideal) / np.log2(3) / 2)
    assert two.coverage == pytest.approx(2 / 3)
    assert isinstance(two, Ranking)


def test_a_customer_who_took_nothing_new_counts_among_all_items_only(tmp_path) -> None:
    acts = acts_of(
        tmp_path,
        [
            act(1, "purchase", 1, customer="a", items=[1], value=1),
            act(2, "purchase", 20, customer="a", items=[1], value=1),
            act(5, "purchase", 2, customer="b", items=[2], value=1),
            act(3, "purchase", 60, customer="a", items=[1], value=1),
            act(4, "purchase", 60, customer="b", items=[1], value=1),
        ],
    )
    test = ranking_test(acts, CUT, to_micros(END), 30, seed=1)
    assert (len(test), test.asked_new) == (2, 1)
    model = BuyAgainRecommender().fit(test.acts.interactions(CUT, 30))
    found = rank(model, test, 1)
    assert found.of("ndcg").tolist() == [1]  # b: their own item is left out
    assert found.of("ndcg_all").tolist() == [1, 0]
    assert found.of("ndcg_both").tolist() == [1, 0.5]


def test_a_history_of_one_act_is_the_last_one(tmp_path) -> None:
    test = ranking_test(town(tmp_path), CUT, to_micros(END), 30, seed=1)
    alone = test.of_one_act()
    assert [len(history) for history in alone.histories] == [1]
    assert alone.owned == [["i01"]] and alone.new == [{"i02"}]
