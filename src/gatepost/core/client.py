"""Who sends a request, as far as the network tells."""

from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass

# Waits until the client of the request that is being served has closed its connection; None outside of requests.
departure: ContextVar[Callable[[], Awaitable[None]] | None] = ContextVar("departure", default=None)


@dataclass(frozen=True, slots=True)
class Client:
    """A device and its request.

    `address` is IPv4 or IPv6 text, empty where unknown; `user_agent` has at most 255 characters; `language` is a tag
    such as `de-AT`, empty where none is asked for; `request_id` is the one in the log.
    """

    address: str = ""
    user_agent: str = ""
    language: str = ""
    request_id: str = ""
