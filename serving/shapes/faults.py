"""The one shape of every failure."""

from pydantic import BaseModel, ConfigDict, Field


class Fault(BaseModel):
    """What is wrong, where, and the cure."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "code": "invalid_input",
                "message": "'limit' 0: input should be greater than or equal to 1",
                "field": "limit",
            }
        }
    )

    code: str = Field(description="For machines, such as invalid_input or not_found.")
    message: str = Field(description="For people.")
    field: str | None = Field(None, description="The field at fault, such as filter.price.")
    problems: list[str] | None = Field(None, description="Every fault of a rule.")
