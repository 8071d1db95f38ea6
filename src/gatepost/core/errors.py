"""What can go wrong: every error has a status, a stable code and words for people.

A feature names its own errors in its `errors.py`; `http/problems.py` turns each into one answer.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """One field of the request that cannot be used, without its value."""

    field: str
    code: str
    message: str


class AppError(Exception):
    """A failure that the caller is told about.

    `status` is the HTTP status, `code` a stable name for programs, `title` the kind in words,
    `message` what a person reads. `oauth` is the `error` of RFC 6749, section 5.2, where it differs
    from `invalid_request`.
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


class BadRequest(AppError):
    """The request cannot be served as it stands."""

    status = 400


class Unauthorized(AppError):
    """Nobody has proved who they are."""

    status = 401


class Forbidden(AppError):
    """Known, and not allowed."""

    status = 403


class NotFound(AppError):
    """Not there, or not for the caller to see."""

    status = 404


class Conflict(AppError):
    """The state of the thing does not allow it now."""

    status = 409


class Invalid(AppError):
    """A field has a value that breaks a rule."""

    status = 422


class TooMany(AppError):
    """Asked too often; after the wait it is served again."""

    status = 429

    def __init__(self, message: str | None = None, *, retry_after_seconds: int = 1) -> None:
        super().__init__(message, headers={"Retry-After": str(retry_after_seconds)})


class Unavailable(AppError):
    """Not now; trying again later may work."""

    status = 503

    def __init__(self, message: str | None = None, *, retry_after_seconds: int = 1) -> None:
        super().__init__(message, headers={"Retry-After": str(retry_after_seconds)})


def all_errors() -> Iterator[type[AppError]]:
    """Yield every error that has a code, from every feature that is imported, by status and code."""

    def below(parent: type[AppError]) -> Iterator[type[AppError]]:
        for child in parent.__subclasses__():
            if "code" in vars(child):
                yield child
            yield from below(child)

    yield from sorted(below(AppError), key=lambda error: (error.status, error.code))
