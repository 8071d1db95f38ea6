"""Builds examples of bodies from the examples of their fields, so that all tools show the same."""

from collections.abc import Mapping
from typing import Any

REFERENCE = "#/components/schemas/"


class NoExample(Exception):
    """A required field has no example."""


def add_examples(operation: dict[str, Any], schemas: Mapping[str, Any]) -> None:
    """Give every body of an operation an example, unless it has one or a required field has none."""
    holders = [operation["requestBody"]] if "requestBody" in operation else []
    for holder in [*holders, *operation["responses"].values()]:
        for body in holder.get("content", {}).values():
            body["schema"].pop("title", None)  # only repeats the name of the operation or of the argument
            if "example" in body or "examples" in body:
                continue
            try:
                body["example"] = example_of(body["schema"], schemas)
            except NoExample:
                continue


def example_of(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> Any:
    """Return an example of a schema. Optional fields without an example are left out.

    Raises:
        NoExample: a required field has no example.
    """
    match schema:
        case {"$ref": reference}:
            return example_of(schemas[reference.removeprefix(REFERENCE)], schemas)
        case {"examples": [first, *_]} | {"const": first} | {"enum": [first, *_]}:
            return first
        case {"type": "array", "items": items}:
            return [example_of(items, schemas)]
        case {"type": "object", "properties": properties}:
            return _object(properties, frozenset(schema.get("required", ())), schemas)
        case {"anyOf": [first, *_]}:
            return example_of(first, schemas)
        case {"default": default}:
            return default
        case _:
            raise NoExample


def without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of an optional parameter without null, which cannot be sent there."""
    kinds = [kind for kind in schema.get("anyOf", ()) if kind != {"type": "null"}]
    if len(kinds) != 1:
        return schema
    return {**{name: value for name, value in schema.items() if name not in ("anyOf", "title")}, **kinds[0]}


def without_titles(models: Mapping[str, Any]) -> dict[str, Any]:
    """Return the models without field titles, which only repeat the names."""
    return {name: _untitled(model) for name, model in models.items()}


def _untitled(model: dict[str, Any]) -> dict[str, Any]:
    fields: dict[str, Any] = model.get("properties", {})
    untitled = {name: {key: value for key, value in field.items() if key != "title"} for name, field in fields.items()}
    return {**model, "properties": untitled} if fields else model


def _object(properties: Mapping[str, Any], required: frozenset[str], schemas: Mapping[str, Any]) -> dict[str, Any]:
    example = {}
    for name, field in properties.items():
        try:
            value = example_of(field, schemas)
        except NoExample:
            if name in required:
                raise
            continue
        if value is not None or name in required:
            example[name] = value
    return example
