"""Turns every failure into one answer: problem details (RFC 9457)."""

import logging
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response
from starlette.routing import Match
from starlette.types import Scope

from gatepost.core.errors import AppError, BadRequest, FieldProblem, Invalid, NotFound
from gatepost.core.logs.scrubbing import log_crash, texts_given
from gatepost.http.navigation import VARY, is_navigation
from gatepost.http.server.trusted_proxies import CHECK_PATH

logger = logging.getLogger("gatepost")

MEDIA_TYPE = "application/problem+json"
# These also answer with the error body of RFC 6749, section 5.2.
OAUTH_PATHS = ("/api/auth/token", "/oauth/")
# Limits, so that an answer does not grow with the request: the number of fields, and the length of names and messages.
MOST_FIELDS = 20
LONGEST_FIELD = 100
LONGEST_MESSAGE = 300
# Replacements for messages that mention Python.
WORDS = {"model_attributes_type": "a JSON object is needed"}

# Builds a page from the request, the members of the problem and the headers of the answer; the page adds its own.
PageOfProblem = Callable[[Scope, Mapping[str, Any], Mapping[str, str]], Response]


class RouteNotFound(NotFound):
    """No route has this path."""

    code = "not_found"
    title = "Not found"
    message = "This address does not exist."


class MethodNotAllowed(AppError):
    """The path exists, but not for this method."""

    status = 405
    code = "method_not_allowed"
    title = "Method not allowed"
    message = "This address does not support that method."


class BodyTooLarge(AppError):
    """The body is larger than any request of this API needs."""

    status = 413
    code = "body_too_large"
    title = "Body too large"
    message = "The request body is too large."


class HeadersTooLarge(AppError):
    """The request line and headers are larger than any request of this API needs."""

    status = 431
    code = "headers_too_large"
    title = "Headers too large"
    message = "The address and the headers of the request are too large."


class UnsupportedMediaType(AppError):
    """The route does not accept the media type of the body."""

    status = 415
    code = "unsupported_media_type"
    title = "Unsupported media type"
    message = "Send the body as JSON, with Content-Type: application/json."


class MalformedBody(BadRequest):
    """The body does not match its media type."""

    code = "malformed_body"
    title = "Malformed body"
    message = "The request body cannot be read."


class RepeatedParameter(BadRequest):
    """A header, a form field or a query parameter occurs twice, so two programs might each use a different one."""

    code = "repeated_parameter"
    title = "Repeated parameter"
    message = "The request repeats a header, a form field or a query parameter that may occur only once."


class ValidationFailed(Invalid):
    """A field is missing, unknown, or has an invalid value. `errors` lists each such field."""

    code = "validation_failed"
    title = "Validation failed"
    message = "The request has an invalid field."


class InternalError(AppError):
    """An unexpected error in the service. The log has the details under the request id."""

    status = 500
    code = "internal_error"
    title = "Internal error"
    message = "Something went wrong on our side. Please try again."


class UnexpectedStatus(AppError):
    """Any other error status of the web framework."""

    code = "http_error"
    title = "HTTP error"
    message = "The request cannot be served."
    status = 400

    def __init__(self, status: int, headers: Mapping[str, str] | None) -> None:
        super().__init__(HTTPStatus(status).phrase, headers=headers)
        self.http_status = status


def install(app: FastAPI, *, public_url: str, page: PageOfProblem) -> None:
    """Answer every exception of the routes and of the router with a problem, or with a page for browsers."""
    app.state.public_url = public_url
    app.state.page_of_problem = page

    async def answer(request: Request, error: Exception) -> Response:
        match error:
            case AppError():
                return problem(request.scope, error)
            case HTTPException():
                return problem(request.scope, _from_framework(request, error))
            case RequestValidationError():
                return problem(request.scope, _from_validation(request, error.errors()))
            case _:
                raise error

    for kind in (AppError, HTTPException, RequestValidationError):
        app.add_exception_handler(kind, answer)


def problem(scope: Scope, error: AppError) -> Response:
    """Build the answer to a failed request. It contains nothing that the caller sent."""
    path = scope["path"]
    scope.setdefault("state", {})["code"] = error.code
    app = scope.get("app")
    public_url: str = app.state.public_url if app is not None else ""
    body = problem_body(error, public_url=public_url, request_id=request_id(scope), path=path)
    headers = {"Cache-Control": "no-store", "Pragma": "no-cache", "Vary": VARY, **error.headers}
    if body["status"] == HTTPStatus.UNAUTHORIZED:
        headers.setdefault("WWW-Authenticate", _challenge(error))
    page = _page(scope, body, headers) if app is not None and path != CHECK_PATH else None
    return page or JSONResponse(body, body["status"], headers, media_type=media_type(path))


def _page(scope: Scope, body: Mapping[str, Any], headers: Mapping[str, str]) -> Response | None:
    """Return the page for a browser; None for other clients, and if rendering the page fails."""
    if not is_navigation(Headers(scope=scope)):
        return None
    make: PageOfProblem = scope["app"].state.page_of_problem
    try:
        return make(scope, body, headers)
    except Exception:  # noqa: BLE001  the problem itself is answered instead
        log_crash(logger, "the page for %s failed", body["code"], given=texts_given(scope["headers"], b"", b""))
        return None


def media_type(path: str) -> str:
    """Return the media type of a problem; RFC 6749, section 5.2, requires plain JSON."""
    return "application/json" if path.startswith(OAUTH_PATHS) else MEDIA_TYPE


def status_of(error: AppError | type[AppError], *, path: str) -> int:
    """Return the HTTP status of an error at a path."""
    status = error.http_status if isinstance(error, UnexpectedStatus) else error.status
    # RFC 6749 has no 403, and 401 only for a client that failed to authenticate.
    if path.startswith(OAUTH_PATHS) and status in (401, 403, 422) and error.oauth != "invalid_client":
        return 400
    # nginx treats 401 and 403 as a refusal; it turns everything else into a 500 and a line in its error log.
    if path == CHECK_PATH and 400 <= status < 500 and status != 401:
        return 403
    return status


def problem_body(error: AppError | type[AppError], *, public_url: str, request_id: str, path: str) -> dict[str, Any]:
    """Return the members of a problem: those of RFC 9457, `message`, which API clients show, and those of OAuth."""
    fields: Sequence[FieldProblem] = error.fields if isinstance(error, AppError) else ()
    body = {
        "type": f"{public_url}/errors#{error.code}",
        "title": error.title,
        "status": status_of(error, path=path),
        "code": error.code,
        "message": error.message,
        "detail": error.message,
        "requestId": request_id,
        "errors": [{"field": item.field, "code": item.code, "message": item.message} for item in fields],
    }
    is_oauth = path.startswith(OAUTH_PATHS)
    if is_oauth:
        body |= {"error": error.oauth, "error_description": error.message}
    if isinstance(error, AppError):
        body |= {**error.members, **(error.oauth_members if is_oauth else {})}
    return body


def request_id(scope: Scope) -> str:
    """Return the id of this request in the log."""
    identifier: str = scope.get("state", {}).get("request_id", "")
    return identifier


def _challenge(error: AppError) -> str:
    # RFC 6750, section 3: no error attribute when no token was sent.
    if error.code == "token_missing":
        return 'Bearer realm="gatepost"'
    return f'Bearer realm="gatepost", error="invalid_token", error_description="{error.title}"'


def _from_framework(request: Request, error: HTTPException) -> AppError:
    match error.status_code:
        case 404:
            return RouteNotFound()
        case 405:
            return MethodNotAllowed(headers={"Allow": ", ".join(_methods(request))})
        case 413:
            return BodyTooLarge()
        case 400:
            return MalformedBody()
        case status:
            return UnexpectedStatus(status, error.headers)


def _from_validation(request: Request, details: Sequence[Mapping[str, Any]]) -> AppError:
    kinds = {detail["type"] for detail in details}
    if "json_invalid" in kinds:
        return MalformedBody()
    if "model_attributes_type" in kinds and "json" not in request.headers.get("content-type", ""):
        return UnsupportedMediaType()
    fields = [
        FieldProblem(_field(detail["loc"]), str(detail["type"]), _words(WORDS.get(detail["type"], str(detail["msg"]))))
        for detail in details[:MOST_FIELDS]
    ]
    words = [f"{item.field}: {item.message}" if item.field else item.message for item in fields]
    if len(details) > MOST_FIELDS:
        words.append(f"There are {len(details) - MOST_FIELDS} more.")
    return ValidationFailed(" ".join(words), fields=fields)


def _field(location: Sequence[str | int]) -> str:
    return _cut(".".join(str(part) for part in location[1:]), LONGEST_FIELD)


def _words(message: str) -> str:
    words = _cut(message.removeprefix("Value error, "), LONGEST_MESSAGE)
    return f"{words[:1].upper()}{words[1:].rstrip('.')}."


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _methods(request: Request) -> list[str]:
    """Return every method of a path; the router's own error only has the methods of one route."""
    found: set[str] = set()
    for route in request.app.routes:
        match, _ = route.matches(request.scope)
        if match is not Match.NONE:
            found |= getattr(route, "methods", None) or set()
    # RequestEnvelope answers HEAD wherever there is a GET.
    return sorted(found | {"HEAD"} if "GET" in found else found)
