"""Answers about who is whom, and what is held of a person."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field


class MergeShape(BaseModel):
    """Why two ids are one person."""

    merge_id: str
    ids: list[str] = Field(description="The earlier id, then the one that was joined to it.")
    reason: str = Field(description="'alias', or the trait that both showed.")
    key: str | None = Field(description="Salted hash of the shared value; null for an alias.")
    message_id: str = Field(description="The event that joined them.")
    at: datetime = Field(description="From when they count as one.")
    until: datetime | None = Field(description="When too many had shown the key; mostly null.")
    undone_at: datetime | None


class MergesAnswer(BaseModel):
    """All ids of a person, and what joined them."""

    profile_id: str = Field(description="The id that the person goes by.")
    ids: list[str]
    merges: list[MergeShape]


class UndoneAnswer(BaseModel):
    """A merge that was taken back."""

    merge_id: str
    undone_at: datetime
    profiles: dict[str, str] = Field(description="Each of the two ids -> what it goes by now.")


class ErasedAnswer(BaseModel):
    """What an erasure did; all of it is done when the answer comes."""

    erased: bool
    ids: list[str] = Field(description="Every id that the person went by, devices included.")
    events: int
    files_rewritten: int
    compacted: bool = Field(
        description="Whether no database file holds a removed row in its unused pages; false where "
        "another process kept a file busy: the next erasure does it."
    )
    other_workers_within_seconds: float = Field(
        description="When other workers have let go of the release they hold in memory."
    )


class ExportAnswer(BaseModel):
    """Everything that is held of a person."""

    profile_id: str
    exported_at: datetime
    ids: list[str]
    merges: list[MergeShape]
    traits: dict[str, Any]
    consents: dict[str, Any]
    scores: dict[str, Any]
    segments: list[str]
    events: list[dict[str, Any]]
