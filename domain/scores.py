"""A score is never one bare number: it says how sure it is, against whom, why, and how old."""

from collections.abc import Mapping
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
    that currency. `low` and `high` bound it at 80 %. `percentile` is 1 to 100 among all scored,
    `tier` the fifth it falls in, and `tier_expected` the mean value of those in that fifth.
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
    tier_expected: float | None = None

    def to_plain(self) -> dict[str, Any]:
        """Return the record as it goes over the wire and into the feature store."""
        amount = "probability" if self.unit == "probability" else "amount"
        return {
            amount: self.value,
            "unit": self.unit,
            "interval": None if self.low is None else [self.low, self.high],
            "percentile": self.percentile,
            "tier": self.tier,
            "tier_expected": self.tier_expected,
            "factors": [
                {"feature": f.feature, "text": f.text, "contribution": f.contribution}
                for f in self.factors
            ],
            "model_version": self.model_version,
            "scored_at": self.scored_at.isoformat(),
            "reliability": self.reliability,
            "reliability_reason": self.reliability_reason,
        }


FIELDS = (  # of a record beside its value, in the order of an export
    "unit", "low", "high", "percentile", "tier", "tier_expected", "factors", "model_version",
    "scored_at", "reliability", "reliability_reason",
)  # fmt: skip


def field_names(model: str) -> tuple[str, ...]:
    """Return the columns of one model's record in a flat table, such as CSV."""
    return (model, *(f"{model}_{field}" for field in FIELDS))


def flat_record(model: str, record: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return a record as columns, each None where there is no score; factors in words."""
    if not record:
        return dict.fromkeys(field_names(model))
    low, high = record.get("interval") or (None, None)
    factors = record.get("factors", ())
    said = "; ".join(f"{f['text']} ({f['contribution']:+.2g})" for f in factors)
    known = {**record, "low": low, "high": high, "factors": said or None}
    value = record.get("probability", record.get("amount"))
    return dict(zip(field_names(model), (value, *(known.get(f) for f in FIELDS)), strict=True))


def tier_of(percentile: int) -> str:
    """Return the fifth a percentile (1 to 100) falls in: E is 1-20, A is 81-100."""
    return TIERS[min((percentile - 1) // 20, len(TIERS) - 1)]
