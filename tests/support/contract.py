"""Compares answers of the service with the OpenAPI document; run as a program, prints its outline."""

import json
import re
import sys
from functools import cache
from typing import Any

import httpx
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # it has no types
from pydantic import SecretStr

from gatepost.app import create_app
from gatepost.core.settings import Settings


@cache
def document() -> dict[str, Any]:
    """Return the OpenAPI document; nothing is read or connected for it."""
    return create_app(Settings.model_construct(secret_key=SecretStr("only for describing the routes"))).openapi()


def outline(part: Any = None) -> Any:
    """Return the document, or a part of it, without its examples, which have tests of their own; their names stay."""
    match document() if part is None else part:
        case {"properties": properties, **others}:
            return outline(others) | {"properties": {name: outline(field) for name, field in properties.items()}}
        case dict() as members:
            named = {"examples": sorted(members["examples"])} if isinstance(members.get("examples"), dict) else {}
            return {k: outline(v) for k, v in members.items() if k not in ("example", "examples")} | named
        case list() as items:
            return [outline(item) for item in items]
        case other:
            return other


def operations() -> dict[str, dict[str, Any]]:
    """Return every operation under its method and path: `POST /api/auth/signin`."""
    return {
        f"{method.upper()} {path}": operation
        for path, methods in document()["paths"].items()
        for method, operation in methods.items()
    }


async def check_documented(answer: httpx.Response) -> None:
    """Check that the document has an answer: its status, its media type, its shape or the code of its error.

    Answers outside the document's operations (an unknown path, another method, a page) are not checked.
    """
    operation = _operation(answer.request.method, answer.request.url.path)
    if operation is None:
        return
    await answer.aread()
    what = f"{answer.request.method} {answer.request.url.path}: {answer.status_code} {answer.text[:500]}"
    response = operation["responses"].get(str(answer.status_code))
    assert response is not None, f"the OpenAPI document has no such status for {what}"
    if not answer.content:
        return
    body = response.get("content", {}).get(answer.headers["content-type"].partition(";")[0])
    assert body is not None, f"the OpenAPI document has no such media type for {what}"
    if answer.is_error:
        assert answer.json()["code"] in body["examples"], f"the OpenAPI document has no such code for {what}"
    elif "json" in answer.headers["content-type"]:
        mismatch = next(validator(body["schema"]).iter_errors(answer.json()), None)
        assert mismatch is None, f"{mismatch.message}, in {what}"


def validator(schema: dict[str, Any]) -> Draft202012Validator:
    """Return the validator of a schema of the document."""
    return Draft202012Validator({**schema, "components": document()["components"]})


@cache
def _operation(method: str, path: str) -> dict[str, Any] | None:
    for template, methods in document()["paths"].items():
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path):
            operation: dict[str, Any] | None = methods.get(method.lower())
            return operation
    return None


if __name__ == "__main__":
    sys.stdout.write(json.dumps(outline(), indent=2, ensure_ascii=False) + "\n")
