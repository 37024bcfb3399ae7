"""Law 6 where a placement has a rule: nothing ruled out, none twice, caps kept, pins in place."""

import math
from collections import Counter
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from little_shop import ITEMS, fit_recommender

from domain.behaviour import Touch
from domain.events import to_micros
from serving.filters import mask_of
from serving.items import ItemTable
from serving.placement_store import Kept
from serving.placing import place
from serving.question import Wish
from serving.release import Release
from serving.rerank import ranked
from serving.shapes.placements import Rule
from serving.taste import Taste
from serving.viewer import Viewer

NOW = datetime(2026, 3, 1, tzinfo=UTC)
item = st.sampled_from(ITEMS)
some = st.lists(item, max_size=4)
filters = st.sampled_from(
    [{}, {"category": "mugs"}, {"price": {"<=": 9}}, {"not": {"category": "mugs"}}]
)
pins = st.lists(
    st.fixed_dictionaries(
        {"item_id": item | st.just("vanished"), "position": st.integers(1, 12)},
        optional={"segment": st.sampled_from(["in", "out"]), "to": st.just("2026-02-01T00:00:00Z")},
    ),
    max_size=4,
)
boosts = st.lists(
    st.fixed_dictionaries(
        {
            "filter": st.sampled_from([{"category": "mugs"}, {"item_id": ITEMS[:3]}, {"nix": 1}]),
            "factor": st.sampled_from([0.01, 0.5, 2.0, 50.0]),
        }
    ),
    max_size=3,
)
cap = st.integers(1, 4)
rules = st.fixed_dictionaries(
    {"filter": filters, "pins": pins, "boosts": boosts},
    optional={
        "caps": st.tuples(cap, cap).map(
            lambda most: [
                {"attribute": "category", "at_most": most[0]},
                {"attribute": "brand", "at_most": most[1]},
            ]
        ),
        "diversity": st.fixed_dictionaries(
            {
                "lambda": st.sampled_from([0.0, 0.5, 1.0]),
                "over": st.sampled_from(["vectors", "category", "brand"]),
            }
        ),
        "freshness": st.fixed_dictionaries(
            {"share": st.sampled_from([0.1, 0.5, 1.0])},
            optional={"filter": st.just({"price": {">=": 10}})},
        ),
        "sources": st.lists(
            st.sampled_from(["model", "trending", "popular", "affinity"]), max_size=3, unique=True
        ).map(lambda names: [{"name": name} for name in names]),
        "repeat": st.just({"times": 2, "days": 1}),
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
        categories=[
            "mugs" if "mug" in i else "bowls" if n % 5 else None for n, i in enumerate(ITEMS)
        ],
        brands=["Potters" if i % 3 else "Kiln" if i % 2 else None for i in range(n)],
        prices=[float(i) for i in range(n)],
        in_stock=np.array(in_stock),
        popularity=np.arange(n, dtype=float),
        trend=-np.arange(n, dtype=float),
        attributes=[None] * n,
    )


stocks = st.lists(
    st.sampled_from([True, True, True, False]), min_size=len(ITEMS), max_size=len(ITEMS)
)
pasts = st.lists(item, max_size=5)


@given(
    in_stock=stocks, touched=pasts, bought=some, exclude=some, context=some, asked=filters,
    rule=rules, limit=st.integers(1, 12), with_taste=st.booleans(), often=some,
)  # fmt: skip
def test_rules_never_show_what_is_ruled_out(
    model, in_stock, touched, bought, exclude, context, asked, rule, limit, with_taste, often
):
    items = table(in_stock)
    release = Release("r1", items, taste=Taste(model, items) if with_taste else None)
    at = to_micros(NOW)
    touches = [Touch(at - n, f"m{n}", 0, i, "item-view", None, None) for n, i in enumerate(touched)]
    wish = Wish(limit, at, touches, bought, exclude, context, mask_of(asked, items))
    kept = Kept("home", rule, Rule.model_validate(rule), 1, NOW, "a test")
    viewer = Viewer(segments=lambda: ["in"], shown=lambda *_: Counter(dict.fromkeys(often, 2)))

    found = place(release, wish, kept, viewer, NOW)
    shown = [items.ids[pick.row] for pick in found.choice.picks]

    out = {*bought, *exclude, *context, *(often if "repeat" in rule else ())}
    passed = mask_of(asked, items) & mask_of(rule["filter"], items)
    fine = [n for n, i in enumerate(ITEMS) if in_stock[n] and passed[n] and i not in out]
    assert {items.row_of[i] for i in shown} <= set(fine)
    assert len(shown) == len(set(shown)) <= limit
    _check_caps(items, rule, shown)
    if not rule.get("caps"):
        assert len(shown) == min(limit, len(fine))
        _check_pins(items, rule, shown, fine, limit)
        _check_new(items, rule, shown, fine, limit)
    again = place(release, wish, kept, viewer, NOW)
    assert [pick.row for pick in again.choice.picks] == [pick.row for pick in found.choice.picks]
    assert again.trace.steps == found.trace.steps


def _check_caps(items, rule, shown):
    for cap in rule.get("caps", ()):
        values = items.categories if cap["attribute"] == "category" else items.brands
        held = Counter(v for i in shown if (v := values[items.row_of[i]]) is not None)
        assert max(held.values(), default=0) <= cap["at_most"]


def _check_pins(items, rule, shown, fine, limit):
    """Of pins for one place, that for the segment comes first, then the earlier one."""
    mine = [p for p in rule["pins"] if p.get("segment") != "out" and "to" not in p]
    mine = sorted(mine, key=lambda p: "segment" not in p)
    able = [p for p in mine if p["item_id"] in ITEMS and items.row_of[p["item_id"]] in fine]
    firsts = {p["item_id"]: p for p in reversed(able)}.values()
    places = Counter(p["position"] for p in firsts)
    clash = any(times > 1 for times in places.values())
    inside = [p for p in firsts if p["position"] <= limit]
    exact = all(
        p["position"] <= len(shown) for p in inside
    )  # else there is nothing to fill up with
    for pin in inside if not clash else ():
        assert pin["item_id"] in shown
        if exact:
            assert shown[pin["position"] - 1] == pin["item_id"]


def _check_new(items, rule, shown, fine, limit):
    """With a filter for what is new: the share is there, or all that may be shown is."""
    freshness = rule.get("freshness", {})
    if "filter" not in freshness or rule["pins"]:
        return
    new = mask_of(freshness["filter"], items)
    wanted = min(math.ceil(freshness["share"] * limit), sum(bool(new[n]) for n in fine))
    assert sum(bool(new[items.row_of[i]]) for i in shown) >= wanted


@given(in_stock=stocks, touched=pasts, given_ids=st.lists(item, max_size=14, unique=True))
def test_reranking_gives_back_what_it_was_given_each_once(model, in_stock, touched, given_ids):
    items = table(in_stock)
    release = Release("r1", items, taste=Taste(model, items))
    at = to_micros(NOW)
    touches = [Touch(at - n, f"m{n}", 0, i, "purchase", None, None) for n, i in enumerate(touched)]
    rows = items.rows(given_ids)
    picks = ranked(release, rows, Wish(max(len(rows), 1), at, touches)).picks
    assert sorted(pick.row for pick in picks) == sorted(rows.tolist())
    stock = [in_stock[pick.row] for pick in picks]
    assert stock == sorted(stock, reverse=True)
