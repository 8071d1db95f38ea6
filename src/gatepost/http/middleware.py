"""The middleware in front of every route, as plain ASGI: the request envelope and the error boundary."""

import itertools
import logging
import os
import re
from collections.abc import Iterable
from time import perf_counter
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gatepost.core.logs.context import REQUEST
from gatepost.core.logs.request_line import RequestLog
from gatepost.core.logs.scrubbing import log_crash, texts_given
from gatepost.core.request_metrics import RequestMetrics
from gatepost.http.problems import InternalError, problem
from gatepost.http.security_headers import NO_STORE, OURS, RawHeaders

logger = logging.getLogger("gatepost")

PRIVATE_PATHS = ("/api/", "/oauth/", "/healthz", "/readyz", "/metrics")
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
BODILESS = frozenset({"GET", "HEAD", "OPTIONS"})
OTHER_METHOD = "OTHER"
NO_ROUTE = "(none)"
ADDED = "added_headers"
REQUEST_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")
Header = tuple[bytes, bytes]


class RequestEnvelope:
    """Wraps every request: its id (`X-Request-ID`, in and out), security headers, metrics, and its log line.

    Answers of the API are not cached unless the route allows it. HEAD is answered like GET without the body (RFC 9110,
    section 9.3.2), so that routes do not have to handle it.
    """

    def __init__(self, app: ASGIApp, *, log: RequestLog, metrics: RequestMetrics, headers: RawHeaders) -> None:
        self.app = app
        self._log = log
        self._metrics = metrics
        self._headers = headers
        self._private = (*headers, *NO_STORE)
        # Ids are unique, but not secret.
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
        asked = scope
        method, is_head = scope["method"], scope["method"] == "HEAD"
        if is_head:
            # The server uses its own scope, in which the method is still HEAD.
            scope = {**scope, "method": "GET"}

        async def send_enveloped(message: Message) -> None:
            if message["type"] == "http.response.start":
                state["status"] = message["status"]
                message["headers"] = self._enveloped(message["headers"], state, scope["path"])
            elif is_head:
                message["body"] = b""
            await send(message)

        token = REQUEST.set(state)
        self._metrics.enter()
        try:
            await self.app(scope, receive, send_enveloped)
        finally:
            REQUEST.reset(token)
            if is_head:
                # Outer layers name the request by its route.
                asked.update({name: scope[name] for name in ("route", "endpoint") if name in scope})
            self._close(scope, state, method, perf_counter() - started)

    def _enveloped(self, headers: Iterable[Header], state: dict[str, Any], path: str) -> list[Header]:
        added = self._private if path.startswith(PRIVATE_PATHS) else self._headers
        enveloped = list(headers)
        own = {name for name, _ in enveloped if name in OURS}
        if b"cache-control" in own:
            own.add(b"pragma")
        enveloped += [header for header in added if header[0] not in own] if own else added
        enveloped.append((b"x-request-id", state["request_id"].encode()))
        for name, members in state.get(ADDED, {}).items():
            # RFC 9110, section 5.3: Set-Cookie is the only list that must not be joined.
            values = members if name == b"set-cookie" else [", ".join(members)]
            enveloped += [(name, value.encode()) for value in values]
        return enveloped

    def _close(self, scope: Scope, state: dict[str, Any], method: str, seconds: float) -> None:
        method = method if method in METHODS else OTHER_METHOD
        status, route = state.get("status", 0), template_of(scope)
        client = scope.get("client")
        self._metrics.end(state, method=method, route=route, status=status, seconds=seconds)
        self._log.write(
            state, method=method, route=route, status=status, seconds=seconds, host=client[0] if client else ""
        )


class ErrorBoundary:
    """Turns a crash into one clean answer; the outer layers add their headers to it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        if scope["method"] in BODILESS:
            body, receive_kept = bytearray(), receive
        else:
            body, receive_kept = _kept(receive)
        try:
            await self.app(scope, receive_kept, send)
        except Exception:  # noqa: BLE001  every crash becomes an answer
            log_crash(
                logger, "request %s failed: %s %s", scope["state"]["request_id"], scope["method"], template_of(scope),
                given=texts_given(scope["headers"], scope["query_string"], bytes(body)),
            )  # fmt: skip
            if "status" in scope["state"]:
                raise BrokenOff from None
            await problem(scope, InternalError())(scope, receive, send)


def add_to_answer(scope: Scope, name: bytes, member: str) -> None:
    """Add a member to a header of the answer, whatever the answer will be; the name is in lower case."""
    scope.setdefault("state", {}).setdefault(ADDED, {}).setdefault(name, []).append(member)


class BrokenOff(Exception):
    """The request failed after its answer had begun; the server closes the connection."""


def _kept(receive: Receive) -> tuple[bytearray, Receive]:
    """Return a buffer that fills with the body while it is read, and the function to read it with."""
    body = bytearray()

    async def receive_kept() -> Message:
        message = await receive()
        body.extend(message.get("body", b""))
        return message

    return body, receive_kept


def _offered_id(headers: Iterable[Header]) -> str | None:
    """Return the request id that the caller sent, if it is valid."""
    for name, value in headers:
        if name == b"x-request-id":
            offered = value.decode("latin-1")
            return offered if REQUEST_ID.fullmatch(offered) else None
    return None


def template_of(scope: Scope) -> str:
    """Return the route's template; the path itself may contain a secret, and there are unlimited paths."""
    route = scope.get("route")
    if route is not None:
        template: str = route.path
        return template
    return f"{scope['root_path']}/*" if "endpoint" in scope else NO_ROUTE
