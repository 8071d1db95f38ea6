"""What stands before every route, as plain ASGI: the envelope, the last catch, the guard of the body."""

import itertools
import logging
import os
import re
from collections.abc import Iterable
from time import perf_counter
from typing import Any

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gatepost.core import strict_json
from gatepost.core.errors import AppError
from gatepost.core.logs.context import REQUEST
from gatepost.core.logs.request_line import RequestLog
from gatepost.core.logs.scrubbing import log_crash, texts_given
from gatepost.core.traffic import Traffic
from gatepost.http.headers import NO_STORE, RawHeaders
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
PRIVATE_PATHS = ("/api/", "/oauth/", "/healthz", "/readyz", "/metrics")
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
OTHER_METHOD = "OTHER"
NO_ROUTE = "(none)"
REQUEST_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")
Header = tuple[bytes, bytes]
LENGTH = re.compile(r"[0-9]{1,18}", re.ASCII)


class RequestEnvelope:
    """Stands round every request: its id (`X-Request-ID`, in and out), careful headers, figures, its line in the log.

    No cache keeps an answer of the API unless the route says that it may.
    """

    def __init__(self, app: ASGIApp, *, log: RequestLog, traffic: Traffic, headers: RawHeaders) -> None:
        self.app = app
        self._log = log
        self._traffic = traffic
        self._headers = headers
        # An id is unique and no secret.
        self._prefix = os.urandom(10).hex()
        self._numbers = itertools.count()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = perf_counter()
        identifier = _offered_id(scope["headers"]) or f"{self._prefix}{next(self._numbers):012x}"
        state = scope.setdefault("state", {})
        state["request_id"] = identifier
        status = 0

        async def send_enveloped(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = self._enveloped(message["headers"], identifier, scope["path"])
            await send(message)

        token = REQUEST.set(state)
        self._traffic.begin()
        try:
            await self.app(scope, receive, send_enveloped)
        finally:
            REQUEST.reset(token)
            self._close(scope, state, status, perf_counter() - started)

    def _enveloped(self, headers: Iterable[Header], identifier: str, path: str) -> list[Header]:
        enveloped = list(headers)
        names = {name for name, _ in enveloped}
        enveloped += [header for header in self._headers if header[0] not in names]
        if path.startswith(PRIVATE_PATHS) and b"cache-control" not in names:
            enveloped.append(NO_STORE)
        enveloped.append((b"x-request-id", identifier.encode()))
        return enveloped

    def _close(self, scope: Scope, state: dict[str, Any], status: int, seconds: float) -> None:
        method = scope["method"] if scope["method"] in METHODS else OTHER_METHOD
        route = template_of(scope)
        client = scope.get("client")
        self._traffic.end(state, method=method, route=route, status=status, seconds=seconds)
        self._log.write(
            state, method=method, route=route, status=status, seconds=seconds, host=client[0] if client else ""
        )


class LastCatch:
    """Turns a crash into one clean answer, with whatever headers the layers outside of it add."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = False
        body = bytearray()

        async def send_watched(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        async def receive_watched() -> Message:
            message = await receive()
            body.extend(message.get("body", b""))
            return message

        try:
            await self.app(scope, receive if scope["method"] == "GET" else receive_watched, send_watched)
        except Exception:  # noqa: BLE001  the last catch
            log_crash(
                logger, "request %s failed: %s %s", scope["state"]["request_id"], scope["method"], template_of(scope),
                given=texts_given(scope["headers"], scope["query_string"], bytes(body)),
            )  # fmt: skip
            if started:
                raise BrokenOff from None
            await problem(scope, InternalError())(scope, receive, send)


class BrokenOff(Exception):
    """The answer had begun when it failed; the server closes the connection."""


def _offered_id(headers: Iterable[Header]) -> str | None:
    """Return the id that the caller gave the request, if it is a fit one."""
    for name, value in headers:
        if name == b"x-request-id":
            offered = value.decode("latin-1")
            return offered if REQUEST_ID.fullmatch(offered) else None
    return None


def template_of(scope: Scope) -> str:
    """Return the route's template: the path itself may hold a secret, and there is no end of paths."""
    route = scope.get("route")
    if route is not None:
        template: str = route.path
        return template
    return f"{scope['root_path']}/*" if "endpoint" in scope else NO_ROUTE


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
