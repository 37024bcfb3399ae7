"""Edges to intervals: the order of arrival means nothing, an undone edge leaves no trace."""

from hypothesis import given
from hypothesis import strategies as st

from domain.stitching import (
    FOREVER,
    Edge,
    Holder,
    Interval,
    canonical_ids,
    edges_of_key,
    intervals,
)

ids = st.sampled_from("abcdefg")
edges = st.lists(
    st.builds(
        lambda at, a, b, length: Edge(at, a, b, "email", f"{a}{b}", at + length),
        st.integers(0, 9), ids, ids, st.sampled_from([1, 3, FOREVER - 9]),
    ).filter(lambda e: e.id_a != e.id_b),
    max_size=12,
)  # fmt: skip


def at_time(rows: list[Interval], moment: int) -> dict[str, str]:
    return {r.id: r.canonical_id for r in rows if r.from_at < moment <= r.to_at}


@given(edges, st.randoms(use_true_random=False))
def test_any_order_of_arrival_gives_the_same_intervals(given_edges, random):
    shuffled = given_edges * 2
    random.shuffle(shuffled)
    assert intervals(shuffled) == intervals(given_edges)


@given(edges, st.integers(0, 14))
def test_intervals_are_the_components_of_every_moment(given_edges, moment):
    standing = [e for e in given_edges if e.at < moment <= e.until]
    known = {i: c for i, c in canonical_ids(standing).items() if i != c}
    assert at_time(intervals(given_edges), moment) == known


@given(edges, edges)
def test_what_comes_later_changes_nothing_before(early, late):
    shifted = [e._replace(at=e.at + 20, until=min(e.until + 20, FOREVER)) for e in late]
    for moment in range(12):
        both = at_time(intervals([*early, *shifted]), moment)
        assert both == at_time(intervals(early), moment)


@given(edges, st.data())
def test_an_undone_edge_takes_away_what_it_joined_and_nothing_else(given_edges, data):
    if not given_edges:
        return
    undone = data.draw(st.sampled_from(given_edges))
    rest = [e for e in given_edges if e != undone]
    with_it, without = canonical_ids(given_edges), canonical_ids(rest)
    other = {i for i in with_it if with_it[i] != with_it[undone.id_a]}
    assert {i: without[i] for i in other} == {i: with_it[i] for i in other}
    assert intervals(rest) == intervals([e for e in reversed(given_edges) if e != undone])


def test_three_who_share_an_address_are_one_and_go_by_the_smallest_id():
    holders = [Holder(30, "c"), Holder(10, "b"), Holder(20, "a")]
    found = intervals(edges_of_key("email", "k", holders, 10))
    assert found == [Interval("b", "a", 20, FOREVER), Interval("c", "a", 30, FOREVER)]


def test_a_key_that_too_many_share_joins_nobody_from_then_on():
    holders = [Holder(n, name) for n, name in enumerate("abcd")]
    assert len(edges_of_key("email", "k", holders, 4)) == 3
    found = intervals(edges_of_key("email", "k", holders, 3))
    assert found == [Interval("b", "a", 1, 3), Interval("c", "a", 2, 3)]
    assert edges_of_key("email", "k", holders, 1) == []


def test_a_merge_goes_by_one_name_whoever_held_the_key_first():
    late = edges_of_key("email", "k", [Holder(5, "a"), Holder(9, "b")], 10)
    early = edges_of_key("email", "k", [Holder(1, "x"), Holder(5, "a"), Holder(9, "b")], 10)
    assert late[0].merge_id in {e.merge_id for e in early}
