"""The base classes of all JSON in requests and answers."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, GetJsonSchemaHandler
from pydantic.alias_generators import to_camel
from pydantic_core import CoreSchema, PydanticCustomError

# Excludes U+0000, which requests must not contain (core/strict_json.py), in a syntax that every regular expression
# engine supports. Unpaired surrogates have no such syntax: the document mentions them in the text.
NO_NUL = r"^[^\x00]*$"


def _whole(value: object) -> object:
    return int(value) if isinstance(value, float) and value.is_integer() else value


# Accepts 3.0 as an integer: JSON has one kind of number, and so does JSON Schema (core, 4.2.1).
WHOLE = BeforeValidator(_whole)


@contextmanager
def unusable(code: str) -> Iterator[None]:
    """Turn a ValueError of the block into a field error with this code and the message of that error."""
    try:
        yield
    except ValueError as error:
        raise PydanticCustomError(code, "{words}", {"words": str(error)}) from None


class In(BaseModel):
    """JSON in a request: camelCase, no unknown fields, no conversion, frozen.

    The OpenAPI document states the restrictions that apply to every text.
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
        """Add the restrictions that apply to every text; Pydantic adds the length."""
        schema = handler(core_schema)
        for field in handler.resolve_ref_schema(schema).get("properties", {}).values():
            _refuse_nul(field)
        return schema


class Form(BaseModel):
    """An OAuth form: unknown fields are ignored, repeated fields are refused (RFC 6749, section 3.2)."""

    model_config = ConfigDict(
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
        # A list would be sent as several fields of the same name.
        json_schema_extra={"additionalProperties": {"type": "string"}},
    )


class Out(BaseModel):
    """JSON in an answer: camelCase, with all fields present."""

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
    """A message for the user."""

    message: str = Field(examples=["If the address has an account, we have sent it a link."])
