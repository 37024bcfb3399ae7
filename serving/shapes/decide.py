"""The one call that records and decides: request and answer."""

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from serving.shapes.actions import ActionAnswer
from serving.shapes.asked import Asked, ItemId, ProfileId, Signature
from serving.shapes.collect import BatchResult
from serving.shapes.lists import ItemList, ListAsked, Placement

MAX_PLACEMENTS = 20
MAX_EVENTS = 100

_ASK: dict[str, Any] = {
    "customer_id": "c-1001",
    "anonymous_id": "device-7",
    "events": [
        {
            "type": "track",
            "event": "Product Viewed",
            "messageId": "msg-9",
            "properties": {"product_id": "sku-42"},
        }
    ],
    "context_items": ["sku-42"],
    "want": {
        "recommendations": [
            {"placement": "product-page", "limit": 6},
            {"placement": "footer", "limit": 6, "filter": {"price": {"<=": 20}}},
        ],
        "action": {"channels": ["web"]},
        "segments": True,
        "scores": True,
    },
}


def _plain_true(given: Any) -> Any:
    return {} if given is True else None if given is False else given


class ListWanted(ListAsked):
    """One list: where it will be shown, and what must not be in it."""

    placement: Placement
    log: bool = Field(True, description="Keep the list as shown; send false to look only.")


class ActionWanted(Asked):
    """An action is wanted; `true` is short for all channels."""

    channels: list[str] | None = Field(None, min_length=1, max_length=20)
    log: bool = Field(True, description="Keep the action as shown; send false to look only.")


class Wanted(Asked):
    """What is to be decided; action, segments and scores need the secret key."""

    recommendations: list[ListWanted] = Field(default_factory=list, max_length=MAX_PLACEMENTS)
    action: Annotated[ActionWanted | None, BeforeValidator(_plain_true)] = None
    segments: bool = False
    scores: bool = False


class DecideAsked(Asked):
    """For whom, what just happened, and what is to be decided."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": _ASK})

    customer_id: ProfileId | None = Field(None, description="The shop's own id of a known person.")
    anonymous_id: ProfileId | None = Field(None, description="The device; a customer_id wins.")
    customer_signature: Signature = None
    call_id: Annotated[str, StringConstraints(min_length=1, max_length=100)] | None = Field(
        None,
        description="Your id of this call. Sent again after a lost answer, it gives the same "
        "decision ids and message ids, so that nothing counts twice.",
    )
    events: list[Any] = Field(
        default_factory=list,
        max_length=MAX_EVENTS,
        description="Messages of the Segment spec; those without ids get the ids of the call.",
    )
    sentAt: str | None = Field(None, description="When the call was sent, by the sender's clock.")
    context_items: list[ItemId] = Field(
        default_factory=list, max_length=100, description="Items on the page, for every list."
    )
    want: Wanted = Field(default_factory=Wanted)


class EventsTaken(BaseModel):
    """What became of the events of the call."""

    success: bool
    stored: int
    duplicate: int
    rejected: int
    failed: int = Field(description="Fine, but not written: send them again.")
    results: list[BatchResult]


class SegmentsNow(BaseModel):
    """The segments the person is in now."""

    keys: list[str]
    fallback: str | None
    fallback_reason: str | None


class ScoresKnown(BaseModel):
    """The scores of the person, each as of its `scored_at`."""

    models: dict[str, dict[str, Any]]
    fallback: str | None
    fallback_reason: str | None


class DecideAnswer(BaseModel):
    """Everything that was decided; what was not wanted is null."""

    decision_id: str = Field(
        description="The call as a whole. Its lists have the same with -1, -2, ... behind it, the "
        "action with -action; an event may carry any of them."
    )
    events: EventsTaken
    recommendations: list[ItemList]
    action: ActionAnswer | None
    segments: SegmentsNow | None
    scores: ScoresKnown | None
    model_versions: dict[str, str]
    features_age_seconds: float | None
    fallback: str | None = Field(description="'unknown' if the person could not be looked up.")
    fallback_reason: str | None
    timings_ms: dict[str, float] = Field(description="read, decide, store.")
    release_id: str | None
