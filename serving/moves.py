"""What made a list differ from the order of worth, item by item, for the trace."""

from collections.abc import Mapping

from serving.arrange import Arranged
from serving.pool import Pool
from serving.rules_trace import FRESH, KEPT_OUT, PINNED, SPREAD, Step, Trace


def note(pool: Pool, arranged: Arranged, pins: Mapping[int, int], trace: Trace) -> None:
    """Write down what happened to each candidate; `pins` are candidate -> number of the pin."""
    place_of = {n: place for place, n in enumerate(arranged.order, start=1)}
    last = max((n for n in place_of if n not in arranged.pinned), default=-1)
    for n, pick in enumerate(pool.picks):
        if n in place_of:
            step = _inside(n, place_of[n], arranged, pins)
        else:
            step = _outside(n, arranged, pins, last)
        if step is not None:
            trace.moved(pick.row, step)


def _inside(n: int, place: int, arranged: Arranged, pins: Mapping[int, int]) -> Step | None:
    rank = n + 1
    if n in arranged.pinned:
        return Step(f"pins[{pins[n]}]", PINNED, "pinned by the shop", rank, place)
    if n in arranged.reserved and rank > len(arranged.order):
        return Step("freshness", FRESH, "new here", rank, place)
    if arranged.is_spread and place < rank:
        return Step("diversity", SPREAD, "less like the items before it", rank, place)
    return None


def _outside(n: int, arranged: Arranged, pins: Mapping[int, int], last: int) -> Step | None:
    rank = n + 1
    if n in arranged.over:
        return Step(arranged.over[n], KEPT_OUT, "enough of its kind are in the list", rank)
    if n in pins:
        return Step(f"pins[{pins[n]}]", KEPT_OUT, "pinned behind the end of the list", rank)
    if n < last and arranged.is_spread:
        return Step("diversity", SPREAD, "too like the items before it", rank)
    if n < last:
        return Step("freshness", FRESH, "its place is kept for a new item", rank)
    return None
