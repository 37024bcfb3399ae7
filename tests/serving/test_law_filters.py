"""Law 6: nothing that a filter, stock, purchases or exclusions rule out; none twice; no padding."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from little_shop import ITEMS, fit_recommender

from domain.behaviour import Touch
from serving.filters import mask_of
from serving.items import ItemTable
from serving.question import Wish
from serving.recommend import recommend
from serving.release import Release
from serving.taste import Taste

NOW = 1_800_000_000_000_000
some = st.lists(st.sampled_from([*ITEMS, "never-heard-of"]), max_size=8)
kinds = st.sampled_from(["item-view", "add-to-cart", "purchase", "remove-from-cart", "search"])
filters = st.fixed_dictionaries(
    {},
    optional={
        "category": st.sampled_from(["mugs", "bowls", ["mugs", "bowls"], "spoons"]),
        "price": st.fixed_dictionaries({"<=": st.integers(0, 30)}),
        "not": st.fixed_dictionaries({"item_id": st.sampled_from(ITEMS)}),
    },
)


@pytest.fixture(scope="module")
def model():
    return fit_recommender()


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


@given(
    in_stock=st.lists(st.booleans(), min_size=len(ITEMS), max_size=len(ITEMS)),
    touched=st.lists(st.tuples(st.sampled_from([*ITEMS, "never-heard-of"]), kinds), max_size=10),
    bought=some,
    exclude=some,
    context=some,
    plain=filters,
    limit=st.integers(1, 30),
    with_taste=st.booleans(),
)
def test_nothing_ruled_out_is_shown(
    model, in_stock, touched, bought, exclude, context, plain, limit, with_taste
):
    items = table(in_stock)
    release = Release("r1", items, taste=Taste(model, items) if with_taste else None)
    touches = [Touch(NOW - n, f"m{n}", 0, i, k, None, None) for n, (i, k) in enumerate(touched)]
    passed = mask_of(plain, items)
    wish = Wish(limit, NOW, touches, bought, exclude, context, passed)
    shown = [items.ids[pick.row] for pick in recommend(release, wish).picks]
    fine = {
        i
        for n, i in enumerate(ITEMS)
        if in_stock[n] and passed[n] and i not in {*bought, *exclude, *context}
    }
    assert len(shown) == len(set(shown)) == min(limit, len(fine))
    assert set(shown) <= fine
