"""What a purchase process and a spend model say of the days to come, from four columns alone."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd

from domain.errors import InvalidInput
from models.buy_till_you_die import PurchaseProcess, fit_process
from models.fitted import require_fitted
from models.gamma_gamma import SpendPerDay, fit_spend
from models.manifest import params_of, read_manifest, saving
from models.protocols import Labelled
from models.purchase_history import HistoryColumns, PurchaseHistory
from models.targets import checked_target, checked_weights

UNITS = {"spend": "amount", "purchases": "amount", "silence": "probability"}


@dataclass(frozen=True, slots=True)
class PurchaseForecast:
    """A fitted process of purchases and spends. All methods take (n,) histories, give (n,)."""

    process: PurchaseProcess
    spend: SpendPerDay

    @classmethod
    def fit(
        cls,
        history: PurchaseHistory,
        weights: np.ndarray | None = None,
        *,
        may_stop_at_first: bool,
        seed: int = 0,
    ) -> "PurchaseForecast":
        """Learn both from the customers of `history`."""
        rows = np.flatnonzero(history.bought)
        known = history.customers()
        weight = None if weights is None else weights[rows]
        return cls(
            fit_process(known.past, weight, may_stop_at_first=may_stop_at_first, seed=seed),
            fit_spend(known.days, known.spend, weight, seed=seed),
        )

    def purchases(self, history: PurchaseHistory, days: np.ndarray | float) -> np.ndarray:
        """Return the expected purchase days within `days`; 0 for who never bought."""
        expected = self.process.expected_purchases(history.past, days)
        return np.where(history.bought, expected, 0.0)

    def per_day(self, history: PurchaseHistory) -> np.ndarray:
        """Return the expected spend of a purchase day."""
        return self.spend.expected_spend(history.days, history.spend)

    def amount(self, history: PurchaseHistory, days: np.ndarray | float) -> np.ndarray:
        """Return the expected spend within `days`."""
        return np.asarray(self.purchases(history, days) * self.per_day(history))

    def silence(self, history: PurchaseHistory, days: np.ndarray | float) -> np.ndarray:
        """Return the chance of no purchase within `days`; 1 for who never bought."""
        return np.where(history.bought, self.process.p_silent(history.past, days), 1.0)

    def wait(self, history: PurchaseHistory) -> np.ndarray:
        """Return the median days to the next purchase of those who will buy again."""
        return np.where(history.bought, self.process.days_to_next_purchase(history.past), np.nan)

    def to_plain(self) -> dict[str, Any]:
        """Return the parameters as plain JSON values."""
        return {"process": asdict(self.process), "spend": asdict(self.spend)}

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> "PurchaseForecast":
        """Rebuild from `to_plain`."""
        return cls(PurchaseProcess(**plain["process"]), SpendPerDay(**plain["spend"]))


class PurchaseForecastScorer:
    """BG/NBD (or MBG/NBD) with Gamma-Gamma behind the Scorer protocol.

    `gives`: 'spend' or 'purchases' expected within `days`, or the chance of 'silence' for as long.
    It learns from the histories in X alone; y is checked and left alone. The columns are those of
    `models.purchase_history`: counts of days, and days before the cut-off.
    """

    KIND: ClassVar[str] = "purchase_forecast"
    forecast_: PurchaseForecast

    def __init__(
        self,
        gives: str = "spend",
        *,
        days: float = 90.0,
        may_stop_at_first: bool = False,
        columns: tuple[str, str, str, str] = HistoryColumns().names(),
        seed: int = 0,
    ) -> None:
        self.gives = gives
        self.days = days
        self.may_stop_at_first = may_stop_at_first
        self.columns = columns
        self.seed = seed

    def fit(
        self,
        X: pd.DataFrame,
        y: np.ndarray,
        *,
        sample_weight: np.ndarray | None = None,
        validation: Labelled | None = None,
    ) -> Self:
        """Learn the process from the histories of X (n, columns)."""
        if self.gives not in UNITS:
            raise InvalidInput(f"gives {self.gives!r} is unknown; use one of {sorted(UNITS)}")
        checked_target(X, y, UNITS[self.gives])
        weights = checked_weights(X, sample_weight)
        self.forecast_ = PurchaseForecast.fit(
            self._history(X), weights, may_stop_at_first=self.may_stop_at_first, seed=self.seed
        )
        return self

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Return the expectation per row, (n,) float64."""
        require_fitted(self, "forecast_")
        ask = {
            "spend": self.forecast_.amount,
            "purchases": self.forecast_.purchases,
            "silence": self.forecast_.silence,
        }[self.gives]
        return ask(self._history(X), self.days)

    @property
    def features(self) -> tuple[str, ...]:
        """The columns it reads."""
        return tuple(self.columns)

    def save(self, folder: Path) -> None:
        """Write `forecast.json` with a manifest."""
        require_fitted(self, "forecast_")
        with saving(folder, self.KIND, params_of(self), self.features) as draft:
            (draft / "forecast.json").write_text(json.dumps(self.forecast_.to_plain()))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read a saved model."""
        scorer = cls(**read_manifest(folder, cls.KIND).params)
        plain = json.loads((Path(folder) / "forecast.json").read_text())
        scorer.forecast_ = PurchaseForecast.from_plain(plain)
        return scorer

    def _history(self, X: pd.DataFrame) -> PurchaseHistory:
        return PurchaseHistory.of(X, HistoryColumns(*self.columns))
