"""What a purchase day is worth: own mean and population mean, mixed by how much is known.

Fader & Hardie 2013, "The Gamma-Gamma Model of Monetary Value" (brucehardie.com/notes/025). The
spends of a customer's n days are gamma(p, nu), nu is gamma(q, gamma) over customers, and neither
depends on how often the customer buys.
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.special import gammaln

from domain.errors import NotEnoughData

SPENDERS_NEEDED = 20
MAX_ROWS = 50_000
_LIMIT = 12.0


@dataclass(frozen=True, slots=True)
class SpendPerDay:
    """The three numbers of a population; `gamma` is in the currency."""

    p: float
    q: float
    gamma: float

    def log_likelihood(self, days: np.ndarray, mean_spend: np.ndarray) -> np.ndarray:
        """Return ln L of each customer, (n,): eq. (1a). Both arguments (n,) above 0."""
        px, sums = self.p * days, days * mean_spend
        return np.asarray(
            gammaln(px + self.q) - gammaln(px) - gammaln(self.q)
            + self.q * np.log(self.gamma) + (px - 1) * np.log(mean_spend) + px * np.log(days)
            - (px + self.q) * np.log(self.gamma + sums)
        )  # fmt: skip

    def expected_spend(self, days: np.ndarray, mean_spend: np.ndarray) -> np.ndarray:
        """Return the expected spend of a day to come, (n,): eq. (5).

        With no day known (days 0) it is the population's mean.
        """
        below = np.maximum(self.p * days + self.q - 1, 1e-6)
        return np.asarray(self.p * (self.gamma + days * mean_spend) / below)


def fit_spend(
    days: np.ndarray, mean_spend: np.ndarray, weights: np.ndarray | None = None, *, seed: int = 0
) -> SpendPerDay:
    """Return the model of maximum likelihood from customers with a spend above 0."""
    usable = np.flatnonzero((days > 0) & (mean_spend > 0))
    if len(usable) < SPENDERS_NEEDED:
        raise NotEnoughData(
            f"spend per purchase day: {len(usable)} customers spent anything, "
            f"{SPENDERS_NEEDED} are needed; import more history"
        )
    if len(usable) > MAX_ROWS:
        usable = np.random.default_rng(seed).choice(usable, MAX_ROWS, replace=False)
    n, spend = days[usable], mean_spend[usable]
    weight = np.ones(len(n)) if weights is None else weights[usable]
    unit = float(np.average(spend, weights=weight))

    def loss(logs: np.ndarray) -> float:
        model = SpendPerDay(*np.exp(logs))
        return -float(np.average(model.log_likelihood(n, spend / unit), weights=weight))

    # q above 1: with less the population has no mean spend
    bounds = [(-_LIMIT, _LIMIT), (np.log(1.05), _LIMIT), (-_LIMIT, _LIMIT)]
    found = minimize(loss, [1.0, 1.0, 1.0], method="L-BFGS-B", bounds=bounds)
    p, q, gamma = np.exp(found.x).tolist()
    return SpendPerDay(p, q, gamma * unit)
