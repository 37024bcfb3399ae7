"""A list that somebody else made, to be put in order for one visitor."""

from typing import Any, Literal

from pydantic import ConfigDict, Field

from serving.shapes.asked import Asked, ItemId, ProfileId, Signature
from serving.shapes.lists import ItemList, Placement

MAX_ITEMS = 500

_ASK: dict[str, Any] = {
    "customer_id": "c-1001",
    "item_ids": ["sku-17", "sku-42", "sku-3"],
    "placement": "search",
}


class RerankAsked(Asked):
    """Which items, for whom; without an id the visitor is unknown."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": _ASK})

    item_ids: list[ItemId] = Field(
        min_length=1, max_length=MAX_ITEMS, description="Such as the results of a search."
    )
    customer_id: ProfileId | None = Field(None, description="The shop's own id of a known person.")
    anonymous_id: ProfileId | None = Field(None, description="The device; a customer_id wins.")
    customer_signature: Signature = None
    unknown: Literal["end", "drop"] = Field(
        "end", description="Ids that no item has: kept behind the others in their order, or not."
    )
    placement: Placement | None = Field(None, description="Where the list is shown, for the log.")
    log: bool | None = Field(
        None, description="Keep the list as shown; left out: yes if a placement is named."
    )

    @property
    def is_shown(self) -> bool:
        """Whether the list counts as shown: who names a placement is going to show it there."""
        return self.placement is not None if self.log is None else self.log


class RerankedList(ItemList):
    """The given items, best first; each once."""

    unknown: list[str] = Field(description="Given ids that no item has.")
