"""What requests have in common: unknown fields are refused, ids have a length."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

ProfileId = Annotated[str, StringConstraints(min_length=1, max_length=256)]
ItemId = Annotated[str, StringConstraints(min_length=1, max_length=100)]
Signature = Annotated[
    str | None,
    Field(
        max_length=200,
        description="HMAC-SHA256 of customer_id (hex), where `require_signed_ids` is on.",
    ),
]
MAX_LIMIT = 100


class Asked(BaseModel):
    """Base of all request bodies."""

    model_config = ConfigDict(extra="forbid")
