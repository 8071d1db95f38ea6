"""The base classes of all JSON that comes in and goes out."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, GetJsonSchemaHandler
from pydantic.alias_generators import to_camel
from pydantic_core import CoreSchema, PydanticCustomError

# U+0000, which no JSON of ours may hold (core/strict_json.py), in a form that the regular expressions of all languages
# have. Half a surrogate pair has none: the document says it in words.
NO_NUL = r"^[^\x00]*$"


def _whole(value: object) -> object:
    return int(value) if isinstance(value, float) and value.is_integer() else value


# Behind the bounds of an integer: JSON has one kind of number, and JSON Schema calls 3.0 an integer (core, 4.2.1).
WHOLE = BeforeValidator(_whole)


@contextmanager
def unusable(code: str) -> Iterator[None]:
    """Give a field that the block refuses by a ValueError a code of its own, with the words of that error."""
    try:
        yield
    except ValueError as error:
        raise PydanticCustomError(code, "{words}", {"words": str(error)}) from None


class In(BaseModel):
    """JSON that comes in: camelCase, nothing unknown, nothing converted, frozen.

    The OpenAPI document says of each text what is refused before a field is looked at.
    """

    model_config = ConfigDict(
        alias_generator=to_camel,
        extra="forbid",
        frozen=True,
        strict=True,
        hide_input_in_errors=True,
        str_max_length=4096,
    )

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Say of every text what holds for all such JSON; its length Pydantic says."""
        schema = handler(core_schema)
        for field in handler.resolve_ref_schema(schema).get("properties", {}).values():
            _refuse_nul(field)
        return schema


class Form(BaseModel):
    """A form of OAuth: what a client adds to it is ignored, but nothing is there twice (RFC 6749, section 3.2)."""

    model_config = ConfigDict(
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
        # A list would be a field for each of its members.
        json_schema_extra={"additionalProperties": {"type": "string"}},
    )


class Out(BaseModel):
    """JSON that goes out: camelCase, every field always there."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True)


def _refuse_nul(schema: dict[str, Any]) -> None:
    match schema:
        case {"anyOf": kinds}:
            for kind in kinds:
                _refuse_nul(kind)
        case {"type": "array", "items": items}:
            _refuse_nul(items)
        case {"type": "string"} if not schema.keys() & {"const", "enum"}:
            schema.setdefault("pattern", NO_NUL)


class MessageResponse(Out):
    """What to tell the person."""

    message: str = Field(examples=["If the address has an account, we have sent it a link."])
