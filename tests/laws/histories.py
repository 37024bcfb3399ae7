"""Random histories for the laws: few people, few items, many ties, odd values."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from domain.catalogue import builtin_catalogue
from domain.events import CHANNELS, DEVICES, Event, Line

START = datetime(2024, 1, 1, tzinfo=UTC)
DAYS = 60
_KINDS = (*builtin_catalogue().kinds, "Custom Thing")

instants = st.one_of(
    st.integers(0, DAYS * 86_400).map(lambda s: START + timedelta(seconds=s)),
    st.integers(0, 240).map(lambda s: START + timedelta(days=20, seconds=s)),  # many close by
)
money = st.floats(0, 1e5, allow_nan=False).map(lambda v: round(v, 2))
lines = st.builds(
    Line,
    item_id=st.sampled_from(["i1", "i2", "i3", "i4"]),
    quantity=st.integers(0, 5).map(float),
    unit_price=st.none() | money,
    category=st.sampled_from([None, "mugs", "éclairs", "Zöpfe", "bowls"]),
    brand=st.sampled_from([None, "acme", "zeta", "Omega", "beta"]),
)
trait_values = st.sampled_from(["UK", "", None, 33, 3.5, -1, True, {"a": 1}, ["x"], "ü", 10**25])
traits = st.dictionaries(
    st.sampled_from(["country", "city", "age", "email", "gender", 'a"b', "source"]),
    trait_values,
    max_size=2,
)
keys = st.fixed_dictionaries(  # what tells that two customers are one person
    {},
    optional={
        "email": st.sampled_from(["ann@shop.example", " Ann@Shop.example", "test@test.com"]),
        "phone": st.sampled_from(["+49 170 1234567", "0000000"]),
    },
)


def own_keys(traits: dict[str, Any], n: int) -> dict[str, Any]:
    """Return traits whose keys join people of example `n` alone."""
    own = {"ann@shop.example": f"ann@{n}.example", " Ann@Shop.example": f" Ann@{n}.Example",
           "+49 170 1234567": f"+49 170 1234567 {n}"}  # fmt: skip
    return {k: own.get(v, v) if isinstance(v, str) else v for k, v in traits.items()}


def history(max_size: int = 40) -> st.SearchStrategy[list[Event]]:
    """Return a strategy of lists of events with distinct message ids."""
    bodies = st.fixed_dictionaries(
        {
            "kind": st.sampled_from(_KINDS) | st.sampled_from(["purchase", "add-to-cart", "alias"]),
            "at": instants,
            "customer_id": st.sampled_from([None, "c1", "c2", "c3", "c4"]),
            "anonymous_id": st.sampled_from([None, "a1", "a2", "a3", "c1", "c3"]),
            "lines": st.lists(lines, max_size=3).map(tuple),
            "value": st.none() | money,
            "channel": st.sampled_from([None, *CHANNELS]),
            "device": st.sampled_from([None, *DEVICES]),
            "campaign": st.sampled_from([None, "spring", "fall", "Ärger", "a 'quoted' one"]),
            "traits": traits | keys,
            "consent": st.dictionaries(st.just("marketing"), st.booleans(), max_size=1),
        }
    )
    return st.lists(bodies, max_size=max_size).map(
        lambda rows: [
            Event(message_id=f"m{n}", received_at=START, **row) for n, row in enumerate(rows)
        ]
    )
