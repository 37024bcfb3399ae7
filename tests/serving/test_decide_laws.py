"""Lists of one call share no item, whatever they ask for; and each keeps law 6 on its own."""

from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from little_shop import BOWLS, ITEMS, fit_recommender, write_items

from domain.behaviour import State, Touch
from domain.events import to_micros
from serving.at_once import Seen
from serving.decide_parts import Call, decide_parts
from serving.items import read_items
from serving.listing import passed_by
from serving.metrics import Metrics
from serving.people import Person
from serving.placement_store import PlacementStore
from serving.release import Release
from serving.shapes.decide import DecideAsked
from serving.taste import Taste

NOW = datetime(2026, 3, 1, tzinfo=UTC)
some = st.lists(st.sampled_from(ITEMS), max_size=4)
filters = st.sampled_from(
    [{}, {"category": "mugs"}, {"price": {"<=": 9}}, {"not": {"category": "mugs"}}]
)
wanted = st.fixed_dictionaries(
    {
        "placement": st.sampled_from(["top", "foot"]),
        "limit": st.integers(1, 8),
        "filter": filters,
        "exclude": some,
        "context_items": some,
    }
)


@pytest.fixture(scope="module")
def items(tmp_path_factory):
    folder = tmp_path_factory.mktemp("release")
    write_items(folder)
    return read_items(folder / "items.parquet")


@pytest.fixture(scope="module")
def model():
    return fit_recommender()


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """One of the placements has a rule that orders, and leaves nothing out."""
    found = PlacementStore(tmp_path_factory.mktemp("control"))
    rule = {
        "pins": [{"item_id": "bowl-2", "position": 2}, {"item_id": "gone-mug", "position": 1}],
        "diversity": {"lambda": 0.5},
        "boosts": [{"filter": {"category": "mugs"}, "factor": 3}],
    }
    found.put("top", rule, NOW, "a test")
    yield found
    found.close()


@given(
    lists=st.lists(wanted, min_size=1, max_size=6),
    here=some,
    touched=some,
    bought=some,
    with_taste=st.booleans(),
)
def test_the_lists_of_a_call_share_no_item(
    items, model, store, lists, here, touched, bought, with_taste
):
    release = Release("r1", items, taste=Taste(model, items) if with_taste else None)
    asked = DecideAsked.model_validate({"context_items": here, "want": {"recommendations": lists}})
    at = to_micros(NOW)
    touches = tuple(
        Touch(at - n, f"m{n}", 0, i, "item-view", None, None) for n, i in enumerate(touched)
    )
    person = Person("ada", State(touches=touches))
    masks = [passed_by(w, release) for w in asked.want.recommendations]
    runtime = SimpleNamespace(metrics=Metrics(), placements=store)
    call = Call(runtime, asked, NOW, release, "d-1", masks, None, Seen(person, frozenset(bought)))
    answers = decide_parts(call).lists
    shown = [i["item_id"] for answer in answers for i in answer["items"]]
    assert len(shown) == len(set(shown))
    taken: set[str] = set()
    for wish, mask, answer in zip(asked.want.recommendations, masks, answers, strict=True):
        out = {*wish.exclude, *wish.context_items, *here, *bought, *taken}
        fine = {
            i
            for n, i in enumerate(items.ids)
            if items.in_stock[n] and (mask is None or mask[n]) and i not in out
        }
        own = {i["item_id"] for i in answer["items"]}
        assert own <= fine and len(own) == min(wish.limit, len(fine))
        taken |= own


def test_the_first_placement_has_the_first_choice(items, model, store):
    release = Release("r1", items, taste=Taste(model, items))
    body = {"want": {"recommendations": [{"placement": p, "limit": 2} for p in ("a", "b")]}}
    asked = DecideAsked.model_validate(body)
    touch = Touch(to_micros(NOW), "m", 0, "bowl-0", "item-view", None, None)
    seen = Seen(Person("ada", State(touches=(touch,))))
    call = Call(
        SimpleNamespace(metrics=Metrics(), placements=store),
        asked,
        NOW,
        release,
        "d-1",
        [None] * 2,
        None,
        seen,
    )
    first, second = decide_parts(call).lists
    assert {i["item_id"] for i in (*first["items"], *second["items"])} <= set(BOWLS)
    assert min(i["score"] for i in first["items"]) >= max(i["score"] for i in second["items"])
