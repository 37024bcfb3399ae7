"""Why an item is in a list, or why it is not: question and answer."""

import json
from typing import Annotated, Any

from pydantic import BaseModel, Field, ValidationError

from domain.errors import InvalidInput
from serving.errors import described
from serving.explain import VERDICTS
from serving.shapes.asked import Asked, ItemId, ProfileId
from serving.shapes.lists import Limit, Placement, Reason, RecommendationsAsked

_Json = Annotated[str | None, Field(max_length=20_000)]


class ExplainAsked(Asked):
    """The list as it would be asked for, and the item; `filter` and the windows are JSON."""

    item_id: ItemId
    customer_id: ProfileId | None = None
    anonymous_id: ProfileId | None = None
    placement: Placement = "default"
    limit: Limit = 10
    filter: _Json = None
    exclude: list[ItemId] = Field(default_factory=list, max_length=1000)
    context_items: list[ItemId] = Field(default_factory=list, max_length=100)
    exclude_purchased: _Json = None
    exclude_seen: _Json = None

    def list_asked(self) -> RecommendationsAsked:
        """Return the request for the list; what is wrong with it is InvalidInput."""
        plain = self.model_dump(exclude={"item_id"}, exclude_none=True)
        for name in ("filter", "exclude_purchased", "exclude_seen"):
            if name in plain:
                plain[name] = _read(plain[name], name)
        try:
            return RecommendationsAsked.model_validate(plain)
        except ValidationError as fault:
            first: dict[str, Any] = dict(fault.errors()[0])
            field, sentence = described(first | {"loc": ("query", *first["loc"])})
            raise InvalidInput(sentence, field=field) from fault


def _read(text: str, name: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as fault:
        raise InvalidInput(f"{name} is not valid JSON: {fault}", field=name) from fault


class Hindered(BaseModel):
    """One thing that keeps an item out of a list, whatever its score."""

    verdict: str
    text: str
    part: str | None = Field(description="Of the filter or the rule, such as filter.price.<=.")


class Stands(BaseModel):
    """Where the item stands with one source of candidates."""

    source: str
    score: float | None
    rank: int | None = Field(description="Among all items that may be shown, from 1.")
    needed: float | None = Field(description="The score of the last item that the source gave.")
    text: str


class RuleStep(BaseModel):
    """What one rule did to the item; before and after are its worth, or its rank and place."""

    rule: str = Field(description="Where it stands in the rule, such as boosts[0].")
    effect: str
    text: str
    before: float | None
    after: float | None


class Explanation(BaseModel):
    """Why an item is in a list, or why it is not."""

    item_id: str
    placement: str
    verdict: str = Field(description=f"One of {', '.join(VERDICTS)}.")
    text: str
    rank: int | None = Field(description="In the list where it is in it, else by its best source.")
    score: float | None
    needed: float | None
    source: str | None
    reasons: list[Reason]
    hindrances: list[Hindered]
    sources: list[Stands]
    rules: list[RuleStep] = Field(description="What the rules of the placement did to it.")
    returned: list[str] = Field(description="The item ids of the list, best first.")
    fallback: str | None
    fallback_reason: str | None
    model_versions: dict[str, str]
    release_id: str | None
