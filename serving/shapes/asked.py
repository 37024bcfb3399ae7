"""What requests have in common: unknown fields are refused, ids have a length."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints

ProfileId = Annotated[str, StringConstraints(min_length=1, max_length=256)]
ItemId = Annotated[str, StringConstraints(min_length=1, max_length=100)]
MAX_LIMIT = 100


class Asked(BaseModel):
    """Base of all request bodies."""

    model_config = ConfigDict(extra="forbid")
