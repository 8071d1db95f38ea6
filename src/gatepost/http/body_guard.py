"""The guard of the body, as plain ASGI: what is too long or not what it says never reaches a route."""

import re
from collections.abc import Iterable

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gatepost.core import strict_json
from gatepost.core.client import departure
from gatepost.core.errors import AppError
from gatepost.http.problems import BodyTooLarge, MalformedBody, UnsupportedMediaType, problem
from gatepost.http.proxies import CHECK_PATH

MAX_BODY_BYTES = 64 * 1024
FORM = "application/x-www-form-urlencoded"
LENGTH = re.compile(rb"[0-9]{1,18}")


class BodyGuard:
    """Reads a body whole before the route runs, and lets through only what routes can trust.

    Refused: more than 64 KiB (before reading it where its length is announced), JSON that is not strict, and
    other media types than JSON and the OAuth form.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        try:
            _check_length(scope["headers"])
            # No route reads the body of these; the protocol bounds one that comes in chunks.
            is_read = scope["method"] not in ("GET", "HEAD", "OPTIONS") and scope["path"] != CHECK_PATH
            body = await self._read(Headers(scope=scope), receive) if is_read else b""
        except AppError as error:
            await problem(scope, error)(scope, receive, send)
            return
        if body is None:
            return
        if not is_read:
            await self.app(scope, receive, send)
            return
        replayed = False

        async def replay() -> Message:
            nonlocal replayed
            if replayed:
                return await receive()
            replayed = True
            return {"type": "http.request", "body": body, "more_body": False}

        async def has_left() -> None:
            while (await receive())["type"] != "http.disconnect":
                pass

        departure.set(has_left)
        await self.app(scope, replay, send)

    async def _read(self, headers: Headers, receive: Receive) -> bytes | None:
        """Return the body, or None when the client has gone."""
        body = bytearray()
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return None
            body += message.get("body", b"")
            if len(body) > MAX_BODY_BYTES:
                raise BodyTooLarge(headers={"Connection": "close"})
            if not message.get("more_body", False):
                break
        if body:
            _check(bytes(body), headers.get("content-type", ""))
        return bytes(body)


def _check_length(headers: Iterable[tuple[bytes, bytes]]) -> None:
    for name, announced in headers:
        if name != b"content-length":
            continue
        if not LENGTH.fullmatch(announced):
            raise MalformedBody
        if int(announced) > MAX_BODY_BYTES:
            raise BodyTooLarge(headers={"Connection": "close"})


def _check(body: bytes, content_type: str) -> None:
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type == "application/json" or (media_type.startswith("application/") and media_type.endswith("+json")):
        try:
            strict_json.loads(body)
        except strict_json.StrictJsonError as error:
            raise MalformedBody(f"The request body cannot be read: {error}.") from None
    elif media_type != FORM:
        raise UnsupportedMediaType
