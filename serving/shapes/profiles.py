"""Answers about one profile."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

_SCORE: dict[str, Any] = {
    "probability": 0.34,
    "unit": "probability",
    "interval": [0.28, 0.41],
    "percentile": 83,
    "tier": "A",
    "tier_expected": 0.41,
    "factors": [{"feature": "recency_days", "text": "bought 61 days ago", "contribution": 0.4}],
    "model_version": "3",
    "scored_at": "2026-03-01T10:15:00+00:00",
    "reliability": "high",
    "reliability_reason": "",
}
_PROFILE: dict[str, Any] = {
    "profile_id": "c-1001",
    "traits": {"email": "ada@example.org", "country": "DE"},
    "consent": {"marketing": True},
    "behaviour": {"order_count": 3.0, "funnel_stage": "New Customer", "spend_total": 75.0},
    "session": {
        "started_at": "2026-03-01T09:41:00+00:00",
        "last_event_at": "2026-03-01T10:00:00+00:00",
        "minutes": 19.0,
        "events": 7,
        "items": 3,
        "campaign": "spring",
    },
    "top": {
        "category": ["Tableware", "Garden"],
        "brand": ["Halvorn"],
        "touchpoint": ["web", "email"],
        "campaign": ["spring"],
    },
    "interactions": [
        {
            "item_id": "sku-42",
            "kind": "purchase",
            "at": "2026-03-01T10:00:00+00:00",
            "category": "Tableware",
            "brand": "Halvorn",
            "message_id": "msg-1",
        }
    ],
    "scores": {"churn": _SCORE},
    "segments": ["active-visitors"],
    "events": [
        {
            "message_id": "msg-1",
            "kind": "purchase",
            "at": "2026-03-01T10:00:00+00:00",
            "value": 25.0,
            "items": [{"item_id": "sku-42", "quantity": 2.0, "unit_price": 12.5}],
            "properties": {},
        }
    ],
    "features_age_seconds": 2.1,
    "fallback": None,
}


class ProfileAnswer(BaseModel):
    """Everything known of one profile at this moment."""

    model_config = ConfigDict(json_schema_extra={"example": _PROFILE})

    profile_id: str
    traits: dict[str, Any]
    consent: dict[str, bool]
    behaviour: dict[str, Any] = Field(description="Every feature, computed now.")
    session: dict[str, Any] | None = Field(
        description="The latest session: it ends with 30 minutes of silence."
    )
    top: dict[str, list[str]] = Field(
        description="Up to three of each, most first: category, brand, touchpoint, campaign."
    )
    interactions: list[dict[str, Any]] = Field(
        description="The last 50 times an item was touched, newest first."
    )
    scores: dict[str, dict[str, Any]] = Field(description="By model; as of its scored_at.")
    segments: list[str] = Field(description="Keys of the segments the profile is in now.")
    events: list[dict[str, Any]] = Field(description="The latest events, newest first.")
    features_age_seconds: float | None
    fallback: str | None = Field(description="'log' if the feature store did not answer.")
