"""Answers about placements."""

from datetime import datetime

from pydantic import BaseModel, Field

Interval = tuple[float, float] | None


class PlacementSeen(BaseModel):
    """One placement that showed lists, or has a rule."""

    placement: str
    exposures: int
    first_at: datetime | None
    last_at: datetime | None
    version: int | None = Field(description="Of its rule; null where it has none.")


class Placements(BaseModel):
    """All placements, those with most lists first."""

    placements: list[PlacementSeen]


class Counted(BaseModel):
    """What was shown and what came of it; intervals are 95 % Wilson."""

    exposures: int = Field(description="Lists that were shown.")
    items_shown: int
    clicks: int = Field(description="Lists of which at least one item was clicked.")
    conversions: int = Field(description="Lists of which at least one item was bought.")
    revenue: float = Field(description="Money of the items bought, currencies not converted.")
    click_rate: float | None
    click_rate_interval: Interval
    conversion_rate: float | None
    conversion_rate_interval: Interval


class CountedVersion(Counted):
    """The same for one set of model versions."""

    model_versions: dict[str, str] | None
    fallback: str | None


class Performance(BaseModel):
    """How one placement did in a period."""

    placement: str
    from_: datetime = Field(alias="from")
    to: datetime
    window_days: float
    rule: str
    total: Counted
    by_version: list[CountedVersion]
