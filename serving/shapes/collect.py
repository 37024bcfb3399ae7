"""What the collector takes and says, in the words of the Segment spec."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

TRACK: dict[str, Any] = {
    "userId": "c-1001",
    "anonymousId": "device-7",
    "event": "Order Completed",
    "messageId": "msg-1",
    "timestamp": "2026-03-01T10:00:00Z",
    "properties": {
        "order_id": "o-1",
        "revenue": 25.0,
        "currency": "EUR",
        "products": [{"product_id": "sku-42", "quantity": 2, "price": 12.5}],
    },
    "context": {
        "campaign": {"name": "spring", "medium": "email"},
        "consent": {"categoryPreferences": {"marketing": True}},
    },
}
IDENTIFY: dict[str, Any] = {
    "userId": "c-1001",
    "anonymousId": "device-7",
    "messageId": "msg-2",
    "traits": {"email": "ada@example.org", "country": "DE", "firstName": "Ada"},
}
PAGE: dict[str, Any] = {
    "anonymousId": "device-7",
    "messageId": "msg-3",
    "name": "Home",
    "properties": {"path": "/"},
}
SCREEN: dict[str, Any] = {"anonymousId": "device-7", "messageId": "msg-4", "name": "Home"}
GROUP: dict[str, Any] = {
    "userId": "c-1001",
    "messageId": "msg-5",
    "groupId": "g-1",
    "traits": {"name": "Acme"},
}
ALIAS: dict[str, Any] = {"userId": "c-1001", "messageId": "msg-6", "previousId": "device-7"}
BATCH: dict[str, Any] = {
    "sentAt": "2026-03-01T10:00:01Z",
    "batch": [{"type": "track", **TRACK}, {"type": "identify", **IDENTIFY}],
}


class Taken(BaseModel):
    """One event was taken in; it is on disk."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"success": True, "messageId": "msg-1", "status": "stored"}}
    )

    success: bool
    messageId: str
    status: str = Field(description="stored, or duplicate if the messageId was there already.")


class BatchResult(BaseModel):
    """What became of one event of a batch."""

    messageId: str | None
    status: str = Field(description="stored, duplicate or rejected.")
    code: str | None = None
    message: str | None = None
    field: str | None = None


class BatchTaken(BaseModel):
    """What became of a batch; a bad event never loses the good ones."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "success": False,
                "stored": 1,
                "duplicate": 0,
                "rejected": 1,
                "results": [
                    {"messageId": "msg-1", "status": "stored"},
                    {
                        "messageId": "msg-2",
                        "status": "rejected",
                        "code": "invalid_event",
                        "message": "timestamp '2026-03-01' has no time zone; add Z or an offset",
                        "field": "timestamp",
                    },
                ],
            }
        }
    )

    success: bool
    stored: int
    duplicate: int
    rejected: int
    results: list[BatchResult]


def request_body(example: dict[str, Any]) -> dict[str, Any]:
    """Return what OpenAPI says of a body that is read by hand; unknown fields are allowed."""
    schema = {"type": "object", "additionalProperties": True}
    return {
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": schema, "example": example}},
        }
    }
