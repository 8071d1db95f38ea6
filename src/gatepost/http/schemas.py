"""The base classes of all JSON that comes in and goes out."""

from typing import Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, GetJsonSchemaHandler
from pydantic.alias_generators import to_camel
from pydantic_core import CoreSchema

LONGEST_TEXT = 4096
# U+0000, which no JSON of ours may hold (core/strict_json.py), in a form that the regular expressions of all languages
# have. Half a surrogate pair has none: the document says it in words.
NO_NUL = r"^[^\x00]*$"


def _whole(value: object) -> object:
    return int(value) if isinstance(value, float) and value.is_integer() else value


# Behind the bounds of an integer: JSON has one kind of number, and JSON Schema calls 3.0 an integer (core, 4.2.1).
WHOLE = BeforeValidator(_whole)


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
        str_max_length=LONGEST_TEXT,
    )

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Say the bounds that hold for every text of such JSON."""
        schema = handler(core_schema)
        for field in handler.resolve_ref_schema(schema).get("properties", {}).values():
            _bound(field)
        return schema


class Out(BaseModel):
    """JSON that goes out: camelCase, every field always there."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True)


def _bound(schema: dict[str, Any]) -> None:
    match schema:
        case {"anyOf": kinds}:
            for kind in kinds:
                _bound(kind)
        case {"type": "array", "items": items}:
            _bound(items)
        case {"type": "string"} if not schema.keys() & {"const", "enum"}:
            schema.setdefault("maxLength", LONGEST_TEXT)
            schema.setdefault("pattern", NO_NUL)
