"""Buying goes on at a personal pace until, unseen, it stops: BG/NBD and MBG/NBD.

    x    repeat purchase days: days with a purchase, less the first
    t_x  days from the first purchase to the last
    T    days from the first purchase to the cut-off

A customer buys at the rate lambda ~ gamma(r, alpha), and after a purchase is gone for good with
chance p ~ beta(a, b). In the BG/NBD (Fader, Hardie & Lee 2005, "Counting Your Customers the Easy
Way", Marketing Science 24(2)) only a repeat purchase may be the last one; in the MBG/NBD (Batislam,
Denizel & Filiztekin 2007, IJRM 24(3)) the first one too. With s = 0 for the first model and 1 for
the second, b + s in place of b turns the formulas of one into those of the other.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.optimize import minimize
from scipy.special import betaln, gammaln, hyp2f1

from domain.errors import NotEnoughData

REPEATERS_NEEDED = 20
MAX_ROWS = 50_000  # more customers do not make four numbers surer
_LIMIT = 9.0  # of the logarithm of a parameter, time being in units of the mean age


class Histories(NamedTuple):
    """What is known of each customer, each (n,) float64, t_x and T in days."""

    x: np.ndarray
    t_x: np.ndarray
    T: np.ndarray

    def take(self, rows: np.ndarray) -> "Histories":
        """Return the histories of these rows."""
        return Histories(self.x[rows], self.t_x[rows], self.T[rows])


@dataclass(frozen=True, slots=True)
class PurchaseProcess:
    """The four numbers of a population; `alpha` is in days. Every method returns (n,) float64."""

    r: float
    alpha: float
    a: float
    b: float
    may_stop_at_first: bool  # MBG/NBD; False is BG/NBD

    def log_likelihood(self, past: Histories) -> np.ndarray:
        """Return ln L of each customer: eq. (6) of Fader et al., eq. (5) of Batislam et al."""
        r, alpha, a = self.r, self.alpha, self.a
        pace = gammaln(r + past.x) - gammaln(r) + r * np.log(alpha)
        goes_on = betaln(a, self._b + past.x) - betaln(a, self.b)
        since = -(r + past.x) * np.log(alpha + past.T)
        return np.asarray(pace + goes_on + since + np.logaddexp(0.0, self._log_odds_gone(past)))

    def p_alive(self, past: Histories) -> np.ndarray:
        """Return the chance that the customer has not yet stopped.

        Never a churn score: under BG/NBD it is 1 for everybody with one purchase, however long
        ago, so it ranks churn worse than chance. Ask `p_silent` or `expected_purchases`.
        """
        return np.asarray(1 / (1 + np.exp(self._log_odds_gone(past))))

    def expected_purchases(self, past: Histories, days: np.ndarray | float) -> np.ndarray:
        """Return the expected purchase days within the next `days`: eq. (10) of Fader et al.

        By Euler's transformation the 2F1 there, which overflows for frequent buyers, is
        (1 - z)^(a - 1 - r - x) 2F1(a + b - 1 - r, a - 1; a + b + x - 1; z).
        """
        a = self.a if abs(self.a - 1) > 1e-5 else 1 + 1e-5  # a removable singularity
        c = a + self._b + past.x - 1
        z = days / (self.alpha + past.T + days)
        with np.errstate(over="ignore", invalid="ignore"):
            left = (1 - z) ** (a - 1) * hyp2f1(a + self._b - 1 - self.r, a - 1, c, z)
        left = np.where(np.isfinite(left), left, 0.0)  # 0 times inf: nobody goes on for long
        if_alive = c / (a - 1) * (1 - left)
        return np.asarray(np.maximum(if_alive, 0.0) * self.p_alive(past))

    def p_silent(self, past: Histories, days: np.ndarray | float) -> np.ndarray:
        """Return the chance of no purchase within the next `days`: gone, or slower than that."""
        slower = ((self.alpha + past.T) / (self.alpha + past.T + days)) ** (self.r + past.x)
        return np.asarray(1 - self.p_alive(past) * (1 - slower))

    def days_to_next_purchase(self, past: Histories) -> np.ndarray:
        """Return the median wait of those who will buy again; their pace is Lomax distributed."""
        return np.asarray((self.alpha + past.T) * (2 ** (1 / (self.r + past.x)) - 1))

    @property
    def _b(self) -> float:
        return self.b + 1 if self.may_stop_at_first else self.b

    def _log_odds_gone(self, past: Histories) -> np.ndarray:
        """Return ln of P(gone) / P(alive); under BG/NBD one purchase is never the last."""
        known = past.x > 0 if not self.may_stop_at_first else np.ones(len(past.x), dtype=bool)
        chance = np.log(self.a) - np.log(np.where(known, self._b + past.x - 1, 1.0))
        wait = np.log(self.alpha + past.T) - np.log(self.alpha + past.t_x)
        return np.where(known, chance + (self.r + past.x) * wait, -np.inf)


def fit_process(
    past: Histories,
    weights: np.ndarray | None = None,
    *,
    may_stop_at_first: bool = False,
    seed: int = 0,
) -> PurchaseProcess:
    """Return the process of maximum likelihood; weights (n,) count a customer more than once."""
    repeaters = int((past.x > 0).sum())
    if repeaters < REPEATERS_NEEDED:
        raise NotEnoughData(
            f"purchase process: {repeaters} customers bought on two days or more, "
            f"{REPEATERS_NEEDED} are needed; import more history"
        )
    weight = np.ones(len(past.x)) if weights is None else weights
    if len(past.x) > MAX_ROWS:
        drawn = np.random.default_rng(seed).choice(len(past.x), MAX_ROWS, replace=False)
        past, weight = past.take(drawn), weight[drawn]
    unit = float(np.average(past.T, weights=weight)) or 1.0  # days; keeps alpha near 1
    scaled = Histories(past.x, past.t_x / unit, past.T / unit)

    def loss(logs: np.ndarray) -> float:
        r, alpha, a, b = np.exp(logs).tolist()
        process = PurchaseProcess(r, alpha, a, b, may_stop_at_first)
        return -float(np.average(process.log_likelihood(scaled), weights=weight))

    bounds = [(-_LIMIT, _LIMIT), (-_LIMIT, _LIMIT), (-_LIMIT, _LIMIT / 2), (-_LIMIT, _LIMIT)]
    found = minimize(loss, [0.0, 0.0, 0.0, 1.0], method="L-BFGS-B", bounds=bounds)
    r, alpha, a, b = np.exp(found.x).tolist()
    return PurchaseProcess(r, alpha * unit, a, b, may_stop_at_first)
