"""After the year: the truth is put together from the hidden state and what was offered."""

from datetime import datetime

import numpy as np
import pandas as pd

from domain.catalogue import PURCHASE
from feature_repo.demo_shop.orders import MEAN_QUANTITY
from feature_repo.demo_shop.truth import Truth
from feature_repo.demo_shop.vocabulary import vocabulary
from feature_repo.demo_shop.world import World

RATE_PRIOR_DAYS = 120.0  # how many average days the mean weighs in a customer's own offer rate


def reckon(
    world: World,
    end: datetime,
    customer_ids: tuple[str, ...],
    chosen: pd.DataFrame,
    visits: pd.DataFrame,
    known_day: np.ndarray,
) -> Truth:
    """Return the truth; `chosen` is the frame of decisions, `known_day` has shape (customers,)."""
    people, words = world.people, vocabulary()
    bought = visits[visits["kind"] == "buy"]
    first_purchase = np.full(people.count, np.inf)
    paid = (bought["at"] + bought["minutes"] / 1440).to_numpy()
    np.minimum.at(first_purchase, bought["person"].to_numpy(), paid)
    per_line = world.taste.choice @ world.shelf.price_eur * MEAN_QUANTITY
    return Truth(
        start=world.start,
        end=end,
        customer_ids=customer_ids,
        item_ids=tuple(item.item_id for item in world.shelf.items),
        categories=tuple(row["name"] for row in words.categories),
        brands=words.brands,
        people=people,
        season=world.season,
        taste=world.taste,
        item_factors=world.shelf.factors,
        persuasion=world.persuasion,
        mean_order_value_eur=per_line * (1 + people.extra_lines),
        offer_purchase_rate=_offer_rate(world, chosen),
        known_day=known_day,
        first_purchase_day=np.where(first_purchase < world.days, first_purchase, np.inf),
    )


def _offer_rate(world: World, chosen: pd.DataFrame) -> np.ndarray:
    """Return the purchases per average day that offers bring, from the chances, not the outcomes.

    A customer who was there for a short time is drawn towards the mean of all.
    """
    people = world.people
    sales = chosen[chosen["success"] == PURCHASE]
    hoped = np.bincount(sales["person"], weights=sales["chance"], minlength=people.count)
    until = world.season.mass(np.minimum(people.gone_day, world.days))
    lived = np.maximum(until - world.season.mass(people.born_day), 0.0)
    mean = hoped.sum() / lived.sum()
    rate: np.ndarray = (hoped + mean * RATE_PRIOR_DAYS) / (lived + RATE_PRIOR_DAYS)
    return rate
