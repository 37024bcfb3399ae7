"""Offers made by chance, with the probability on record, so that their effect can be learned.

A frame of decisions has one row per decision, ordered by time: person, at (days), visit (-1 if
mailed), offer (int, index into offers()), control (bool: held out, nothing was shown), propensity
(of this offer and this arm among all that was open), accepted (bool), reply_at (days).
"""

import numpy as np
import pandas as pd

from feature_repo.demo_shop.people import People
from feature_repo.demo_shop.persuasion import Offer, Persuasion

CONTROL_SHARE = 0.25
VISIT_SHARE, SILENCE_SHARE, ORDER_SHARE, CART_SHARE = 0.3, 0.3, 0.55, 0.7  # moments that are used
SILENT_DAYS = 60
STEP = 0.6  # how far along the visit an offer appears: after any login


def decide_offers(
    rng: np.random.Generator,
    people: People,
    persuasion: Persuasion,
    known_day: np.ndarray,
    login_day: np.ndarray,
    visits: pd.DataFrame,
    carted: np.ndarray,
    days: float,
) -> pd.DataFrame:
    """Draw moments, one offer for each by chance, and the answers.

    `known_day` and `login_day` (customers,) say from when a customer can be mailed and be met on
    the site; `carted` (int) are the visits that left something in a cart.
    """
    bought = visits[visits["kind"] == "buy"]
    left = visits.iloc[carted]
    slots = pd.concat(
        [
            _at_visits(rng, login_day, visits),
            _after(rng, left[left["person"] < people.count], "cart", 0.9, CART_SHARE),
            _after(rng, bought, "order", 8.0, ORDER_SHARE),
            _in_silence(rng, people, bought, days),
        ],
        ignore_index=True,
    )
    slots = slots[(slots["at"] < days) & (known_day[slots["person"]] < slots["at"])]
    chosen = _choose(rng, people, persuasion.offers, _with_history(slots, bought))
    return _answer(rng, people, persuasion, _cool_down(chosen, persuasion.offers))


def _at_visits(
    rng: np.random.Generator, login_day: np.ndarray, visits: pd.DataFrame
) -> pd.DataFrame:
    used = np.flatnonzero((visits["person"] < len(login_day)) & (visits["kind"] != "buy"))
    used = used[rng.random(len(used)) < VISIT_SHARE]
    met = visits.iloc[used]
    at = met["at"] + met["minutes"] * STEP / 1440
    slots = pd.DataFrame({"person": met["person"], "at": at, "visit": used, "moment": "visit"})
    return slots[login_day[slots["person"]] < slots["at"]]


def _after(
    rng: np.random.Generator, visits: pd.DataFrame, moment: str, days: float, share: float
) -> pd.DataFrame:
    used = visits[rng.random(len(visits)) < share]
    at = used["at"] + days * rng.uniform(0.8, 1.2, len(used))
    return pd.DataFrame({"person": used["person"], "at": at, "visit": -1, "moment": moment})


def _in_silence(
    rng: np.random.Generator, people: People, bought: pd.DataFrame, days: float
) -> pd.DataFrame:
    """Once a month, look for customers who bought before but not within SILENT_DAYS."""
    person, at = bought["person"].to_numpy(), bought["at"].to_numpy()
    parts = []
    for day in np.arange(75.0, days, 30.0).tolist():
        last = np.full(people.count, np.inf)
        last[person[at < day]] = at[at < day]  # in order of time: the latest stays
        silent = np.flatnonzero(last < day - SILENT_DAYS)
        silent = silent[rng.random(len(silent)) < SILENCE_SHARE]
        when = day + rng.uniform(0.3, 0.4, len(silent))
        parts.append(pd.DataFrame({"person": silent, "at": when, "visit": -1, "moment": "silence"}))
    return pd.concat(parts) if parts else pd.DataFrame()


def _with_history(slots: pd.DataFrame, bought: pd.DataFrame) -> pd.DataFrame:
    """Add `orders`: how many orders the customer has made before the slot."""
    slots = slots.sort_values(["at", "person"], kind="stable", ignore_index=True)
    both = pd.concat([bought[["person", "at"]].assign(order=1), slots.assign(order=0)])
    both = both.sort_values("at", kind="stable")
    both["orders"] = both.groupby("person")["order"].cumsum()
    past = both[both["order"] == 0]["orders"]
    return slots.assign(orders=past.sort_index().to_numpy())


def _choose(
    rng: np.random.Generator,
    people: People,
    offers: tuple[Offer, ...],
    slots: pd.DataFrame,
) -> pd.DataFrame:
    """Pick one of the open offers, all alike; then hold out CONTROL_SHARE of the picks."""
    orders, person, at = (slots[name].to_numpy() for name in ("orders", "person", "at"))
    withdrawn = people.unsubscribes[person] & (people.gone_day[person] <= at)
    mail = people.consents[person] & ~withdrawn
    open_ = np.stack(
        [
            (slots["moment"] == offer.moment).to_numpy()
            & {"yes": orders > 0, "no": orders == 0, "any": orders >= 0}[offer.buyers]
            & (mail | (offer.action.consent_purpose is None))
            for offer in offers
        ],
        axis=1,
    )  # (slots, offers)
    count = open_.sum(axis=1)
    rank = np.floor(rng.random(len(slots)) * count)
    pick = (np.cumsum(open_, axis=1) > rank[:, None]).argmax(axis=1)
    control = rng.random(len(slots)) < CONTROL_SHARE
    arm = np.where(control, CONTROL_SHARE, 1 - CONTROL_SHARE)
    propensity = arm / np.maximum(count, 1)
    chosen = slots.assign(offer=pick, control=control, propensity=propensity)
    kept: pd.DataFrame = chosen[count > 0].reset_index(drop=True)
    return kept


def _cool_down(chosen: pd.DataFrame, offers: tuple[Offer, ...]) -> pd.DataFrame:
    """Drop what would come too soon after the same offer to the same customer."""
    last: dict[tuple[int, int], float] = {}
    keep = []
    for person, offer, at in zip(chosen["person"], chosen["offer"], chosen["at"], strict=True):
        free = at >= last.get((person, offer), -np.inf) + offers[offer].action.cool_down_days
        keep.append(free)
        if free:
            last[person, offer] = at
    return chosen[keep].reset_index(drop=True)


def _answer(
    rng: np.random.Generator, people: People, persuasion: Persuasion, chosen: pd.DataFrame
) -> pd.DataFrame:
    person, offer = chosen["person"].to_numpy(), chosen["offer"].to_numpy()
    shown = persuasion.p_shown[person, offer]
    chance = np.where(chosen["control"], persuasion.p_unshown[person, offer], shown)
    chance = np.where(people.gone_day[person] <= chosen["at"], 0.0, chance)
    accepted = rng.random(len(chosen)) < chance
    mailed = np.array([o.action.channel == "email" for o in persuasion.offers])[offer]
    delay = np.where(mailed, rng.uniform(0.05, 2.5, len(chosen)), 1.5 / 1440)
    reply = chosen["at"] + delay
    return chosen.assign(chance=chance, accepted=accepted, reply_at=reply)
