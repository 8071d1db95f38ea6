"""Which pages from other origins may call the API (CORS, as in the Fetch standard)."""

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
# The headers of an answer that scripts of other origins may read.
SHOWN_HEADERS = (
    "X-Request-ID", "Retry-After", "WWW-Authenticate", "ETag", "RateLimit", "RateLimit-Policy", "X-Device-Token",
)  # fmt: skip
NO_ORIGIN = "null"
NO_NAME = "Local files and sandboxed frames have no origin and may not call the API. Serve the page from a web server."
# A limit for the refused origins in the log: clients can send any origin.
MOST_TOLD = 100


class OriginNotAllowed(AppError):
    """A page from an origin that is not in CORS_ORIGINS tried to call the API."""

    status = 403
    code = "origin_not_allowed"
    title = "Origin not allowed"
    message = "Pages from this origin may not call the API. To allow them, add the origin to the setting CORS_ORIGINS."


class Cors(CORSMiddleware):
    """CORS, with a fast path for requests without an origin: their answers only get `Vary`.

    Pages from an allowed origin may send any header. A list of allowed headers would protect nothing more.
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
        # A preflight in a forward-auth check is not answered here: a success would let it through.
        is_of_another = scope["method"] == "OPTIONS" and scope["path"] == CHECK_PATH
        if not is_of_another and b"origin" in [name for name, _ in scope["headers"]]:
            await self._serve(scope, receive, send)
            return
        add_to_answer(scope, b"vary", "Origin")
        await self.app(scope, receive, send)

    def is_allowed_origin(self, origin: str) -> bool:
        """Whether pages from an origin may call the API."""
        return self.allow_all_origins or origin in self._origins

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request that has an origin."""
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
        """Log a refused origin once, if it is a valid origin or `null`."""
        if origin == NO_ORIGIN:
            words = NO_NAME
        else:
            try:
                name = parse_origin(origin)
            except ValueError:
                return
            words = f"pages of {name} may not call the API. To allow them, add it to CORS_ORIGINS"
        if words not in self._told and len(self._told) < MOST_TOLD:
            self._told.add(words)
            logger.warning("%s", words)
