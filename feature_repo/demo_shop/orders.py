"""Orders: what goes into the basket, what it costs, and what comes of it later."""

import numpy as np
import pandas as pd

from domain.catalogue import ADD_TO_CART, PURCHASE, RETURN
from domain.events import Line
from feature_repo.demo_shop.journal import rows, visit_rows
from feature_repo.demo_shop.people import People
from feature_repo.demo_shop.shelf import Shelf
from feature_repo.demo_shop.taste import Taste

SECOND_PIECE, THIRD_PIECE = 0.12, 0.03  # chance of one piece more, and of another one
MEAN_QUANTITY = 1 + SECOND_PIECE + THIRD_PIECE
RETURN_SHARE, RATING_SHARE = 0.06, 0.08  # of the orders


def order_rows(
    rng: np.random.Generator, people: People, taste: Taste, shelf: Shelf, visits: pd.DataFrame
) -> list[pd.DataFrame]:
    """Return cart, checkout, purchase, return and rating rows of all visits that buy."""
    baskets = _fill(rng, people, taste, shelf, visits)
    carted = visit_rows(ADD_TO_CART, visits, baskets["visit"].to_numpy(),
                        rng.uniform(0.55, 0.84, len(baskets)), item=baskets["item"])  # fmt: skip
    visit = baskets["visit"].unique()
    lines = _lines(shelf, baskets)
    orders = {
        "order": [f"O{number:06d}" for number in range(100_001, 100_001 + len(visit))],
        "lines": lines,
        "value": [round(sum(map(_price_eur, row)), 2) for row in lines],
    }
    step = np.full(len(visit), 0.9)
    checkout = visit_rows("order-checkout", visits, visit, step, lines=lines, value=orders["value"])
    bought = visit_rows(PURCHASE, visits, visit, step + 0.1, **orders,
                        decision=visits["decision"].to_numpy()[visit])  # fmt: skip
    return [carted, checkout, bought, _returns(rng, bought), _ratings(rng, bought)]


def _fill(
    rng: np.random.Generator, people: People, taste: Taste, shelf: Shelf, visits: pd.DataFrame
) -> pd.DataFrame:
    """Return one row per visit and item (visit, item, quantity): the item in mind, and others."""
    visit = np.flatnonzero(visits["kind"] == "buy")
    person = visits["person"].to_numpy()
    more = np.repeat(visit, rng.poisson(people.extra_lines[person[visit]]))
    focus, at = visits["focus"].to_numpy(), visits["at"].to_numpy()
    near = taste.draw(rng, person[more], at[more], shelf.category[focus[more]])
    free = taste.draw(rng, person[more], at[more])
    other = np.where(rng.random(len(more)) < 0.5, near, free)
    baskets = pd.DataFrame(
        {"visit": np.append(visit, more), "item": np.append(focus[visit], other)}
    )
    luck = rng.random(len(baskets))
    baskets["quantity"] = 1 + (luck < SECOND_PIECE).astype(int) + (luck < THIRD_PIECE)
    return baskets.groupby(["visit", "item"])[["quantity"]].sum().reset_index()


def _lines(shelf: Shelf, baskets: pd.DataFrame) -> list[tuple[Line, ...]]:
    """Return the lines of each order, in the order of their visits."""
    found: dict[int, list[Line]] = {}
    columns = (baskets[name].tolist() for name in ("visit", "item", "quantity"))
    for visit, item, quantity in zip(*columns, strict=True):
        one = shelf.lines[item]
        line = Line(one.item_id, float(quantity), one.unit_price, one.category, one.brand)
        found.setdefault(visit, []).append(one if quantity == 1 else line)
    return [tuple(lines) for lines in found.values()]


def _price_eur(line: Line) -> float:
    return line.quantity * (line.unit_price or 0.0)


def _returns(rng: np.random.Generator, bought: pd.DataFrame) -> pd.DataFrame:
    """Some orders come back in part, one to three weeks later."""
    back = bought[rng.random(len(bought)) < RETURN_SHARE]
    lines = [row[:1] for row in back["lines"]]
    value = [round(_price_eur(row[0]), 2) for row in lines]
    at = back["at"].to_numpy() + rng.uniform(5, 21, len(back))
    return rows(RETURN, at, back["person"].to_numpy(), order=back["order"].to_numpy(),
                lines=lines, value=value, channel="other")  # fmt: skip


def _ratings(rng: np.random.Generator, bought: pd.DataFrame) -> pd.DataFrame:
    """Some customers rate what they bought, unasked."""
    rated = bought[rng.random(len(bought)) < RATING_SHARE]
    at = rated["at"].to_numpy() + rng.uniform(4, 20, len(rated))
    stars = [
        {"stars": int(n)} for n in rng.choice([2, 3, 4, 5], len(rated), p=[0.1, 0.15, 0.35, 0.4])
    ]
    return rows("rating", at, rated["person"].to_numpy(), channel="web", properties=stars,
                lines=[row[:1] for row in rated["lines"]])  # fmt: skip
