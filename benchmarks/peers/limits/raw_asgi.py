"""The limit of the server: an ASGI application that does nothing."""

from collections.abc import Awaitable, Callable
from typing import Any

START = {
    "type": "http.response.start",
    "status": 200,
    "headers": [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", b"13")],
}
BODY = {"type": "http.response.body", "body": b"User Content."}


async def app(scope: dict[str, Any], _receive: Callable[..., Any], send: Callable[..., Awaitable[None]]) -> None:
    """Answer every request alike."""
    if scope["type"] == "http":
        await send(START)
        await send(BODY)
