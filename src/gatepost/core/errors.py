"""The base classes of all errors: each error has a status, a stable code and a message for people.

Each feature defines its errors in its `errors.py`. `http/problems.py` turns them into answers.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """An invalid field of the request, without its value."""

    field: str
    code: str
    message: str


class AppError(Exception):
    """A failure that is reported to the caller.

    `status` is the HTTP status, `code` a stable name for programs, `title` a short name for people, and `message` the
    text for the user. `oauth` is the `error` of RFC 6749, section 5.2, where it differs from `invalid_request`.
    `members` are further members of the answer, `oauth_members` of that of an OAuth endpoint.
    """

    status: ClassVar[int]
    code: ClassVar[str]
    title: ClassVar[str]
    message: str
    oauth: ClassVar[str] = "invalid_request"

    def __init__(
        self,
        message: str | None = None,
        *,
        fields: Sequence[FieldProblem] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        if message is not None:
            self.message = message
        super().__init__(self.message)
        self.fields = tuple(fields)
        self.headers = dict(headers or {})
        self.members: Mapping[str, Any] = {}
        self.oauth_members: Mapping[str, Any] = {}


class BadRequest(AppError):
    """The request is not valid."""

    status = 400


class Unauthorized(AppError):
    """The caller is not authenticated."""

    status = 401


class Forbidden(AppError):
    """The caller is authenticated, but not allowed to do this."""

    status = 403


class NotFound(AppError):
    """The resource does not exist, or the caller must not see it."""

    status = 404


class Conflict(AppError):
    """The current state of the resource does not allow this."""

    status = 409


class Invalid(AppError):
    """A field has a value that is not allowed."""

    status = 422


class TooMany(AppError):
    """Too many requests; the caller can try again after the wait."""

    status = 429

    def __init__(self, message: str | None = None, *, retry_after_seconds: int = 1) -> None:
        super().__init__(message, headers={"Retry-After": str(retry_after_seconds)})


class Unavailable(AppError):
    """Temporarily unavailable; a later attempt may succeed."""

    status = 503

    def __init__(self, message: str | None = None, *, retry_after_seconds: int = 1) -> None:
        super().__init__(message, headers={"Retry-After": str(retry_after_seconds)})


def all_errors() -> Iterator[type[AppError]]:
    """Yield every error with a code, from every imported feature, ordered by status and code."""

    def below(parent: type[AppError]) -> Iterator[type[AppError]]:
        for child in parent.__subclasses__():
            if "code" in vars(child):
                yield child
            yield from below(child)

    yield from sorted(below(AppError), key=lambda error: (error.status, error.code))
