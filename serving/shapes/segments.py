"""Requests and answers about segments and look-alikes."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from serving.shapes.asked import Asked, ProfileId

_RULE: dict[str, Any] = {
    "combinator": "and",
    "not": False,
    "rules": [
        {"field": "churn_percentile", "operator": ">=", "value": 80},
        {"field": "order_count", "operator": ">=", "value": 1},
    ],
}
_SEGMENT: dict[str, Any] = {
    "key": "loyal-at-risk",
    "name": "Loyal at risk",
    "description": "Buyers among the fifth with the highest risk.",
    "rule": _RULE,
}
_RuleField = Annotated[
    dict[str, Any],
    Field(description="In react-querybuilder's shape, or in that of jQuery QueryBuilder."),
]

_CATCHING_UP = "'catching_up' while everybody is still asked of a new rule, or about new scores."
AsOf = Annotated[
    str | None,
    Field(description="All that happened before is in it; null before the first look."),
]


class SegmentAsked(Asked):
    """A new segment; without a key it gets one made of its name."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": _SEGMENT})

    name: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    rule: _RuleField
    key: Annotated[str, StringConstraints(min_length=2, max_length=60)] | None = None
    description: Annotated[str, StringConstraints(max_length=1000)] = ""


class PreviewAsked(Asked):
    """A rule to try."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"rule": _RULE}})

    rule: _RuleField


class SegmentAnswer(BaseModel):
    """A segment."""

    model_config = ConfigDict(json_schema_extra={"example": _SEGMENT})

    key: str
    name: str
    description: str
    rule: dict[str, Any]


class ListedSegment(SegmentAnswer):
    """A segment with how many are in it now."""

    size: int
    share: float = Field(description="Of all profiles.")


class SegmentList(BaseModel):
    """All segments."""

    segments: list[ListedSegment]
    total: int = Field(description="All profiles that there are now.")
    as_of: AsOf
    fallback: str | None = Field(description=_CATCHING_UP)


class PreviewAnswer(BaseModel):
    """How many a rule holds for."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "size": 212,
                "total": 4000,
                "share": 0.053,
                "sample": [{"profile_id": "c-7", "churn_percentile": 91, "order_count": 4.0}],
                "fallback": None,
                "of": "release",
                "as_of": "2026-03-01T10:15:00+00:00",
                "release_id": "20260301-101500",
            }
        }
    )

    size: int
    total: int
    share: float
    sample: list[dict[str, Any]]
    of: str = Field(description="'release': what came or changed after it does not count.")
    as_of: str | None = Field(description="The instant that the profiles were made for.")
    fallback: str | None = Field(description="'no_release' before profiles were released.")
    release_id: str | None


class MembersAnswer(BaseModel):
    """One page of members; give `next` as `after` to get the next page."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "key": "likely-to-churn",
                "members": [
                    {
                        "profile_id": "c-7",
                        "since": "2026-03-01T09:02:11+00:00",
                        "churn_percentile": 91,
                        "order_count": 4.0,
                    }
                ],
                "size": 212,
                "next": "c-7",
                "as_of": "2026-03-01T10:15:00+00:00",
                "fallback": None,
                "release_id": "20260301-101500",
            }
        }
    )

    key: str
    members: list[dict[str, Any]] = Field(description="By id, with what the rule looks at now.")
    size: int = Field(description="How many are in it now.")
    next: str | None
    as_of: AsOf
    fallback: str | None = Field(description=_CATCHING_UP)
    release_id: str | None


class LookalikesAsked(Asked):
    """Whom the wanted customers should be like: some ids, or the members of a segment."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"seed": ["c-7", "c-12"], "limit": 20}}
    )

    seed: list[ProfileId] | None = Field(None, min_length=1, max_length=10_000)
    segment: Annotated[str, StringConstraints(min_length=1, max_length=60)] | None = None
    limit: int = Field(100, ge=1, le=10_000)


class Lookalike(BaseModel):
    """One customer and how near they are: 1 for the same behaviour, towards 0."""

    profile_id: str
    similarity: float


class LookalikesAnswer(BaseModel):
    """The nearest customers, nearest first, the seed left out."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "lookalikes": [{"profile_id": "c-31", "similarity": 0.62}],
                "seed_size": 2,
                "unknown": [],
                "release_id": "20260301-101500",
            }
        }
    )

    lookalikes: list[Lookalike]
    seed_size: int
    unknown: list[str] = Field(description="Ids of the seed that the release does not know.")
    release_id: str | None
