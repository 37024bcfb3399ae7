"""Requests and answers about webhooks and changes of segments."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from serving.shapes.asked import Asked

_HOOK: dict[str, Any] = {
    "id": "wh_5f0c2d7a91b34e68",
    "url": "https://shop.example/nextbest",
    "segments": ["likely-to-churn"],
    "created_at": "2026-03-01T10:15:00+00:00",
}
_MESSAGE: dict[str, Any] = {
    "delivery_id": "dl_8f14e45fceea467f9e0a5e6d2b1c3a90",
    "segment": "likely-to-churn",
    "op": "entered",
    "ids": ["c-7", "c-12"],
    "version": 1,
    "at": "2026-03-01T10:15:00+00:00",
}
_CHANGE: dict[str, Any] = {
    "seq": 41,
    "profile_id": "c-7",
    "op": "entered",
    "version": 1,
    "at": "2026-03-01T10:15:00+00:00",
    "cause": "msg-1",
}
SegmentKey = Annotated[str, StringConstraints(min_length=2, max_length=60)]


class WebhookAsked(Asked):
    """A new destination."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"example": {"url": _HOOK["url"], "segments": _HOOK["segments"]}},
    )

    url: Annotated[str, StringConstraints(min_length=1, max_length=2000)]
    segments: list[SegmentKey] = Field(
        default_factory=list, max_length=1000, description="Keys; none means all segments."
    )


class WebhookAnswer(BaseModel):
    """A destination."""

    model_config = ConfigDict(json_schema_extra={"example": _HOOK})

    id: str
    url: str
    segments: list[str]
    created_at: str


class MadeWebhook(WebhookAnswer):
    """A new destination with its secret, which is shown this once."""

    secret: str


class ListedWebhook(WebhookAnswer):
    """A destination with the state of its queue."""

    waiting: int = Field(description="Messages on their way.")
    dead: int = Field(description="Messages that were given up.")
    error: str | None = Field(description="Why the first waiting message has not arrived.")


class WebhookList(BaseModel):
    """All destinations."""

    webhooks: list[ListedWebhook]


class PingAnswer(BaseModel):
    """How a test message went."""

    delivered: bool
    error: str | None
    seconds: float


class DeadMessage(BaseModel):
    """A message that was given up."""

    seq: int
    message: dict[str, Any] = Field(json_schema_extra={"example": _MESSAGE})
    attempts: int
    dead_at: str
    error: str | None


class DeadList(BaseModel):
    """One page of messages that were given up; give `next` as `after` to get the next page."""

    messages: list[DeadMessage]
    next: int | None


class Change(BaseModel):
    """One profile that entered or left; `cause` is a message id, time, or scores."""

    model_config = ConfigDict(json_schema_extra={"example": _CHANGE})

    seq: int
    profile_id: str
    op: str
    version: int
    at: str
    cause: str


class ChangesAnswer(BaseModel):
    """One page of changes, oldest first; give `next` as `after` to get the next page."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"key": "likely-to-churn", "changes": [_CHANGE], "next": 41}}
    )

    key: str
    changes: list[Change]
    next: int | None
