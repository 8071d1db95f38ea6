"""What the OpenAPI document says of every route, in one place: errors, security, what any body can run into."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from gatepost.core.database import DatabaseUnavailable
from gatepost.core.errors import AppError
from gatepost.http.problems import (
    MEDIA_TYPE,
    OAUTH_PATHS,
    BodyTooLarge,
    InternalError,
    MalformedBody,
    UnsupportedMediaType,
    ValidationFailed,
    problem_body,
)

DESCRIPTION = """Accounts, roles and sign-in sessions for browser and mobile apps.

**To try it here**: *Authorize* with a user name and password, then open an operation and *Execute*.

Every failure is a problem (RFC 9457) with a stable `code`; all codes are listed at [/errors](/errors).
"""
OF_BODIES = (MalformedBody, BodyTooLarge, UnsupportedMediaType, ValidationFailed)
OF_ALL = (DatabaseUnavailable, InternalError)
SCHEMES: dict[str, Any] = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "An access token in `Authorization: Bearer …`.",
    },
    "x-access-token": {
        "type": "apiKey",
        "in": "header",
        "name": "x-access-token",
        "description": "The same access token in a header of its own.",
    },
}
TEXT = {"type": "string"}
PROBLEM = {
    "title": "Problem",
    "type": "object",
    "description": "RFC 9457. `code` is stable; `message` equals `detail`.",
    "required": ["type", "title", "status", "code", "message", "detail", "requestId", "errors"],
    "properties": {
        **dict.fromkeys(("type", "title", "code", "message", "detail", "requestId"), TEXT),
        "status": {"type": "integer"},
        "error": {**TEXT, "description": "Only from the OAuth endpoints (RFC 6749, section 5.2)."},
        "error_description": {**TEXT, "description": "Only from the OAuth endpoints."},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "code", "message"],
                "properties": dict.fromkeys(("field", "code", "message"), TEXT),
            },
        },
    },
}


def problems(*errors: type[AppError]) -> dict[int | str, dict[str, Any]]:
    """Return the `responses` of a route that can answer these errors, with an example of each."""
    by_status: defaultdict[int, list[type[AppError]]] = defaultdict(list)
    for error in errors:
        by_status[error.status].append(error)
    return {status: _response(kinds, MEDIA_TYPE) for status, kinds in by_status.items()}


def install(app: FastAPI, *, of_protected: Sequence[type[AppError]]) -> None:
    """Let the app describe itself; the document is built once, at the first request for it.

    `of_protected` are the errors that every route with an access token can answer.
    """

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _document(app, of_protected)
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]  # FastAPI's documented way


def _document(app: FastAPI, of_protected: Sequence[type[AppError]]) -> dict[str, Any]:
    schema = get_openapi(
        title=app.title,
        version=app.version,
        description=DESCRIPTION,
        routes=app.routes,
        tags=app.openapi_tags,
    )
    for path, operations in schema["paths"].items():
        for operation in operations.values():
            _complete(operation, of_protected, is_oauth=path.startswith(OAUTH_PATHS))
    components = schema["components"]
    components["securitySchemes"] |= SCHEMES
    components["schemas"]["Problem"] = PROBLEM
    for unused in ("HTTPValidationError", "ValidationError"):
        components["schemas"].pop(unused, None)
    return schema


def _complete(operation: dict[str, Any], of_protected: Sequence[type[AppError]], *, is_oauth: bool) -> None:
    """Add what follows from how the operation is made."""
    responses = operation["responses"]
    general: list[type[AppError]] = list(OF_ALL)
    if "security" in operation:
        operation["security"] += [{name: []} for name in SCHEMES]
        general += of_protected
    if "requestBody" in operation:
        general += OF_BODIES
    elif responses.pop("422", None) is not None:
        general.append(ValidationFailed)
    for status, response in problems(*general).items():
        known = responses.get(str(status))
        if known is None or MEDIA_TYPE not in known.get("content", {}):
            responses[str(status)] = response
            continue
        examples = known["content"][MEDIA_TYPE]["examples"]
        examples |= response["content"][MEDIA_TYPE]["examples"]
        known["description"] = ", ".join(f"`{code}`" for code in examples)
    if is_oauth:
        for response in responses.values():
            if MEDIA_TYPE in response.get("content", {}):
                response["content"]["application/json"] = response["content"].pop(MEDIA_TYPE)


def _response(errors: Sequence[type[AppError]], media_type: str) -> dict[str, Any]:
    return {
        "description": ", ".join(f"`{error.code}`" for error in errors),
        "content": {
            media_type: {
                "schema": {"$ref": "#/components/schemas/Problem"},
                "examples": {
                    error.code: {
                        "summary": error.title,
                        "value": problem_body(error, public_url="", request_id="5f3a9c0e"),
                    }
                    for error in errors
                },
            }
        },
    }
