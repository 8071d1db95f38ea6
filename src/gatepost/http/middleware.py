"""What stands before every route, as plain ASGI: the request id and the last catch."""

import logging
import re
import uuid

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gatepost.http.problems import InternalError, problem

logger = logging.getLogger("gatepost")

PRIVATE_PATHS = ("/api/", "/oauth/")
REQUEST_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")


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
