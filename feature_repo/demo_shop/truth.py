"""The truth about the demo shop: what a perfect model would say, for models to be compared with."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from feature_repo.demo_shop.people import People
from feature_repo.demo_shop.persuasion import Persuasion
from feature_repo.demo_shop.season import AHEAD_DAYS, Season
from feature_repo.demo_shop.taste import Taste

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Truth:
    """The hidden state behind the events; n customers, m items, all arrays in the order of the ids.

    Every probability and expectation at `as_of` (a UTC datetime) knows the customer's rates and
    whether the customer has left by then, but not the future, nor an order that is already on its
    way: a model that sees a full cart may know a little more. Customers who come only after `as_of`
    get NaN; see `is_known`.
    """

    start: datetime
    end: datetime
    customer_ids: tuple[str, ...]
    item_ids: tuple[str, ...]
    categories: tuple[str, ...]
    brands: tuple[str, ...]
    people: People
    season: Season
    taste: Taste
    item_factors: np.ndarray  # (m, k)
    persuasion: Persuasion
    mean_order_value_eur: (
        np.ndarray
    )  # (n,) expected value of one order, once all items are launched
    offer_purchase_rate: np.ndarray  # (n,) purchases per average day that offers bring on top
    known_day: np.ndarray  # (n,) days since start at which the customer id is first on record
    first_purchase_day: np.ndarray  # (n,) days since start, infinite where there is none

    @property
    def purchase_rate_per_day(self) -> np.ndarray:
        """Purchases per average day while alive, those that offers bring included: (n,)."""
        rate: np.ndarray = self.people.purchase_rate + self.offer_purchase_rate
        return rate

    @property
    def alive_until(self) -> np.ndarray:
        """When each customer leaves, as datetime64[ms] in UTC; may lie beyond `end`: (n,)."""
        begin = np.datetime64(self.start.replace(tzinfo=None), "ms")
        millis = (np.minimum(self.people.gone_day, 1e6) * 86_400_000).astype("int64")
        moments: np.ndarray = begin + millis
        return moments

    @property
    def category_taste(self) -> np.ndarray:
        """Liking of each category: (n, C), rows sum to 1."""
        return self.taste.categories

    @property
    def actions(self) -> tuple[str, ...]:
        """Keys of the actions that were offered."""
        return tuple(offer.action.key for offer in self.persuasion.offers)

    def is_alive(self, as_of: datetime) -> np.ndarray:
        """Return who has come and not left: (n,) bool."""
        day = self._day(as_of)
        return (self.people.born_day <= day) & (day < self.people.gone_day)

    def is_known(self, as_of: datetime) -> np.ndarray:
        """Return whose customer id was on record before `as_of`: (n,) bool."""
        return self.known_day < self._day(as_of)

    def is_prospect(self, as_of: datetime) -> np.ndarray:
        """Return who is known but has not bought before `as_of`: (n,) bool."""
        return self.is_known(as_of) & ~(self.first_purchase_day < self._day(as_of))

    def p_purchase_within(self, as_of: datetime, days: int) -> np.ndarray:
        """Return the probability of a purchase in the `days` after `as_of`: (n,).

        Purchases are Poisson in season time until an exponential dropout in calendar time, as in
        Schmittlein, Morrison and Colombo (1987); the integral over the dropout runs by whole days.
        """
        edges, mass = self._ahead(as_of, days)
        leave = np.diff(-np.exp(-np.outer(self.people.dropout_rate, edges)), axis=1)  # (n, days)
        quiet = np.exp(-np.outer(self.purchase_rate_per_day, mass))  # (n, days + 1)
        middle = np.sqrt(quiet[:, 1:] * quiet[:, :-1])
        stay = np.exp(-self.people.dropout_rate * days)
        p_none = (leave * middle).sum(axis=1) + stay * quiet[:, -1]
        return self._among_come(as_of, 1 - p_none)

    def p_no_purchase_within(self, as_of: datetime, days: int) -> np.ndarray:
        """Return the probability of no purchase in the `days` after `as_of`, i.e. churn: (n,)."""
        p_none: np.ndarray = 1 - self.p_purchase_within(as_of, days)
        return p_none

    def p_convert_within(self, as_of: datetime, days: int = 30) -> np.ndarray:
        """Return the probability of a first purchase for prospects, NaN for all others: (n,)."""
        p_purchase = self.p_purchase_within(as_of, days)
        return np.where(self.is_prospect(as_of), p_purchase, np.nan)

    def expected_orders(self, as_of: datetime, days: int) -> np.ndarray:
        """Return the expected number of orders in the `days` after `as_of`: (n,)."""
        edges, mass = self._ahead(as_of, days)
        alive = np.exp(-np.outer(self.people.dropout_rate, (edges[1:] + edges[:-1]) / 2))
        lived = alive @ np.diff(mass)  # (n, days) x (days,) -> (n,)
        return self._among_come(as_of, self.purchase_rate_per_day * lived)

    def expected_spend_eur(self, as_of: datetime, days: int) -> np.ndarray:
        """Return the expected spend in the `days` after `as_of`, before returns: (n,) EUR."""
        spend: np.ndarray = self.expected_orders(as_of, days) * self.mean_order_value_eur
        return spend

    def affinity(self, customers: np.ndarray, items: np.ndarray) -> np.ndarray:
        """Return the chance that each customer's pick is each item: (len(customers), len(items)).

        Both are positions in customer_ids and item_ids; over all items a row sums to 1.
        """
        return np.asarray(self.taste.choice[np.ix_(customers, items)])

    def p_accept(self, action: str, *, shown: bool, as_of: datetime | None = None) -> np.ndarray:
        """Return the chance that a decision about `action` ends in success: (n,).

        `shown` False is the control group. It holds while a customer is alive; with `as_of` it is 0
        for whoever has left by then.
        """
        column = self.actions.index(action)
        table = self.persuasion.p_shown if shown else self.persuasion.p_unshown
        chance = table[:, column]
        return chance if as_of is None else self._among_come(as_of, chance)

    def uplift(self, action: str) -> np.ndarray:
        """Return what showing `action` adds to the chance of success, negative if it annoys."""
        gain: np.ndarray = self.p_accept(action, shown=True) - self.p_accept(action, shown=False)
        return gain

    def _day(self, as_of: datetime) -> float:
        return (as_of - self.start) / DAY

    def _ahead(self, as_of: datetime, days: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the edges of the days ahead, from `as_of` on, and the season's mass until each."""
        day = self._day(as_of)
        if not 0 < days <= (self.end - as_of) / DAY + AHEAD_DAYS:
            raise ValueError(f"days {days} must lie within {AHEAD_DAYS} days after the end")
        edges = np.arange(days + 1.0)
        return edges, self.season.mass(day + edges) - self.season.mass(day)

    def _among_come(self, as_of: datetime, values: np.ndarray) -> np.ndarray:
        """Return 0 for customers who have left by `as_of` and NaN for those who have not come."""
        alive = np.where(self.is_alive(as_of), values, 0.0)
        return np.where(self.people.born_day <= self._day(as_of), alive, np.nan)
