"""Who people say they are: names and addresses, logins, consent and its withdrawal."""

import unicodedata
from typing import Any

import numpy as np
import pandas as pd

from domain.catalogue import IDENTIFY
from feature_repo.demo_shop.journal import rows, visit_rows
from feature_repo.demo_shop.logins import LOGIN_STEP
from feature_repo.demo_shop.people import People
from feature_repo.demo_shop.vocabulary import vocabulary

FILLED = {"phone": 0.45, "gender": 0.85, "age": 0.65, "city": 0.9}  # share who give it
SECOND = 1 / 86_400  # in days


def draw_traits(rng: np.random.Generator, people: People) -> list[dict[str, Any]]:
    """Return what each customer tells about himself, as traits of an identify event."""
    words, count = vocabulary(), people.count
    shares = np.array([row["share"] for row in words.countries])
    country = rng.choice(len(shares), count, p=shares / shares.sum())
    age = np.clip(rng.normal(41, 13, count), 18, 84).astype(int)
    luck = rng.random((count, 4))
    given = rng.random((count, len(FILLED))) < np.array(list(FILLED.values()))
    return [
        _traits(number, words.countries[country[number]], int(age[number]),
                words.sources[people.source[number]]["name"], luck[number], given[number])
        for number in range(count)
    ]  # fmt: skip


def _traits(
    number: int, country: dict[str, Any], age: int, source: str, luck: np.ndarray, given: np.ndarray
) -> dict[str, Any]:
    words = vocabulary()
    gender = "female" if luck[0] < 0.6 else "male"
    first, last = _pick(words.first_names[gender], luck[1]), _pick(words.last_names, luck[2])
    told = {
        "email": f"{_plain(first)}.{_plain(last)}.{number}@example.com",
        "first_name": first,
        "last_name": last,
        "country": country["name"],
        "source": source,
    }
    asked = {
        "phone": f"+49 1555 {number:07d}",
        "gender": gender,
        "age": age,
        "city": _pick(country["cities"], luck[3]),
    }
    return told | {name: asked[name] for name, yes in zip(FILLED, given, strict=True) if yes}


def _pick(words: Any, luck: float) -> str:
    return str(words[int(luck * len(words))])


def _plain(name: str) -> str:
    """Return a name in lower-case ASCII: 'García' -> 'garcia'."""
    return unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()


def identity_rows(
    rng: np.random.Generator, people: People, visits: pd.DataFrame, traits: list[dict[str, Any]]
) -> list[pd.DataFrame]:
    """Return registrations, logins, identify events and withdrawals of consent."""
    old = np.flatnonzero(people.established)
    consents = [{"marketing": bool(yes)} for yes in people.consents]
    imported = rows(
        IDENTIFY,
        rng.uniform(0, 0.04, len(old)),
        old,
        channel="other",
        traits=[traits[p] for p in old],
        consent=[consents[p] for p in old],
    )
    return [imported, *_logins(people, visits, traits, consents), *_withdrawals(people, visits)]


def _logins(
    people: People,
    visits: pd.DataFrame,
    traits: list[dict[str, Any]],
    consents: list[dict[str, bool]],
) -> list[pd.DataFrame]:
    """A newcomer registers, logs in and tells who he is; everybody else just logs in."""
    visit = np.flatnonzero(visits["login"] != "")
    person = visits["person"].to_numpy()
    first = visits["login"].to_numpy()[visit] == "first"
    notes = [{"first": bool(yes)} for yes in first]
    half = np.full(len(visit), LOGIN_STEP)
    login = visit_rows("user-login", visits, visit, half, properties=notes)
    new = first & ~people.established[person[visit]]
    register = login[new].assign(kind="register-account", properties=None)
    who = person[visit[new]]
    told = login[new].assign(kind=IDENTIFY, properties=None, traits=[traits[p] for p in who],
                             consent=[consents[p] for p in who])  # fmt: skip
    return [
        register,
        login.assign(at=login["at"] + SECOND),
        told.assign(at=told["at"] + 2 * SECOND),
    ]


def _withdrawals(people: People, visits: pd.DataFrame) -> list[pd.DataFrame]:
    """Some who leave say so: they unsubscribe and withdraw their consent."""
    known = people.established.copy()
    known[visits["person"].to_numpy()[visits["login"] == "first"]] = True
    last_seen = np.zeros(len(people.like))
    np.maximum.at(last_seen, visits["person"].to_numpy(), visits["at"].to_numpy())
    leaving = np.flatnonzero(known & people.unsubscribes & people.consents)
    at = np.maximum(people.gone_day, last_seen[: people.count] + 0.5)[leaving]
    leave = rows("unsubscribe-service", at, leaving, channel="email")
    no = [{"marketing": False}] * len(leaving)
    return [leave, rows(IDENTIFY, at + SECOND, leaving, channel="email", consent=no)]
