"""Law 6: nothing that a filter, stock, purchases or exclusions rule out; none twice; no padding.

It holds for every kind of recommender, and `explain` tells of each item what the list did with it.
"""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from little_shop import ITEMS, fit_recommender, interactions

from domain.behaviour import Touch
from models.bought_together import BoughtTogetherRecommender
from models.content import ContentRecommender
from models.facts import ItemFacts
from models.history import History
from models.linear import LinearRecommender
from models.ranking import RanksByScore
from models.transitions import TransitionsRecommender
from serving.explain import RANKED_LOWER, RETURNED, UNKNOWN, explain, hindrances_of
from serving.filters import mask_of
from serving.items import ItemTable
from serving.likeness import Likeness
from serving.question import SOURCES, USUAL, Question, Wish
from serving.recommend import choose, popular
from serving.release import Release
from serving.taste import Taste

NOW = 1_800_000_000_000_000
KINDS = ("als", "linear", "bought_together", "content", "transitions", "unexplained", None)
some = st.lists(st.sampled_from([*ITEMS, "never-heard-of"]), max_size=4)
acts = st.sampled_from(["item-view", "add-to-cart", "purchase", "remove-from-cart", "search"])
filters = st.fixed_dictionaries(
    {},
    optional={
        "category": st.sampled_from(["mugs", "bowls", ["mugs", "bowls"], "spoons"]),
        "price": st.fixed_dictionaries({"<=": st.integers(0, 30)}),
        "not": st.fixed_dictionaries({"item_id": st.sampled_from(ITEMS)}),
    },
)
wishes = st.fixed_dictionaries(
    {
        "limit": st.integers(1, 30),
        "touches": st.lists(
            st.tuples(st.sampled_from([*ITEMS, "never-heard-of"]), acts), max_size=8
        ).map(
            lambda done: [Touch(NOW - n, f"m{n}", 0, *a, None, None) for n, a in enumerate(done)]
        ),
        "bought": some,
        "seen": some,
        "exclude": some,
        "context_items": some,
        "sources": st.sampled_from([USUAL, tuple(SOURCES), *((source,) for source in SOURCES)]),
    }
)  # fmt: skip


class Unexplained(RanksByScore):
    """Scores by hidden numbers, and says nothing of why: like a network."""

    KIND = "unexplained"

    def __init__(self, model):
        self.catalogue_, self.hidden = model.catalogue_, model.item_vectors

    def score_batch(self, histories):
        weights = np.zeros((len(histories), len(self.catalogue_)), dtype=np.float32)
        for row, history in enumerate(histories):
            at, given = self.catalogue_.weights(history)
            weights[row, at] = given
        return np.tanh(weights @ self.hidden) @ self.hidden.T


@cache
def model_of(kind):
    acts = interactions()
    if kind in ("als", "unexplained"):
        return fit_recommender() if kind == "als" else Unexplained(fit_recommender())
    if kind == "content":
        ids = acts.item_ids.tolist()
        facts = ItemFacts.of(ids, ["mugs" if "mug" in i else "bowls" for i in ids])
        return ContentRecommender(dimensions=2).fit(replace(acts, facts=facts))
    kinds = {
        "linear": LinearRecommender,
        "bought_together": BoughtTogetherRecommender,
        "transitions": TransitionsRecommender,
    }
    return kinds[kind]().fit(acts)


def table(in_stock):
    n = len(ITEMS)
    return ItemTable(
        ids=ITEMS,
        titles=ITEMS,
        categories=["mugs" if "mug" in i else None for i in ITEMS],
        brands=[None] * n,
        prices=[float(i) if i % 4 else None for i in range(n)],
        in_stock=np.array(in_stock),
        popularity=np.arange(n, dtype=float),
        trend=np.zeros(n),
        attributes=[None] * n,
    )


def released(kind, in_stock):
    items = table(in_stock)
    if kind is None:
        return Release("r1", items)
    taste = Taste(model_of(kind), items)
    return Release("r1", items, taste=taste, newcomers=Likeness(items).newcomers(items, taste))


@pytest.mark.parametrize("kind", KINDS)
@given(in_stock=st.tuples(*[st.booleans()] * len(ITEMS)), wished=wishes, plain=filters)
def test_nothing_ruled_out_is_shown_and_explain_agrees(kind, in_stock, wished, plain):
    release = released(kind, in_stock)
    passed = mask_of(plain, release.items)
    asked = Question(release, Wish(now=NOW, passed=passed, **wished))
    choice = choose(asked)
    shown = [ITEMS[pick.row] for pick in choice.picks]
    out = {*wished["bought"], *wished["seen"], *wished["exclude"], *wished["context_items"]}
    fine = {i for n, i in enumerate(ITEMS) if in_stock[n] and passed[n] and i not in out}
    assert len(shown) == len(set(shown)) and set(shown) <= fine
    if "popular" in wished["sources"]:
        assert len(shown) == min(wished["limit"], len(fine))
    assert {pick.source for pick in choice.picks} <= set(wished["sources"])
    scores = [pick.score for pick in choice.picks if pick.source in ("model", "content")]
    assert np.all(np.diff(scores) <= 1e-6)
    touched = {t.item_id for t in wished["touches"]} | set(wished["context_items"])
    named = {r["item_id"] for pick in choice.picks for r in pick.reasons} - {None}
    assert named <= touched and all(pick.reasons for pick in choice.picks)
    for row, item_id in enumerate(ITEMS):
        found = explain(asked, choice, item_id, plain)
        assert (found["verdict"] == RETURNED) == (item_id in shown)
        hindered = {h.verdict for h in hindrances_of(asked, row, plain)}
        assert bool(hindered) == (item_id not in fine)
        if found["verdict"] == RETURNED:
            assert shown[found["rank"] - 1] == item_id
        elif hindered:
            assert found["verdict"] in hindered
        elif found["verdict"] == RANKED_LOWER and found["needed"] is not None:
            assert found["score"] <= found["needed"] + 1e-6
    assert explain(asked, choice, "never-heard-of", plain)["verdict"] == UNKNOWN


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind])
def test_a_visitor_with_one_event_gets_a_list_of_their_own(kind):
    release = released(kind, [True] * len(ITEMS))
    lists = []
    for item_id in ("mug-0", "bowl-0"):
        touch = Touch(NOW, "m", 0, item_id, "item-view", None, None)
        choice = choose(Question(release, Wish(4, NOW, [touch], exclude=[item_id])))
        assert choice.fallback is None
        lists.append([ITEMS[pick.row] for pick in choice.picks])
        drawn = choice.picks[0]
        assert drawn.source == "model" and drawn.reasons[0]["item_id"] == item_id
        assert item_id.split("-")[0] in ITEMS[drawn.row]
    assert lists[0] != lists[1]


def test_what_is_popular_can_be_said_where_the_model_is_broken():
    release = released("als", [True] * len(ITEMS))
    release.taste.of = None  # whoever calls it fails
    touch = Touch(NOW, "m", 0, "mug-0", "item-view", None, None)
    with pytest.raises(TypeError):
        choose(Question(release, Wish(4, NOW, [touch])))
    choice = popular(release, Wish(4, NOW, [touch]), "the model is broken")
    assert [ITEMS[pick.row] for pick in choice.picks] == ITEMS[:-5:-1]
    assert all(pick.reasons[0]["kind"] == "popular" for pick in choice.picks)


def test_the_newcomers_of_a_model_score_as_what_they_are_like():
    release = released("als", [True] * len(ITEMS))
    assert [ITEMS[row] for row in release.newcomers.rows] == ["new-bowl"]
    leaning = release.taste.of(History.of(["bowl-0"]), release.newcomers)
    new, mug = leaning.scores(np.array([ITEMS.index("new-bowl"), ITEMS.index("mug-1")]))
    (parts,) = leaning.strongest([ITEMS.index("new-bowl")], 5)
    assert new > mug and sum(added for _, added in parts) == pytest.approx(new, abs=1e-4)
