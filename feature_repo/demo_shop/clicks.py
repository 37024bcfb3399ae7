"""What people do during a visit: look, search, compare, put things aside, ask."""

import numpy as np
import pandas as pd

from feature_repo.demo_shop.journal import visit_rows
from feature_repo.demo_shop.people import People
from feature_repo.demo_shop.shelf import Shelf
from feature_repo.demo_shop.taste import Taste

PAGES = ("/", "/new", "/sale", "/stories", "/delivery", "/about")
FORM_TOPICS = ("delivery", "gift advice", "wholesale", "availability")


def click_rows(
    rng: np.random.Generator, people: People, taste: Taste, shelf: Shelf, visits: pd.DataFrame
) -> list[pd.DataFrame]:
    """Return the rows of all that happens in `visits`, apart from orders and logins."""
    intent = people.intent[people.like[visits["person"].to_numpy()]]
    views = _views(rng, taste, shelf, visits, intent)
    return [
        _pages(rng, visits),
        _searches(rng, shelf, visits, intent),
        views,
        *_after_views(rng, visits, views, intent),
        _forms(rng, visits, intent),
    ]


def _pages(rng: np.random.Generator, visits: pd.DataFrame) -> pd.DataFrame:
    count = 1 + rng.poisson(0.15, len(visits))
    visit = np.repeat(np.arange(len(visits)), count)
    landing = ~pd.Series(visit).duplicated().to_numpy()
    step = np.where(landing, 0.0, rng.uniform(0.02, 0.9, len(visit)))
    page = rng.choice(len(PAGES), len(visit), p=[0.5, 0.14, 0.14, 0.12, 0.06, 0.04])
    notes = [{"path": name} for name in PAGES]
    return visit_rows("page-view", visits, visit, step, properties=[notes[i] for i in page])


def _searches(
    rng: np.random.Generator, shelf: Shelf, visits: pd.DataFrame, intent: np.ndarray
) -> pd.DataFrame:
    """People with an order in mind search more, and for what they have in mind."""
    keen = np.where(visits["kind"] == "browse", 0.16, 0.5) * np.exp(0.6 * intent)
    visit = np.repeat(np.arange(len(visits)), rng.poisson(np.minimum(keen, 2.0)))
    items = [shelf.items[i] for i in visits["focus"].to_numpy()[visit]]
    plain = rng.random(len(visit))
    notes = [
        {"query": _query(item.title, item.category or "", luck)}
        for item, luck in zip(items, plain, strict=True)
    ]
    return visit_rows("search", visits, visit, rng.uniform(0.03, 0.3, len(visit)), properties=notes)


def _query(title: str, category: str, luck: float) -> str:
    kind, finish, _ = (*title.lower().split(", "), "", "")[:3]
    if luck < 0.25:
        return category.lower()
    return kind if luck < 0.8 else f"{kind} {finish}".strip()


def _views(
    rng: np.random.Generator,
    taste: Taste,
    shelf: Shelf,
    visits: pd.DataFrame,
    intent: np.ndarray,
) -> pd.DataFrame:
    """Look at the item in mind, at others of its category, or at anything one likes."""
    depth = np.where(visits["kind"] == "browse", 0.65, 1.1) * np.exp(0.35 * intent)
    count = rng.poisson(np.minimum(depth, 6)) + (visits["kind"] != "browse").to_numpy()
    visit = np.repeat(np.arange(len(visits)), count)
    focus = visits["focus"].to_numpy()[visit]
    person, at = visits["person"].to_numpy()[visit], visits["at"].to_numpy()[visit]
    luck = rng.random(len(visit))
    near = taste.draw(rng, person, at, shelf.category[focus])
    item = np.where(luck < 0.35, focus, np.where(luck < 0.75, near, taste.draw(rng, person, at)))
    return visit_rows("item-view", visits, visit, rng.uniform(0.05, 0.82, len(visit)), item=item)


def _after_views(
    rng: np.random.Generator, visits: pd.DataFrame, views: pd.DataFrame, intent: np.ndarray
) -> list[pd.DataFrame]:
    """Some looks lead further: to the details, the wishlist, the cart, and out of it again."""
    visit = views["visit"].to_numpy()
    kind = visits["kind"].to_numpy()[visit]
    keen = np.exp(0.55 * intent[visit])
    cart = np.select([kind == "buy", kind == "ripen"], [0.0, 0.2], 0.035 * np.minimum(keen, 4))
    carted = views[rng.random(len(views)) < cart]
    parts = [
        _follow(rng, views[rng.random(len(views)) < 0.16], "click-details", 0.3),
        _follow(
            rng, views[rng.random(len(views)) < 0.025 * np.minimum(keen, 4)], "add-wishlist", 1
        ),
        _follow(rng, carted, "add-to-cart", 1.2),
        _follow(rng, carted[rng.random(len(carted)) < 0.2], "remove-from-cart", 4),
    ]
    begun = carted[~carted["visit"].duplicated() & (rng.random(len(carted)) < 0.15)]
    return [*parts, _follow(rng, begun.assign(item=-1), "order-checkout", 6)]


def _follow(
    rng: np.random.Generator, views: pd.DataFrame, kind: str, minutes: float
) -> pd.DataFrame:
    """Return rows of `kind` for the same items, about `minutes` after the looks."""
    later = minutes * rng.uniform(0.8, 1.2, len(views)) / 1440
    return views.assign(kind=kind, at=views["at"] + later)


def _forms(rng: np.random.Generator, visits: pd.DataFrame, intent: np.ndarray) -> pd.DataFrame:
    """Contact forms: rare, and more often from people who are about to order for the first time."""
    chance = np.where(visits["kind"] == "ripen", 0.06, 0.01) * np.exp(0.8 * np.minimum(intent, 2))
    visit = np.flatnonzero(rng.random(len(visits)) < chance)
    notes = [{"form": FORM_TOPICS[i]} for i in rng.integers(0, len(FORM_TOPICS), len(visit))]
    return visit_rows("submit-contact", visits, visit, np.full(len(visit), 0.86), properties=notes)
