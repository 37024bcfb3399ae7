"""Requests and answers about lists of items."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from serving.question import SOURCES
from serving.reasons import KINDS
from serving.shapes.asked import MAX_LIMIT, Asked, ItemId, ProfileId, Signature

Limit = Annotated[int, Field(ge=1, le=MAX_LIMIT, description="How many items at most.")]

Placement = Annotated[
    str, Field(min_length=1, max_length=100, description="Where the list is shown.")
]

Window = bool | Annotated[float, Field(gt=0, le=36_500)]

_ASK: dict[str, Any] = {
    "customer_id": "c-1001",
    "placement": "home",
    "limit": 5,
    "filter": {"category": ["mugs", "bowls"], "price": {"<=": 20}},
    "exclude": ["sku-17"],
    "context_items": ["sku-3"],
}
_ITEM: dict[str, Any] = {
    "item_id": "sku-42",
    "title": "Blue mug",
    "category": "mugs",
    "brand": "Potters",
    "price": 12.5,
    "score": 0.81,
    "source": "model",
    "reasons": [
        {
            "kind": "history",
            "item_id": "sku-3",
            "text": "because you bought White mug",
            "contribution": 0.44,
        }
    ],
}
_ANSWER: dict[str, Any] = {
    "decision_id": "d-2f0c9a7e",
    "placement": "home",
    "rules": None,
    "items": [_ITEM],
    "model_versions": {"recommend": "3"},
    "features_age_seconds": 2.1,
    "fallback": None,
    "fallback_reason": None,
    "propensity": 1.0,
    "logged": True,
    "release_id": "20260301-101500",
}


class ListAsked(Asked):
    """How long a list may be, what is on the page, and what must not be in it."""

    limit: Limit = 10
    filter: dict[str, Any] = Field(
        default_factory=dict,
        description='Which items may be shown, such as {"category": "mugs", "price": {"<=": 20}}.',
    )
    exclude: list[ItemId] = Field(default_factory=list, max_length=1000)
    context_items: list[ItemId] = Field(
        default_factory=list, max_length=100, description="Items on the page at this moment."
    )
    exclude_purchased: Window = Field(
        True,
        description="Leave out what the visitor bought: ever (true), within so many days, or not.",
    )
    exclude_seen: Window = Field(
        False,
        description="Leave out what the visitor touched, of their latest 50 touches: all (true), "
        "those of so many days, or none.",
    )


class RecommendationsAsked(ListAsked):
    """For whom, where, and what must not be in the list; without an id the visitor is unknown."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": _ASK})

    customer_id: ProfileId | None = Field(None, description="The shop's own id of a known person.")
    anonymous_id: ProfileId | None = Field(None, description="The device; a customer_id wins.")
    customer_signature: Signature = None
    placement: Placement = "default"
    log: bool | None = Field(
        None,
        description="Keep the list as a 'recommendation-shown' event with the decision_id; left "
        "out: yes if a placement is named.",
    )

    @property
    def is_shown(self) -> bool:
        """Whether the list counts as shown: who names a placement is going to show it there."""
        return "placement" in self.model_fields_set if self.log is None else self.log


class Reason(BaseModel):
    """Why an item is in a list; contributions of all past items add up to the score."""

    kind: str = Field(description=f"One of {', '.join(KINDS)}.")
    item_id: str | None
    text: str
    contribution: float | None


class ListedItem(BaseModel):
    """One item of a list."""

    item_id: str
    title: str
    category: str | None
    brand: str | None
    price: float | None
    score: float
    source: str = Field(description=f"Who found it: {', '.join(SOURCES)}.")
    reasons: list[Reason]


class RulesApplied(BaseModel):
    """The rule of the placement that had a hand in a list."""

    placement: str
    version: int = Field(description="The change that made the rule what it was.")
    pinned: list[str] = Field(description="Items that a pin put at their place.")
    faults: list[str] = Field(description="Parts that did nothing this time, and why.")


class ItemList(BaseModel):
    """A list, best first."""

    model_config = ConfigDict(json_schema_extra={"example": _ANSWER})

    decision_id: str = Field(description="Send it back with events, as properties.decision_id.")
    placement: str | None
    rules: RulesApplied | None = Field(description="null: this placement has no rule.")
    items: list[ListedItem]
    model_versions: dict[str, str]
    features_age_seconds: float | None
    fallback: str | None = Field(description="null, or how less than the whole model was used.")
    fallback_reason: str | None
    propensity: float = Field(description="The probability with which this list was chosen.")
    logged: bool = Field(description="Whether it is kept as shown; written behind the answer.")
    release_id: str | None


class LeoProduct(BaseModel):
    """One recommended product, as LEO CDP names its parts."""

    product_id: str
    product_name: str
    product_category: str | None
    brand: str | None
    price: float | None
    journey_maps: list[str]
    score: float


class LeoList(BaseModel):
    """A list as LEO CDP reads it."""

    profile_id: str
    recommended_products: list[LeoProduct]
