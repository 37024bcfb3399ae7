"""Newsletters: sent to those who agreed, opened by some, clicked by few; a click is a visit."""

from datetime import datetime, timedelta

import numpy as np
import pandas as pd

from feature_repo.demo_shop.journal import rows
from feature_repo.demo_shop.people import People
from feature_repo.demo_shop.taste import Taste
from feature_repo.demo_shop.visits import dress

EVERY_DAYS = 21
SETTLING_DAYS = 0.01  # nobody is mailed in the minutes in which he registers
OPEN_RATE, CLICK_RATE = 0.26, 0.14  # of the sent, and of the opened, for the average customer
AFTER_LEAVING = 0.2  # how much of the interest in mails is left in who has gone


def may_mail(people: People, known_day: np.ndarray, at: np.ndarray | float) -> np.ndarray:
    """Return who may be mailed at day `at`: known, agreed, not withdrawn: (customers,)."""
    withdrawn = people.unsubscribes & (people.gone_day <= at)
    return people.consents & (known_day < at) & ~withdrawn


def open_rate(people: People, person: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Return the chance that each `person` opens a mail sent at `at`."""
    odds = OPEN_RATE / (1 - OPEN_RATE) * np.exp(0.9 * people.mail_interest[person])
    left = np.where(people.gone_day[person] <= at, AFTER_LEAVING, 1.0)
    return np.asarray(left * odds / (1 + odds))


def newsletters(
    rng: np.random.Generator, people: People, known_day: np.ndarray, start: datetime, days: float
) -> pd.DataFrame:
    """Return the rows of all newsletters: email-sent, email-open, email-click."""
    parts = []
    for day in np.arange(3.0, days, EVERY_DAYS).tolist():
        name = f"newsletter-{start + timedelta(days=day):%Y-%m-%d}"
        parts.append(_newsletter(rng, people, known_day, day, name))
    return pd.concat(parts, ignore_index=True)


def _newsletter(
    rng: np.random.Generator, people: People, known_day: np.ndarray, day: float, name: str
) -> pd.DataFrame:
    sent_at = day + rng.uniform(0, 0.06, people.count)
    person = np.flatnonzero(may_mail(people, known_day + SETTLING_DAYS, sent_at))
    at = sent_at[person]
    opened = rng.random(len(person)) < open_rate(people, person, at)
    open_at = at + rng.exponential(0.3, len(person))
    clicked = opened & (rng.random(len(person)) < CLICK_RATE * np.exp(0.3 * people.intent[person]))
    clicked &= people.gone_day[person] > open_at
    moments = (("email-sent", at, at >= 0), ("email-open", open_at, opened),
               ("email-click", open_at + 0.0006, clicked))  # fmt: skip
    return pd.concat(
        [
            rows(kind, when[which], person[which], channel="email", campaign=name)
            for kind, when, which in moments
        ]
    )


def mail_visits(
    rng: np.random.Generator, people: People, taste: Taste, mails: pd.DataFrame
) -> pd.DataFrame:
    """Return the visits that follow the clicks in mails, as a frame of visits."""
    clicks = mails[mails["kind"] == "email-click"]
    person, at = clicks["person"].to_numpy(), clicks["at"].to_numpy() + 0.0004
    visits = pd.DataFrame({"person": person, "at": at, "kind": "browse"})
    visits["focus"] = taste.draw(rng, person, at)
    visits["came_by"] = clicks["campaign"].to_numpy()
    visits = dress(rng, people, visits)
    visits["campaign"], visits["channel"] = visits["came_by"], "email"
    return visits.drop(columns="came_by")
