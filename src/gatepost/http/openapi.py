"""Builds the OpenAPI document: operation names, errors, security and examples of every route."""

from collections import defaultdict
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from pydantic.alias_generators import to_camel

from gatepost.core.db.database import DatabaseUnavailable
from gatepost.core.errors import AppError, FieldProblem, all_errors
from gatepost.http.examples import add_examples, without_null, without_titles
from gatepost.http.problems import (
    MEDIA_TYPE,
    BodyTooLarge,
    HeadersTooLarge,
    InternalError,
    MalformedBody,
    RepeatedParameter,
    UnsupportedMediaType,
    ValidationFailed,
    media_type,
    problem_body,
    status_of,
)

DESCRIPTION = """Accounts, roles and sign-in sessions for browser and mobile apps.

**To try it**, open [/docs](/docs), choose *Authorize*, enter a user name and a password, then open an operation and
choose *Execute*.

**Access tokens** are sent as `Authorization: Bearer …`, as `x-access-token: …`, or in the cookie that sign-in set. If a
request has several, the first of these three is used.

**Texts** are Unicode. Bodies with U+0000 or unpaired surrogates are refused (RFC 7493). A body can have up to 64 KiB.

**Errors** are problem details (RFC 9457) with a stable `code`. All codes are listed at [/errors](/errors).
"""
TAGS = [
    {"name": "sign in", "description": "Exchange a user name and a password for tokens."},
    {"name": "sessions", "description": "Stay signed in, and sign out on this device, another device or all devices."},
    {"name": "account", "description": "Your own account."},
    {"name": "recovery", "description": "Verify e-mail addresses, change and reset passwords, use the links in mails."},
    {
        "name": "boards",
        "description": "Four demo texts: for everybody, for signed-in users, for moderators, for administrators.",
    },
    {"name": "administration", "description": "Manage accounts and roles. Each operation requires a permission."},
    {
        "name": "for other services",
        "description": "Verify access tokens in other services: keys, introspection, revocations.",
    },
    {"name": "operations", "description": "Health checks, metrics and version."},
]
OF_BODIES = (MalformedBody, RepeatedParameter, BodyTooLarge, UnsupportedMediaType, ValidationFailed)
OF_ALL = (DatabaseUnavailable, InternalError)
PASSWORD_SCHEME = "password"  # noqa: S105  a name
# An optional access token; an empty alternative in the document says so (OpenAPI 3.1, section 4.8.30).
OPTIONAL_SCHEME = "optional"
RESOURCE_SERVER_SCHEME = "resource-server"
SCHEMES: dict[str, Any] = {
    PASSWORD_SCHEME: {
        "description": "A user name or an e-mail address and a password, which are exchanged for an access token."
    },
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "An existing access token, in `Authorization: Bearer …`.",
    },
    "x-access-token": {
        "type": "apiKey",
        "in": "header",
        "name": "x-access-token",
        "description": "An existing access token, in its own header.",
    },
}
TEXT = {"type": "string"}
OF_SECOND_FACTORS = "Only where the code is `second_factor_required`."
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
        "pendingToken": {**TEXT, "description": OF_SECOND_FACTORS},
        "mfa_token": {**TEXT, "description": f"{OF_SECOND_FACTORS} From the OAuth endpoints."},
        "methods": {"type": "array", "items": TEXT, "description": OF_SECOND_FACTORS},
        "expiresIn": {"type": "integer", "description": OF_SECOND_FACTORS},
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
HEADERS = {
    401: {"WWW-Authenticate": {"description": "How to authenticate (RFC 6750, section 3).", "schema": TEXT}},
    429: {
        "Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}},
        "RateLimit": {
            "description": "The remaining quota (draft-ietf-httpapi-ratelimit-headers); not sent for wrong passwords.",
            "schema": TEXT,
        },
        "RateLimit-Policy": {"description": "The quota and its window in seconds.", "schema": TEXT},
    },
    503: {"Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}}},
}
AS_EXAMPLE: dict[type[AppError], AppError] = {
    ValidationFailed: ValidationFailed(
        "email: Field required.", fields=[FieldProblem("email", "missing", "Field required.")]
    ),
}


def problems(*errors: type[AppError], path: str = "") -> dict[int | str, dict[str, Any]]:
    """Return the `responses` of a route for these errors, with an example of each; some paths differ."""
    by_status: defaultdict[int, list[type[AppError]]] = defaultdict(list)
    for error in dict.fromkeys(errors):
        by_status[status_of(error, path=path)].append(error)
    return {status: _response(status, kinds, path=path) for status, kinds in by_status.items()}


def install(app: FastAPI, *, of_protected: Sequence[type[AppError]]) -> None:
    """Set up the OpenAPI document of the app. It is built once, at the first request for it.

    Call this after the routes are mounted, because it names their operations.
    `of_protected` are the errors of every route that needs an access token.
    """
    for route in app.routes:
        if isinstance(route, APIRoute):
            # Code generators name the call after this: `signIn`.
            route.operation_id = to_camel(route.name)

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _document(app, of_protected)
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]  # FastAPI's documented way


def _document(app: FastAPI, of_protected: Sequence[type[AppError]]) -> dict[str, Any]:
    document = get_openapi(title=app.title, version=app.version, description=DESCRIPTION, routes=app.routes, tags=TAGS)
    components = document["components"]
    found = components["securitySchemes"]
    found.pop(OPTIONAL_SCHEME, None)
    components["securitySchemes"] = {name: found.pop(name, {}) | scheme for name, scheme in SCHEMES.items()} | found
    for unused in ("HTTPValidationError", "ValidationError"):
        components["schemas"].pop(unused, None)
    components["schemas"] = without_titles(components["schemas"])
    for path, operations in document["paths"].items():
        for operation in operations.values():
            _complete(operation, of_protected, path=path)
            add_examples(operation, components["schemas"])
    components["schemas"]["Problem"] = PROBLEM
    return document


def _complete(operation: dict[str, Any], of_protected: Sequence[type[AppError]], *, path: str) -> None:
    """Add what can be derived from the operation."""
    responses = operation["responses"]
    errors = _declared(responses)
    for scheme in {name for requirement in operation.get("security", ()) for name in requirement}:
        operation["security"] = _alternatives(scheme, has_form="requestBody" in operation)
        if scheme == PASSWORD_SCHEME:
            errors += of_protected
    takes_values = responses.pop("422", None) is not None
    if "requestBody" in operation:
        errors += OF_BODIES
    elif takes_values:
        errors += (RepeatedParameter, ValidationFailed, HeadersTooLarge)
    for status, response in problems(*errors, *OF_ALL, path=path).items():
        responses[str(status)] = response
    for status, response in responses.items():
        if response["description"] == "Successful Response":
            response["description"] = HTTPStatus(int(status)).phrase
        # Drop the default of routes without a body: JSON without a schema.
        response["content"] = {kind: body for kind, body in response.get("content", {}).items() if body.get("schema")}
        if not response["content"]:
            del response["content"]
    operation["responses"] = dict(sorted(responses.items()))
    for parameter in operation.get("parameters", ()):
        parameter["schema"] = without_null(parameter["schema"])


def _alternatives(scheme: str, *, has_form: bool) -> list[dict[str, list[str]]]:
    """Return the ways to send the credentials of a route; an empty one if they need not be in a header."""
    access_token: list[dict[str, list[str]]] = [{name: []} for name in SCHEMES]
    if scheme == OPTIONAL_SCHEME:
        return [{}, *access_token]
    if scheme == RESOURCE_SERVER_SCHEME:
        # RFC 6749, section 2.3.1: also in the form, if there is one.
        return [{scheme: []}, {}] if has_form else [{scheme: []}]
    return access_token


def _declared(responses: dict[str, Any]) -> list[type[AppError]]:
    """Remove the errors that the route declares from its responses and return them."""
    by_code = {error.code: error for error in all_errors()}
    errors: list[type[AppError]] = []
    for status, response in list(responses.items()):
        problem = response.get("content", {}).get(MEDIA_TYPE)
        if problem is not None:
            errors += [by_code[code] for code in problem["examples"]]
            if status != "422":
                del responses[status]
    return errors


def _response(status: int, errors: Sequence[type[AppError]], *, path: str) -> dict[str, Any]:
    examples = {
        error.code: {
            "summary": error.title,
            "value": problem_body(AS_EXAMPLE.get(error, error), public_url="", request_id="5f3a9c0e", path=path),
        }
        for error in errors
    }
    content = {"schema": {"$ref": "#/components/schemas/Problem"}, "examples": examples}
    return {
        "description": ", ".join(f"`{error.code}`" for error in errors),
        **({"headers": HEADERS[status]} if status in HEADERS else {}),
        "content": {media_type(path): content},
    }
