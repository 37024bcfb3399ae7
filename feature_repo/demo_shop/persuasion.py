"""How each customer really answers to each action, shown or not. Only the truth knows."""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from domain.actions import Action, builtin_actions
from feature_repo.demo_shop.people import People

SLEEPING_DOGS = 0.07  # customers whom a mailed offer annoys: it halves their chance


@dataclass(frozen=True, slots=True)
class Offer:
    """One action and its true effect; the fields are explained in offers.toml."""

    action: Action
    moment: str
    buyers: str
    base: float
    uplift: float
    driver: str

    @property
    def success(self) -> str:
        """The event kind by which a success shows."""
        return self.action.success_kinds[0]


@dataclass(frozen=True)
class Persuasion:
    """True chances of success while the customer is alive, arrays of shape (customers, offers)."""

    offers: tuple[Offer, ...]
    p_unshown: np.ndarray
    p_shown: np.ndarray


@cache
def offers() -> tuple[Offer, ...]:
    """Return the offers that the demo shop makes, in the order of offers.toml."""
    text = Path(__file__).with_name("offers.toml").read_text(encoding="utf-8")
    actions = {action.key: action for action in builtin_actions()}
    return tuple(
        Offer(actions[row["key"]], **{name: row[name] for name in row if name != "key"})
        for row in tomllib.loads(text)["offer"]
        if row["key"] in actions
    )


def draw_persuasion(rng: np.random.Generator, people: People) -> Persuasion:
    """Draw every customer's answers: the thrifty like coupons, readers of mails like mails."""
    drivers = {"thrift": -people.price_level, "mail": people.mail_interest, "intent": people.intent}
    unshown, shown = [], []
    for offer in offers():
        odds = offer.base / (1 - offer.base) * np.exp(0.45 * people.intent - 0.1)
        base = odds / (1 + odds)
        ease = 0.75 * drivers[offer.driver] + 0.35 * rng.normal(0, 1, people.count)
        won = np.minimum(offer.uplift * np.exp(ease - 0.34), 0.7)
        treated = base + (1 - base) * won
        if offer.action.channel == "email":
            treated = np.where(rng.random(people.count) < SLEEPING_DOGS, base / 2, treated)
        unshown.append(base)
        shown.append(treated)
    return Persuasion(offers(), np.stack(unshown, axis=1), np.stack(shown, axis=1))
