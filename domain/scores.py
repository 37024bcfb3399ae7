"""A score is never one bare number: it says how sure it is, against whom, why, and how old."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

TIERS = ("E", "D", "C", "B", "A")  # lowest to highest fifth of the scored population


@dataclass(frozen=True, slots=True)
class Factor:
    """One reason behind a score: in words for a marketer, with its signed contribution."""

    feature: str
    text: str
    contribution: float


@dataclass(frozen=True, slots=True)
class Score:
    """What one model says of one customer.

    `value` is a calibrated probability (0 to 1) when `unit` is 'probability', else an amount in
    that currency. `low` and `high` bound it at 80 %. `percentile` is 1 to 100 among all scored.
    """

    model: str
    unit: str
    value: float
    low: float | None
    high: float | None
    percentile: int
    tier: str
    factors: tuple[Factor, ...]
    model_version: str
    scored_at: datetime
    reliability: str = "high"  # high | low
    reliability_reason: str = ""

    def to_plain(self) -> dict[str, Any]:
        """Return the record as it goes over the wire and into the feature store."""
        amount = "probability" if self.unit == "probability" else "amount"
        return {
            amount: self.value,
            "unit": self.unit,
            "interval": None if self.low is None else [self.low, self.high],
            "percentile": self.percentile,
            "tier": self.tier,
            "factors": [
                {"feature": f.feature, "text": f.text, "contribution": f.contribution}
                for f in self.factors
            ],
            "model_version": self.model_version,
            "scored_at": self.scored_at.isoformat(),
            "reliability": self.reliability,
            "reliability_reason": self.reliability_reason,
        }


def tier_of(percentile: int) -> str:
    """Return the fifth a percentile (1 to 100) falls in: E is 1-20, A is 81-100."""
    return TIERS[min((percentile - 1) // 20, len(TIERS) - 1)]
