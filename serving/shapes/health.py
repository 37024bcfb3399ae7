"""Answers about the service itself."""

from pydantic import BaseModel, Field


class Live(BaseModel):
    """The process runs."""

    status: str = Field(examples=["live"])


class Ready(BaseModel):
    """What the service has at hand."""

    status: str = Field(examples=["ready"])
    release_id: str | None = Field(examples=["20260301-101500"])
    release_created_at: str | None
    models: dict[str, str] = Field(description="Versions.", examples=[{"churn": "3"}])
    items: int
    faults: list[str] = Field(description="Parts of the release that could not be read.")
