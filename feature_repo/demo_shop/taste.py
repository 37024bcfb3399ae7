"""What each person likes: a choice probability for every item, and draws from it."""

from dataclasses import dataclass

import numpy as np

from feature_repo.demo_shop.people import People
from feature_repo.demo_shop.shelf import FACTORS, Shelf

LIFESTYLES = 6  # hidden groups of people with like taste
PRICE_SPREAD = 0.8  # how far, in log EUR, an item may lie from the price a person likes
DRAW_ROUNDS = 12


@dataclass(frozen=True)
class Taste:
    """Hidden tastes; n customers, m items, C categories, B brands, k factors."""

    categories: np.ndarray  # (n, C), rows sum to 1
    brands: np.ndarray  # (n, B), log-scale
    factors: np.ndarray  # (n, k)
    choice: np.ndarray  # (n, m), rows sum to 1: the chance that a pick is this item
    _ladder: np.ndarray  # (n * m,) running sums; row i climbs from i to i + 1
    _first: np.ndarray  # (C + 1,) where each category begins
    launch_day: np.ndarray  # (m,) days since start
    _like: np.ndarray  # (persons,)

    def draw(
        self,
        rng: np.random.Generator,
        person: np.ndarray,
        at: np.ndarray,
        category: np.ndarray | None = None,
    ) -> np.ndarray:
        """Pick one item for each `person` (int) at day `at`, within `category` where one is given.

        Only items that were launched by then are picked; if a category has none, any item will do.
        """
        item = np.full(len(person), -1)
        for turn in range(10 * DRAW_ROUNDS):
            open_ = np.flatnonzero(item < 0)
            if len(open_) == 0:
                break
            within = category[open_] if category is not None and turn < DRAW_ROUNDS else None
            pick = self._pick(rng, self._like[person[open_]], within)
            item[open_] = np.where(self.launch_day[pick] <= at[open_], pick, -1)
        return np.where(item < 0, int(np.argmin(self.launch_day)), item)

    def _pick(
        self, rng: np.random.Generator, row: np.ndarray, category: np.ndarray | None
    ) -> np.ndarray:
        m = len(self.launch_day)
        first = np.zeros(len(row), int) if category is None else self._first[category]
        last = np.full(len(row), m - 1) if category is None else self._first[category + 1] - 1
        low = np.where(first == 0, row, self._ladder[row * m + first - 1])
        high = self._ladder[row * m + last]
        step = np.searchsorted(self._ladder, low + rng.random(len(row)) * (high - low), "right")
        pick: np.ndarray = np.clip(step - row * m, first, last)
        return pick


def form_taste(rng: np.random.Generator, people: People, shelf: Shelf) -> Taste:
    """Draw every customer's taste and work out the choice among all items."""
    n, first = people.count, shelf.first_of_category
    groups = rng.integers(0, LIFESTYLES, n)
    centres = rng.normal(0, 1, (LIFESTYLES, FACTORS))
    factors = centres[groups] + rng.normal(0, 0.6, (n, FACTORS))
    leaning = rng.dirichlet(np.full(len(first) - 1, 0.6), LIFESTYLES)  # (groups, C)
    categories = 0.35 * leaning[groups] + 0.65 * rng.dirichlet(np.full(len(first) - 1, 0.3), n)
    brands = rng.normal(0, 0.8, (n, shelf.brand.max() + 1))
    choice = _choice(people, shelf, categories, brands, factors)
    ladder = np.cumsum(choice, axis=1)
    ladder[:, -1] = 1.0
    ladder += np.arange(n)[:, None]
    return Taste(categories, brands, factors, choice, ladder.ravel(), first,
                 shelf.launch_day, people.like)  # fmt: skip


def _choice(
    people: People, shelf: Shelf, categories: np.ndarray, brands: np.ndarray, factors: np.ndarray
) -> np.ndarray:
    """Softmax over items of category, brand, price, latent factors and general appeal: (n, m)."""
    log_price = np.log(shelf.price_eur)
    liked = log_price.mean() + 0.55 * people.price_level
    appeal = np.log(categories + 0.015)[:, shelf.category] + brands[:, shelf.brand]  # (n, m)
    appeal -= 0.5 * ((log_price[None, :] - liked[:, None]) / PRICE_SPREAD) ** 2
    appeal += factors @ shelf.factors.T + shelf.popularity  # (n, k) x (k, m) -> (n, m)
    appeal -= appeal.max(axis=1, keepdims=True)
    weight: np.ndarray = np.exp(appeal)
    weight /= weight.sum(axis=1, keepdims=True)
    return weight
