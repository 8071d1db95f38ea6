"""What stands before every route, as plain ASGI: the request id, the last catch, the guard of the body."""

import logging
import re
import uuid

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gatepost.core import strict_json
from gatepost.core.errors import AppError
from gatepost.http.problems import (
    BodyTooLarge,
    InternalError,
    MalformedBody,
    UnsupportedMediaType,
    problem,
)

logger = logging.getLogger("gatepost")

MAX_BODY_BYTES = 64 * 1024
FORM = "application/x-www-form-urlencoded"
ADDED = "added_headers"
PRIVATE_PATHS = ("/api/", "/oauth/")
REQUEST_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")
LENGTH = re.compile(r"[0-9]{1,18}", re.ASCII)


class RequestEnvelope:
    """Gives each request an id, in and out as `X-Request-ID`, and turns a crash into one clean answer.

    No cache keeps an answer of the API unless the route says that it may.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        offered = Headers(scope=scope).get("x-request-id", "")
        identifier = offered if REQUEST_ID.fullmatch(offered) else uuid.uuid4().hex
        scope.setdefault("state", {})["request_id"] = identifier
        started = False

        async def send_with_id(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                headers = MutableHeaders(scope=message)
                headers["X-Request-ID"] = identifier
                for name, members in scope["state"].get(ADDED, {}).items():
                    headers[name] = ", ".join(members)
                if scope["path"].startswith(PRIVATE_PATHS):
                    headers.setdefault("Cache-Control", "no-store")
            await send(message)

        try:
            await self.app(scope, receive, send_with_id)
        except Exception:
            logger.exception("request %s failed: %s %s", identifier, scope["method"], scope["path"])
            if started:
                raise
            await problem(scope, InternalError())(scope, receive, send_with_id)


def add_to_answer(scope: Scope, name: str, member: str) -> None:
    """Add a member to a header of the answer, whatever that will be."""
    scope.setdefault("state", {}).setdefault(ADDED, {}).setdefault(name, []).append(member)


class BodyGuard:
    """Reads a body whole before the route runs, and lets through only what routes can trust.

    Refused: more than 64 KiB (before reading it where its length is announced), JSON that is not strict, and
    other media types than JSON and the OAuth form.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD", "OPTIONS"):
            await self.app(scope, receive, send)
            return
        try:
            body = await self._read(Headers(scope=scope), receive)
        except AppError as error:
            await problem(scope, error)(scope, receive, send)
            return
        if body is None:
            return
        replayed = False

        async def replay() -> Message:
            nonlocal replayed
            if replayed:
                return await receive()
            replayed = True
            return {"type": "http.request", "body": body, "more_body": False}

        await self.app(scope, replay, send)

    async def _read(self, headers: Headers, receive: Receive) -> bytes | None:
        """Return the body, or None when the client has gone."""
        announced = headers.get("content-length", "0")
        if not LENGTH.fullmatch(announced):
            raise MalformedBody
        if int(announced) > MAX_BODY_BYTES:
            raise BodyTooLarge(headers={"Connection": "close"})
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


def _check(body: bytes, content_type: str) -> None:
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type == "application/json" or (media_type.startswith("application/") and media_type.endswith("+json")):
        try:
            strict_json.loads(body)
        except strict_json.StrictJsonError as error:
            raise MalformedBody(f"The request body cannot be read: {error}.") from None
    elif media_type != FORM:
        raise UnsupportedMediaType
