"""When people shop: the hour of the day, the day of the week, and Christmas."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

HOURS = np.array(  # share of the day's interest by hour (UTC), mean 1
    [
        *(0.3, 0.15, 0.1, 0.1, 0.1, 0.2, 0.5, 0.8, 1.0, 1.1, 1.2, 1.3),
        *(1.4, 1.3, 1.1, 1.1, 1.2, 1.3, 1.5, 2.0, 2.3, 2.0, 1.3, 0.65),
    ]
)
WEEKDAYS = np.array([0.97, 0.90, 0.88, 0.93, 0.98, 1.12, 1.22])  # Monday first, mean 1
AHEAD_DAYS = 800  # how far beyond `end` the season is known, so that the truth can look ahead


@dataclass(frozen=True)
class Season:
    """Interest that piles up over time; one unit is the interest of an average day.

    Times are days since the start of the shop, as floats. A customer with a rate of r purchases
    per day makes on average r * (mass(b) - mass(a)) purchases between a and b.
    """

    edges: np.ndarray  # (hours + 1,) days since start
    cumulative: np.ndarray  # (hours + 1,) interest piled up until each edge

    def mass(self, at: np.ndarray | float) -> np.ndarray:
        """Return the interest piled up until `at` (days)."""
        return np.asarray(np.interp(at, self.edges, self.cumulative))

    def day_at(self, mass: np.ndarray) -> np.ndarray:
        """Return the day at which `mass` is reached: the inverse of `mass`."""
        return np.asarray(np.interp(mass, self.cumulative, self.edges))


def season_between(start: datetime, end: datetime) -> Season:
    """Return the season from `start` until AHEAD_DAYS after `end` (both UTC)."""
    first_hour = start.replace(minute=0, second=0, microsecond=0)
    hours = int((end - first_hour + timedelta(days=AHEAD_DAYS)) / timedelta(hours=1)) + 1
    moments = np.datetime64(first_hour.replace(tzinfo=None), "h") + np.arange(hours)
    intensity = _yearly(moments) * _weekly(moments) * HOURS[moments.astype("int64") % 24]
    intensity /= HOURS.mean() * WEEKDAYS.mean() * 24
    offset = (start - first_hour) / timedelta(days=1)
    edges = np.arange(hours + 1) / 24 - offset
    cumulative = np.concatenate([[0.0], np.cumsum(intensity)])
    return Season(edges, cumulative - np.interp(0.0, edges, cumulative))


def _weekly(moments: np.ndarray) -> np.ndarray:
    weekday = (moments.astype("datetime64[D]").astype("int64") + 3) % 7  # 1970-01-01: a Thursday
    return np.asarray(WEEKDAYS[weekday])


def _yearly(moments: np.ndarray) -> np.ndarray:
    day = (moments.astype("datetime64[D]") - moments.astype("datetime64[Y]")).astype("int64")
    return np.asarray(_yearly_curve(day) / _yearly_curve(np.arange(365)).mean())


def _yearly_curve(day_of_year: np.ndarray) -> np.ndarray:
    """Return the interest by day of the year (0 to 365): Christmas, Black Friday, a slow summer."""
    christmas = 1.3 * np.exp(-0.5 * ((day_of_year - 343) / 11) ** 2) * (day_of_year < 357)
    black_friday = 0.7 * np.exp(-0.5 * ((day_of_year - 331) / 2.5) ** 2)
    summer = -0.18 * np.exp(-0.5 * ((day_of_year - 205) / 25) ** 2)
    return 1 + christmas + black_friday + summer
