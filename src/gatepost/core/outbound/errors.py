"""Why a request to somebody else came to nothing."""

from enum import StrEnum


class Cause(StrEnum):
    """What went wrong, for programs."""

    ADDRESS = "address"
    NETWORK = "network"
    TIMEOUT = "timeout"
    REDIRECT = "redirect"
    TOO_LARGE = "too_large"
    ENCODED = "encoded"
    NOT_JSON = "not_json"


class OutboundError(Exception):
    """There is no answer, or none that may be used. The message names the host, and nothing that was sent."""

    def __init__(self, cause: Cause, message: str) -> None:
        super().__init__(message)
        self.cause = cause
