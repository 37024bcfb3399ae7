"""The rule of a placement: where items come from, which may be shown, and what moves them."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from serving.shapes.asked import ItemId, ProfileId
from serving.shapes.lists import ListAsked, ListedItem

VECTORS = "vectors"  # of the recommender
MAX_PINS, MAX_BOOSTS, MAX_POSITION = 200, 50, 100
EXAMPLE: dict[str, Any] = {
    "filter": {"not": {"category": "gift-cards"}},
    "boosts": [{"filter": {"brand": "Potters"}, "factor": 1.5}],
    "pins": [{"item_id": "sku-42", "position": 1, "to": "2030-01-31T23:00:00Z"}],
    "caps": [{"attribute": "category", "at_most": 3}],
    "diversity": {"lambda": 0.7, "over": "category"},
    "freshness": {"share": 0.2},
    "repeat": {"times": 5, "days": 7},
}


class Part(BaseModel):
    """Base of all parts of a rule: unknown fields are refused, nothing changes once read."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Dated(Part):
    """Holds from one instant until another (not in it); without them always."""

    from_: AwareDatetime | None = Field(None, alias="from", description="ISO 8601 with a zone.")
    to: AwareDatetime | None = Field(None, description="ISO 8601 with a zone; no longer then.")

    def holds(self, now: datetime) -> bool:
        """Return whether it holds at this instant."""
        begun = self.from_ is None or self.from_ <= now
        return begun and (self.to is None or now < self.to)


SourceName = Literal["model", "content", "affinity", "trending", "popular"]


class Source(Part):
    """Where candidates come from, and how much its word counts beside the others."""

    name: SourceName
    weight: float = Field(1.0, gt=0, le=1000, allow_inf_nan=False)


class Boost(Dated):
    """Multiplies the worth of some items: a factor above 1 boosts, one below 1 buries."""

    filter: dict[str, Any] = Field(min_length=1, description="Which items, as in a request.")
    factor: float = Field(gt=0, le=100, allow_inf_nan=False)


class Pin(Dated):
    """Puts one item at one place: for everybody, a segment, or a customer."""

    item_id: ItemId
    position: int = Field(ge=1, le=MAX_POSITION, description="From 1.")
    segment: Annotated[str, StringConstraints(min_length=1, max_length=60)] | None = None
    customer_id: ProfileId | None = None


class Cap(Part):
    """At most so many items of one category, or of one brand."""

    attribute: Literal["category", "brand"]
    at_most: int = Field(ge=1, le=100)


class Diversity(Part):
    """Maximal marginal relevance: 1 keeps the order, towards 0 no two alike stand together."""

    lambda_: float = Field(alias="lambda", ge=0, le=1, allow_inf_nan=False)
    over: Literal["vectors", "category", "brand"] = "vectors"


class Freshness(Part):
    """At least this share of the list is new, where so many new items may be shown."""

    share: float = Field(gt=0, le=1, allow_inf_nan=False)
    filter: dict[str, Any] = Field(
        default_factory=dict,
        description="Which items count as new; left out: those the recommender never met.",
    )


class Repeat(Part):
    """An item that a person was shown so often within the last days is not shown to them."""

    times: int = Field(ge=1, le=1000)
    days: float = Field(gt=0, le=365, allow_inf_nan=False)
    everywhere: bool = Field(False, description="Count what other placements showed, too.")


class Rule(Dated):
    """All that one placement does beside asking the model; every part may be left out."""

    model_config = ConfigDict(json_schema_extra={"example": EXAMPLE})

    note: Annotated[str, StringConstraints(max_length=1000)] = ""
    sources: list[Source] = Field(default_factory=list, max_length=5)
    filter: dict[str, Any] = Field(default_factory=dict)
    boosts: list[Boost] = Field(default_factory=list, max_length=MAX_BOOSTS)
    pins: list[Pin] = Field(default_factory=list, max_length=MAX_PINS)
    caps: list[Cap] = Field(default_factory=list, max_length=2)
    diversity: Diversity | None = None
    freshness: Freshness | None = None
    repeat: Repeat | None = None


class PlacementAnswer(BaseModel):
    """A placement with its rule, and the change that made it what it is."""

    name: str
    rule: dict[str, Any]
    version: int = Field(description="The number of the change; grows.")
    changed_at: datetime
    changed_by: str


class Change(BaseModel):
    """One change of a rule: null before it was made, null after it was deleted."""

    version: int
    at: datetime
    by: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None


class PlacementHistory(BaseModel):
    """All changes of one placement, the latest first."""

    name: str
    changes: list[Change]


class DryRunAsked(ListAsked):
    """For whom the list would be, and the rule to try."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"example": {"customer_id": "c-1001", "limit": 5, "rule": EXAMPLE}},
    )

    customer_id: ProfileId | None = None
    anonymous_id: ProfileId | None = None
    rule: dict[str, Any] | None = Field(description="null: as if there were none.")


class Moved(BaseModel):
    """One item that came, went or changed its place, and why."""

    item_id: str
    before: int | None = Field(description="Its place now, from 1; null if it is not in the list.")
    after: int | None = Field(description="Its place with the rule; null if it is not in it.")
    why: list[str]


class DryRun(BaseModel):
    """The list now, the list with the rule, and what moved; nothing was shown or kept."""

    placement: str
    now: list[ListedItem]
    then: list[ListedItem]
    moved: list[Moved]
    faults: list[str] = Field(description="Parts of the rule that do nothing at present, and why.")
