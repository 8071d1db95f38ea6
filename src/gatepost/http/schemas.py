"""The base classes of all JSON that comes in and goes out."""

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel


class In(BaseModel):
    """JSON that comes in: camelCase, nothing unknown, nothing converted, frozen."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        extra="forbid",
        frozen=True,
        strict=True,
        hide_input_in_errors=True,
        str_max_length=4096,
    )


class Out(BaseModel):
    """JSON that goes out: camelCase, every field always there."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True)
