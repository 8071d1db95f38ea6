"""Which pages of other origins may call the API (CORS, as the Fetch standard has it)."""

import logging
from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from gatepost.core.errors import AppError
from gatepost.core.origins import TrustedOrigins, parse_origin
from gatepost.http.middleware import add_to_answer
from gatepost.http.problems import MethodNotAllowed, problem
from gatepost.http.server.trusted_proxies import CHECK_PATH

logger = logging.getLogger("gatepost")

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
# What scripts of other origins may read of an answer.
SHOWN_HEADERS = ("X-Request-ID", "Retry-After", "WWW-Authenticate", "ETag", "RateLimit", "RateLimit-Policy")
NO_ORIGIN = "null"
NO_NAME = "Local files and sandboxed frames have no origin and may not call the API. Serve the page from an address."
# So many refused origins are named in the log; anybody can send any.
MOST_TOLD = 100


class OriginNotAllowed(AppError):
    """A page of another origin asks whether it may call the API, and its origin is not in CORS_ORIGINS."""

    status = 403
    code = "origin_not_allowed"
    title = "Origin not allowed"
    message = "Pages of this origin may not call the API. To let them, add the origin to the setting CORS_ORIGINS."


class Cors(CORSMiddleware):
    """CORS with a short way for requests that name no origin: to them no answer says more than `Vary`.

    Whatever header a page of an allowed origin wants to send, it may: a list of them would guard nothing that the
    origin does not.
    """

    def __init__(self, app: ASGIApp, *, origins: TrustedOrigins, is_open_to_all: bool) -> None:
        super().__init__(
            app,
            allow_origins=["*"] if is_open_to_all else [],
            allow_credentials=not is_open_to_all,
            allow_methods=METHODS,
            allow_headers=["*"],
            expose_headers=SHOWN_HEADERS,
        )
        self._origins = origins
        self._told: set[str] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        # A preflight that a proxy asks about is not ours to answer: a yes would let it through.
        is_of_another = scope["method"] == "OPTIONS" and scope["path"] == CHECK_PATH
        if not is_of_another and b"origin" in [name for name, _ in scope["headers"]]:
            await self._serve(scope, receive, send)
            return
        add_to_answer(scope, b"vary", "Origin")
        await self.app(scope, receive, send)

    def is_allowed_origin(self, origin: str) -> bool:
        """Whether pages of an origin may call the API."""
        return self.allow_all_origins or origin in self._origins

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request that names its origin."""
        headers = Headers(scope=scope)
        is_allowed = self.is_allowed_origin(headers["origin"])
        if not is_allowed and headers.get("sec-fetch-site") != "same-origin":
            self._tell(headers["origin"])
        if scope["method"] == "OPTIONS" and "access-control-request-method" in headers:
            answer = self.preflight_response(request_headers=headers)
            if answer.status_code == HTTPStatus.BAD_REQUEST:
                add_to_answer(scope, b"vary", "Origin")
                refusal = OriginNotAllowed(NO_NAME) if headers["origin"] == NO_ORIGIN else OriginNotAllowed()
                answer = problem(
                    scope, MethodNotAllowed(headers={"Allow": ", ".join(METHODS)}) if is_allowed else refusal
                )
            await answer(scope, receive, send)
            return
        await super().__call__(scope, receive, send)

    def _tell(self, origin: str) -> None:
        """Write once of an origin that it was refused, if it is one that could be allowed, or none at all."""
        if origin == NO_ORIGIN:
            words = NO_NAME
        else:
            try:
                name = parse_origin(origin)
            except ValueError:
                return
            words = f"pages of {name} may not call the API; to let them, add it to CORS_ORIGINS"
        if words not in self._told and len(self._told) < MOST_TOLD:
            self._told.add(words)
            logger.warning("%s", words)
