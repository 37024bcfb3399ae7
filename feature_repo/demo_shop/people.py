"""Who shops, and what nobody sees: how often they buy, when they leave, what persuades them."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from feature_repo.demo_shop.season import Season
from feature_repo.demo_shop.vocabulary import vocabulary

ESTABLISHED_SHARE = 0.45  # customers from before the log begins
BROWSER_SHARE = 0.38  # people who look but hardly ever buy
BUYER_RATE = 0.0125  # mean purchases per average day of the others
BROWSER_RATE = 0.0016
VISITORS_PER_CUSTOMER = 1.3  # devices that never log in


@dataclass(frozen=True)
class People:
    """All customers, one entry each, shape (customers,); days are counted from the start.

    Persons from `count` on are visitors who never log in; a visitor behaves like the customer that
    `like` points to.
    """

    count: int
    born_day: np.ndarray  # first visit; 0 for the established
    gone_day: np.ndarray  # from here on the customer starts nothing new; may lie beyond the end
    established: np.ndarray  # bool
    purchase_rate: np.ndarray  # purchases per average day while alive, offers aside
    browse_rate: np.ndarray  # visits without a purchase in mind, per average day
    dropout_rate: np.ndarray  # per day
    intent: np.ndarray  # z-score; how keenly the person behaves, close to the log purchase rate
    extra_lines: np.ndarray  # mean lines per order beyond the first
    price_level: np.ndarray  # z-score; negative likes it cheap
    mail_interest: np.ndarray  # z-score; responsiveness to e-mail
    source: np.ndarray  # int, index into vocabulary().sources
    consents: np.ndarray  # bool, to marketing
    unsubscribes: np.ndarray  # bool, withdraws consent when leaving
    like: np.ndarray  # (customers + visitors,) int


def settle_people(rng: np.random.Generator, count: int, season: Season, days: float) -> People:
    """Draw `count` customers who live through `days` days of `season`."""
    established = rng.random(count) < ESTABLISHED_SHARE
    arrival = season.day_at(rng.uniform(0, season.mass(days - 1), count))
    born = np.where(established, 0.0, arrival)
    dropout = 2e-4 + rng.gamma(0.8, 0.0035, count) * np.where(established, 0.5, 1.0)
    source = rng.choice(len(vocabulary().sources), count, p=_shares(vocabulary().sources))
    rate = _purchase_rates(rng, source, established)
    intent = _z(np.log(rate)) + rng.normal(0, 0.2, count)
    visitors = rng.integers(0, count, int(VISITORS_PER_CUSTOMER * count))
    return People(
        count=count,
        born_day=born,
        gone_day=born + rng.exponential(1 / dropout),
        established=established,
        purchase_rate=rate,
        browse_rate=rng.gamma(2.0, 0.0085, count) * np.exp(0.4 * intent),
        dropout_rate=dropout,
        intent=_z(intent),
        extra_lines=np.clip(np.exp(rng.normal(-0.2, 0.6, count)), 0.1, 4.0),
        price_level=rng.normal(0, 1, count),
        mail_interest=rng.normal(0, 1, count),
        source=source,
        consents=rng.random(count) < 0.72,
        unsubscribes=rng.random(count) < 0.25,
        like=np.concatenate([np.arange(count), visitors]),
    )


def _purchase_rates(
    rng: np.random.Generator, source: np.ndarray, established: np.ndarray
) -> np.ndarray:
    """Draw rates: gamma across buyers, as in the Pareto/NBD model, and a slow crowd beside them."""
    count = len(source)
    keenness = np.array([s["keenness"] for s in vocabulary().sources])[source]
    browser = rng.random(count) < np.where(established, 0.3, 1.2) * BROWSER_SHARE
    buyer_rate = rng.gamma(1.3, BUYER_RATE / 1.3, count)
    browser_rate = rng.gamma(1.0, BROWSER_RATE, count)
    rate: np.ndarray = np.maximum(np.where(browser, browser_rate, buyer_rate) * keenness, 1e-5)
    return rate


def _shares(rows: tuple[dict[str, Any], ...]) -> np.ndarray:
    shares: np.ndarray = np.array([row["share"] for row in rows])
    shares /= shares.sum()
    return shares


def _z(values: np.ndarray) -> np.ndarray:
    scored: np.ndarray = (values - values.mean()) / values.std()
    return scored
