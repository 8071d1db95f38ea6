"""Responses with pages: their content security policy, caching, and language."""

from collections.abc import Mapping

from fastapi.responses import HTMLResponse
from starlette.requests import HTTPConnection

from gatepost.console.languages import COOKIE, choose_language
from gatepost.http.navigation import VARY

# Only our own files, and nothing inline.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
YEAR_SECONDS = 365 * 24 * 3600


class Page(HTMLResponse):
    """A page that loads nothing from other hosts, cannot be framed, and sends no referrer."""

    def init_headers(self, headers: Mapping[str, str] | None = None) -> None:
        """Add the security headers to those of the answer."""
        ours = {
            "Content-Security-Policy": POLICY,
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "private, no-cache",
        }
        vary = {"Vary": f"{VARY}, Accept-Language, Cookie"}
        super().init_headers({**ours, **(headers or {}), **vary})


class PageLanguage:
    """The language of the page for a request."""

    def __init__(self, request: HTTPConnection, *, default: str) -> None:
        asked = request.query_params.get("lang")
        self.name = choose_language(
            asked=asked,
            remembered=request.cookies.get(COOKIE),
            accepted=request.headers.get("accept-language", ""),
            default=default,
        )
        self._was_asked = asked == self.name

    def put_on(self, answer: Page) -> Page:
        """Set the language header; remember the language in the cookie if the URL asked for it."""
        answer.headers["Content-Language"] = self.name
        if self._was_asked:
            answer.set_cookie(COOKIE, self.name, max_age=YEAR_SECONDS, samesite="lax")
        return answer
