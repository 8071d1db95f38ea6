"""What the OpenAPI document says of every route, in one place: names, errors, security, examples."""

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

**To try it**: open [/docs](/docs), press *Authorize*, give a user name and a password, then open an operation and
*Execute* it.

**An access token** is sent as `Authorization: Bearer …`, or as `x-access-token: …`, or by the cookie that sign-in set.
Where several are sent, the first of these three decides.

**Texts** are Unicode. U+0000 and half a surrogate pair are refused in every body (RFC 7493), and a body has 64 KiB at
most.

**Every failure** is a problem (RFC 9457) with a stable `code`; all codes are listed at [/errors](/errors).
"""
TAGS = [
    {"name": "sign in", "description": "From a user name and a password to tokens."},
    {"name": "sessions", "description": "Staying signed in, and signing out: this device, another, or all."},
    {"name": "account", "description": "One's own account."},
    {"name": "recovery", "description": "Proving an address, passwords and addresses that change, and links in mails."},
    {
        "name": "boards",
        "description": "Four texts, each for more than the next: all, signed in, moderators, administrators.",
    },
    {"name": "administration", "description": "Looking after accounts and roles, by permission."},
    {"name": "for other services", "description": "Verifying our tokens elsewhere: keys, introspection, revocations."},
    {"name": "operations", "description": "What runs here, and whether it can serve."},
]
OF_BODIES = (MalformedBody, RepeatedParameter, BodyTooLarge, UnsupportedMediaType, ValidationFailed)
OF_ALL = (DatabaseUnavailable, InternalError)
PASSWORD_SCHEME = "password"  # noqa: S105  a name
# An access token that may be left out; the document says so by an empty alternative (OpenAPI 3.1, section 4.8.30).
OPTIONAL_SCHEME = "optional"
RESOURCE_SERVER_SCHEME = "resource-server"
SCHEMES: dict[str, Any] = {
    PASSWORD_SCHEME: {"description": "A user name or e-mail address and the password, exchanged for an access token."},
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "An access token that you have already, in `Authorization: Bearer …`.",
    },
    "x-access-token": {
        "type": "apiKey",
        "in": "header",
        "name": "x-access-token",
        "description": "The same access token, in a header of its own.",
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
HEADERS = {
    401: {"WWW-Authenticate": {"description": "How to prove who you are (RFC 6750, section 3).", "schema": TEXT}},
    429: {
        "Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}},
        "RateLimit": {
            "description": "What is left (draft-ietf-httpapi-ratelimit-headers); none where passwords were wrong.",
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
    """Return the `responses` of a route that can answer these errors, with an example of each; some paths differ."""
    by_status: defaultdict[int, list[type[AppError]]] = defaultdict(list)
    for error in dict.fromkeys(errors):
        by_status[status_of(error, path=path)].append(error)
    return {status: _response(status, kinds, path=path) for status, kinds in by_status.items()}


def install(app: FastAPI, *, of_protected: Sequence[type[AppError]]) -> None:
    """Let the app describe itself; the document is built once, at the first request for it.

    Call it when the routes are mounted: it gives their operations names.
    `of_protected` are the errors that every route with an access token can answer.
    """
    for route in app.routes:
        if isinstance(route, APIRoute):
            # The name of the function, as code generators name the call: `signIn`.
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
    """Add what follows from how the operation is made."""
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
        # What a route with no body of its own would say: JSON, of no shape.
        response["content"] = {kind: body for kind, body in response.get("content", {}).items() if body.get("schema")}
        if not response["content"]:
            del response["content"]
    operation["responses"] = dict(sorted(responses.items()))
    for parameter in operation.get("parameters", ()):
        parameter["schema"] = without_null(parameter["schema"])


def _alternatives(scheme: str, *, has_form: bool) -> list[dict[str, list[str]]]:
    """Return the ways to send what a route asks for; an empty one where the headers may hold none of it."""
    access_token: list[dict[str, list[str]]] = [{name: []} for name in SCHEMES]
    if scheme == OPTIONAL_SCHEME:
        return [{}, *access_token]
    if scheme == RESOURCE_SERVER_SCHEME:
        # RFC 6749, section 2.3.1: in the form as well, where there is one.
        return [{scheme: []}, {}] if has_form else [{scheme: []}]
    return access_token


def _declared(responses: dict[str, Any]) -> list[type[AppError]]:
    """Take the errors that the route itself names out of its responses."""
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
