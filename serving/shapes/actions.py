"""Requests and answers about the next best action."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from serving.shapes.asked import Asked, ProfileId

_CANDIDATE: dict[str, Any] = {
    "action": "cart_reminder_email",
    "title": "Abandoned cart reminder",
    "channel": "email",
    "message": "You left something in your cart. We kept it for you.",
    "expected_value": 1.16,
    "p_accept": 0.07,
    "p_accept_interval": [0.05, 0.09],
    "value": 18.0,
    "cost": 0.1,
    "shown": 412,
}
_ANSWER: dict[str, Any] = {
    "decision_id": "d-77ab01",
    "action": _CANDIDATE,
    "alternatives": [],
    "reasons": ["'cart_reminder_email' is expected to bring 1.16: 7.0% accept x 18.00 - 0.10"],
    "refused": [
        {"action": "free_shipping", "code": "not_in_segment", "sentence": "not in 'prospects'"}
    ],
    "propensity": 1.0,
    "logged": True,
    "stratum": "lead/fresh",
    "model_versions": {"responses": "20260301-101500"},
    "features_age_seconds": 1.4,
    "fallback": None,
    "fallback_reason": None,
    "release_id": "20260301-101500",
}


class ActionAsked(Asked):
    """For whom an action is sought, and over which channels they can be reached."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"example": {"customer_id": "c-1001", "channels": ["email", "web"]}},
    )

    customer_id: ProfileId | None = None
    anonymous_id: ProfileId | None = Field(None, description="The device; a customer_id wins.")
    channels: list[str] | None = Field(
        None, min_length=1, max_length=20, description="Channels open now; left out: all."
    )
    log: bool = Field(
        True,
        description="Keep the action as an 'action-shown' event with the decision_id; send false "
        "to look without showing. Silence and answers for unknown customers are never logged.",
    )


class CandidateAction(BaseModel):
    """An action with what it is expected to bring: p_accept x value - cost."""

    action: str
    title: str
    channel: str
    message: str
    expected_value: float
    p_accept: float
    p_accept_interval: list[float] = Field(description="80 % interval.")
    value: float
    cost: float
    shown: int = Field(description="Showings to customers like this one behind the estimate.")


class RefusedAction(BaseModel):
    """An action that is not open to this customer, and why."""

    action: str
    code: str
    sentence: str


class ActionAnswer(BaseModel):
    """What to do, or silence (`action` is null), and all that was weighed for it."""

    model_config = ConfigDict(json_schema_extra={"example": _ANSWER})

    decision_id: str
    action: CandidateAction | None
    alternatives: list[CandidateAction]
    reasons: list[str]
    refused: list[RefusedAction]
    propensity: float = Field(description="The probability with which this choice was made.")
    logged: bool
    stratum: str = Field(description="The group of customers whose responses were counted.")
    model_versions: dict[str, str]
    features_age_seconds: float | None
    fallback: str | None
    fallback_reason: str | None
    release_id: str | None
