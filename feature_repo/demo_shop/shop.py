"""A believable shop over one year, from one seed: events, items, and the truth behind them."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

import numpy as np
import pandas as pd

from domain.errors import InvalidInput
from domain.events import Event
from domain.items import Item
from feature_repo.demo_shop.clicks import click_rows
from feature_repo.demo_shop.decisions import decide_offers
from feature_repo.demo_shop.identities import draw_traits, identity_rows
from feature_repo.demo_shop.journal import Directory, write_events
from feature_repo.demo_shop.logins import (
    DEVICE_KINDS,
    first_login_day,
    linked_day,
    mark_first_logins,
    mark_later_logins,
    settle_first_logins,
)
from feature_repo.demo_shop.mails import mail_visits, newsletters
from feature_repo.demo_shop.orders import order_rows
from feature_repo.demo_shop.reckoning import reckon
from feature_repo.demo_shop.replies import decision_rows, reply_visits, with_ids
from feature_repo.demo_shop.truth import Truth
from feature_repo.demo_shop.visits import organic_visits
from feature_repo.demo_shop.world import World, draw_world

DEFAULT_END = datetime(2026, 3, 31, tzinfo=UTC)  # used when neither start nor end is given


@dataclass(frozen=True)
class Shop:
    """What `generate` returns; events are ordered by time."""

    events: list[Event]
    items: list[Item]
    truth: Truth


def generate(
    seed: int = 7,
    *,
    customers: int = 5000,
    items: int = 800,
    start: date | None = None,
    end: datetime | None = None,
    days: int = 365,
) -> Shop:
    """Return the shop of `seed` between `start` and `end`: same arguments, same events.

    Args:
        customers: people who may become known; about nine in ten do, the others never log in.
        items: size of the catalogue, spread evenly over the categories.
        start: first day, from midnight UTC; left out, it is `days` before `end`.
        end: the instant (UTC) at which the log ends; left out, it is `days` after `start`.
    """
    _check_size(customers, items)
    begin, finish = _span(start, end, days)
    rng = np.random.default_rng(seed)
    world = draw_world(rng, customers, items, begin, finish)
    name = hashlib.sha256(f"{seed}/{customers}/{items}/{begin}/{finish}".encode()).hexdigest()[:8]
    return _live(rng, world, finish, name)


def _check_size(customers: int, items: int) -> None:
    for name, given, least in (("customers", customers, 10), ("items", items, 12)):
        if given < least:
            raise InvalidInput(f"{name} {given} is too few; {least} are the least", field=name)


def _span(start: date | None, end: datetime | None, days: int) -> tuple[datetime, datetime]:
    if end is not None and end.tzinfo is None:
        raise InvalidInput(f"end {end} has no time zone; give it in UTC", field="end")
    begin = datetime.combine(start, time(), UTC) if start else None
    finish = end.astimezone(UTC) if end else begin + timedelta(days=days) if begin else DEFAULT_END
    begin = begin or finish - timedelta(days=days)
    if finish - begin < timedelta(days=30):
        raise InvalidInput(
            f"from {begin} to {finish} is too short; 30 days are the least", field="days"
        )
    return begin, finish


def _live(rng: np.random.Generator, world: World, end: datetime, name: str) -> Shop:
    """Let the year happen: visits, then mails, then offers, then what people make of them.

    The order matters: offers answer to what was clicked, and orders come last because an accepted
    offer leads to one. A visit keeps its row number, so the visits of replies go to the end.
    """
    people, taste, shelf = world.people, world.taste, world.shelf
    organic = organic_visits(rng, people, taste, world.season, world.days)
    organic = mark_first_logins(rng, people, organic)
    login_day = first_login_day(people, organic)
    known_day = np.where(people.established, 0.04, login_day)
    mails = newsletters(rng, people, known_day, world.start, world.days)
    clicked = mail_visits(rng, people, taste, mails).assign(device=0, login="")
    visits = pd.concat([organic, clicked]).sort_values("at", kind="stable", ignore_index=True)
    clicks = click_rows(rng, people, taste, shelf, visits)
    carted = _carted(clicks)
    chosen = decide_offers(
        rng, people, world.persuasion, known_day, login_day, visits, carted, world.days
    )
    chosen = with_ids(chosen, world.persuasion.offers)
    replies = reply_visits(rng, people, taste, chosen, visits)
    for part in click_rows(rng, people, taste, shelf, replies):
        clicks.append(part.assign(visit=part["visit"] + len(visits)))
    visits = settle_first_logins(pd.concat([visits, replies], ignore_index=True))
    visits = mark_later_logins(rng, visits)
    orders = order_rows(rng, people, taste, shelf, visits)
    told = identity_rows(rng, people, visits, draw_traits(rng, people))
    answers = decision_rows(rng, taste, chosen, world.persuasion.offers)
    directory = _directory(rng, world, visits, name)
    events = write_events([*told, mails, *clicks, *answers, *orders], directory, end)
    truth = reckon(world, end, directory.customer_ids, chosen, visits, known_day)
    return Shop(events, list(shelf.items), truth)


def _carted(clicks: list[pd.DataFrame]) -> np.ndarray:
    """Return the visits that put something in a cart without buying it."""
    found = [part.loc[part["kind"] == "add-to-cart", "visit"] for part in clicks]
    return np.unique(np.concatenate(found)).astype(int)


def _directory(
    rng: np.random.Generator, world: World, visits: pd.DataFrame, name: str
) -> Directory:
    persons = len(world.people.like)
    first = rng.choice(3, persons, p=[0.54, 0.38, 0.08])
    kinds = np.array(DEVICE_KINDS, dtype=object)[np.stack([first, (first + 1) % 2], axis=1)]
    numbers = rng.integers(0, 2**48, (persons, 2))
    ids = np.array([[f"anon-{n:012x}" for n in pair] for pair in numbers.tolist()], dtype=object)
    return Directory(
        start=world.start,
        prefix=f"demo-{name}",
        lines=world.shelf.lines,
        customer_ids=tuple(f"C{10_001 + number}" for number in range(world.people.count)),
        device_ids=ids,
        device_kinds=kinds,
        linked_day=linked_day(world.people, visits),
        visits=visits,
    )
