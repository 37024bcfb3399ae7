"""All that is hidden and drawn before anything happens: seasons, items, people, tastes."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from feature_repo.demo_shop.people import People, settle_people
from feature_repo.demo_shop.persuasion import Persuasion, draw_persuasion
from feature_repo.demo_shop.season import Season, season_between
from feature_repo.demo_shop.shelf import Shelf, stock_shelf
from feature_repo.demo_shop.taste import Taste, form_taste


@dataclass(frozen=True)
class World:
    """The hidden state from which a year unfolds; `days` is its length."""

    start: datetime
    days: float
    season: Season
    shelf: Shelf
    people: People
    taste: Taste
    persuasion: Persuasion


def draw_world(
    rng: np.random.Generator, customers: int, items: int, start: datetime, end: datetime
) -> World:
    """Draw the world of a shop that is open from `start` to `end` (UTC)."""
    days = (end - start) / timedelta(days=1)
    season = season_between(start, end)
    shelf = stock_shelf(rng, items, start, days)
    people = settle_people(rng, customers, season, days)
    taste = form_taste(rng, people, shelf)
    return World(start, days, season, shelf, people, taste, draw_persuasion(rng, people))
