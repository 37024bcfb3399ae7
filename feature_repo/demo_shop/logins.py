"""When a device becomes somebody: the visit in which a customer first logs in on it."""

import numpy as np
import pandas as pd

from feature_repo.demo_shop.people import People

LOGIN_STEP = 0.5  # share of the visit that is over when the customer logs in
SECOND_DEVICE_SHARE = 0.28
DEVICE_KINDS = ("mobile", "desktop", "tablet")


def mark_first_logins(
    rng: np.random.Generator, people: People, visits: pd.DataFrame
) -> pd.DataFrame:
    """Choose the visit of each customer's first login and the device of every visit.

    A newcomer logs in at the first order at the latest; who was a customer before the log began
    mostly does at the first visit. Some leave before they ever do, and visitors (persons from
    people.count on) never do. Nothing here looks ahead: who will return logs in like who will not.
    """
    person = visits["person"].to_numpy()
    rank = _in_login_order(visits).groupby("person").cumcount().sort_index().to_numpy()
    keen = np.where(people.established, 0.85, 0.55)
    wished = np.append(rng.geometric(keen) - 1, 0)[np.minimum(person, people.count)]
    buy_rank = pd.Series(np.where(visits["kind"] == "buy", rank, 10**6))
    first_buy = buy_rank.groupby(person).transform("min").to_numpy()
    chosen = np.minimum(wished, first_buy)
    known = person < people.count
    owns_two = np.append(rng.random(people.count) < SECOND_DEVICE_SHARE, False)
    second = owns_two[np.minimum(person, people.count)] & (rank > chosen)
    device = (second & (rng.random(len(visits)) < 0.4)).astype(int)
    login = np.where(known & (rank == chosen), "first", "")
    return visits.assign(device=device, login=login)


def first_login_day(people: People, visits: pd.DataFrame) -> np.ndarray:
    """Return the day of each customer's first login, infinite where there is none: (customers,)."""
    day = np.full(people.count, np.inf)
    rows = visits[visits["login"] == "first"]
    day[rows["person"].to_numpy()] = login_moment(rows)
    return day


def login_moment(visits: pd.DataFrame) -> np.ndarray:
    """Return the moment within each visit at which a login happens, if one does (days)."""
    return (visits["at"] + visits["minutes"] * LOGIN_STEP / 1440).to_numpy()


def settle_first_logins(visits: pd.DataFrame) -> pd.DataFrame:
    """Let a visit that came of a mail or an offer be the first login if it came before that.

    Only known customers get mails and offers, so this concerns those from before the log began.
    """
    invited = (visits["channel"] == "email") & (visits["campaign"].str.startswith("newsletter"))
    candidates = visits[invited | (visits["decision"] != "") | (visits["login"] == "first")]
    first = _in_login_order(candidates).drop_duplicates("person").index
    return visits.assign(login=np.where(visits.index.isin(first), "first", ""))


def _in_login_order(visits: pd.DataFrame) -> pd.DataFrame:
    """Order visits by when a login would happen: a short visit may overtake a long one."""
    return visits.iloc[np.argsort(login_moment(visits), kind="stable")]


def mark_later_logins(rng: np.random.Generator, visits: pd.DataFrame) -> pd.DataFrame:
    """Mark the first visit on each second device, and now and then a visit on a known device."""
    ordered = _in_login_order(visits)
    other = ordered["device"] == 1
    opens = other & ~ordered[other].duplicated("person").reindex(ordered.index, fill_value=False)
    known = ordered["login"].eq("first").groupby(ordered["person"]).cumsum().astype(bool)
    again = known & ordered["login"].eq("") & (rng.random(len(ordered)) < 0.07)
    login = np.where(opens, "device", np.where(again, "again", ordered["login"]))
    return ordered.assign(login=login).sort_index()


def linked_day(people: People, visits: pd.DataFrame) -> np.ndarray:
    """Return the day from which each device is a known customer's, else infinite: (persons, 2)."""
    day = np.full((len(people.like), 2), np.inf)
    rows = visits[visits["login"].isin(("first", "device"))]
    day[rows["person"], rows["device"]] = login_moment(rows)
    return day
