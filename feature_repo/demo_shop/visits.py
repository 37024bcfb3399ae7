"""When each person comes, and whether the visit leads to an order.

A frame of visits has one row per visit, ordered by time, and these columns:
person (int), at (days since start), minutes (length), kind ('browse', 'ripen': on the way to an
order, 'buy'), focus (int, the item in mind), channel, campaign, decision ('' or its id),
device (0 or 1, which of the person's devices), login ('', 'first', 'device', 'again').
"""

import numpy as np
import pandas as pd

from feature_repo.demo_shop.people import People
from feature_repo.demo_shop.season import Season
from feature_repo.demo_shop.taste import Taste
from feature_repo.demo_shop.vocabulary import vocabulary

RIPENING_VISITS = 1.8  # mean visits on the way to an order
RETURNING_VISITS = 0.3  # mean visits more, when only looking
APP_SHARE = 0.12


def organic_visits(
    rng: np.random.Generator, people: People, taste: Taste, season: Season, days: float
) -> pd.DataFrame:
    """Return the visits that nobody asked for, within `days`, as a frame of visits."""
    buy_who, buy_at = _poisson(rng, people, people.purchase_rate, season, days)
    look_who, look_at = _poisson(rng, people, people.browse_rate, season, days)
    newcomers = np.flatnonzero(~people.established)
    strangers = people.count + np.arange(len(people.like) - people.count)
    stranger_at = season.day_at(rng.uniform(0, season.mass(days), len(strangers)))
    person = np.concatenate([buy_who, look_who, newcomers, strangers])
    at = np.concatenate([buy_at, look_at, people.born_day[newcomers], stranger_at])
    buys = np.arange(len(person)) < len(buy_who)
    episodes = pd.DataFrame({"person": person, "at": at, "kind": np.where(buys, "buy", "browse")})
    episodes["focus"] = taste.draw(rng, person, at)
    return dress(rng, people, _with_lead_up(rng, people, taste, episodes))


def _poisson(
    rng: np.random.Generator, people: People, rate: np.ndarray, season: Season, days: float
) -> tuple[np.ndarray, np.ndarray]:
    """Draw the moments of a Poisson process per customer while alive: (person, day)."""
    begin = season.mass(people.born_day)
    length = season.mass(np.minimum(people.gone_day, days)) - begin
    person = np.repeat(np.arange(people.count), rng.poisson(rate * length))
    return person, season.day_at(begin[person] + rng.random(len(person)) * length[person])


def _with_lead_up(
    rng: np.random.Generator, people: People, taste: Taste, episodes: pd.DataFrame
) -> pd.DataFrame:
    """Add the visits of the days before: an order ripens, a looker looks twice."""
    mean = np.where(episodes["kind"] == "buy", RIPENING_VISITS, RETURNING_VISITS)
    before = episodes.loc[episodes.index.repeat(rng.geometric(1 / (1 + mean)) - 1)].copy()
    back = np.ceil(rng.exponential(5.0, len(before))) + rng.normal(0, 0.06, len(before))
    before["at"] -= np.maximum(back, 0.2)
    before["kind"] = np.where(before["kind"] == "buy", "ripen", "browse")
    born = np.append(people.born_day, np.zeros(len(people.like) - people.count))
    born = born[np.minimum(before["person"], people.count)]
    earliest = np.maximum(born, taste.launch_day[before["focus"].to_numpy()])
    before = before[before["at"].to_numpy() > earliest]
    both: pd.DataFrame = pd.concat([episodes, before], ignore_index=True)
    return both


def dress(rng: np.random.Generator, people: People, visits: pd.DataFrame) -> pd.DataFrame:
    """Add how the person came in and for how long, and put the visits in order of time."""
    visits = visits.sort_values(["at", "person"], kind="stable", ignore_index=True)
    words, count = vocabulary(), len(visits)
    like = people.like[visits["person"].to_numpy()]
    came = np.array([s["channel"] for s in words.sources], dtype=object)[people.source[like]]
    again = visits["person"].duplicated().to_numpy() & (rng.random(count) < 0.75)
    channel = np.where(again, "web", came)
    channel = np.where((channel == "web") & (like % 8 == 0) & (rng.random(count) < 0.9),
                       "app", channel)  # fmt: skip
    names = np.array(words.ad_campaigns, dtype=object)
    campaign = np.where(channel == "ads", names[rng.integers(0, len(names), count)], "")
    visits["channel"], visits["campaign"], visits["decision"] = channel, campaign, ""
    visits["minutes"] = np.clip(rng.lognormal(1.7, 0.6, count), 1.5, 28.0)
    return visits
