"""What a browser shows where programs get a problem as JSON, in brand and language; made from nothing that can fail."""

from collections.abc import Mapping
from typing import Any

from fastapi import Request
from starlette.types import Scope

from gatepost.console.pages import Console, ConsolePage, Visit
from gatepost.console.responses import Page, PageLanguage
from gatepost.http.problems import PageOfProblem

PAGE = ConsolePage("", "problem_page", "problem-page")
# Those with words of their own; others have those of their hundred.
TOLD = frozenset({401, 403, 404, 405, 413, 429, 503})


def page_of_problem(console: Console) -> PageOfProblem:
    """Return what makes the page of a problem; it holds nothing of the request."""

    def make(scope: Scope, problem: Mapping[str, Any], headers: Mapping[str, str]) -> Page:
        language = PageLanguage(Request(scope), default=console.default_language)
        status: int = problem["status"]
        html = console.render(
            PAGE,
            Visit(language.name, is_signed_in=False, return_to=None),
            status=status,
            code=problem["code"],
            request_id=problem["requestId"],
            kind=str(status) if status in TOLD else f"{status // 100}xx",
            wait_seconds=_seconds(headers.get("Retry-After", "")),
            # By whoever sent a form: the address is a page as well.
            can_open="GET" in headers.get("Allow", "").split(", "),
            can_repeat=scope["method"] == "GET" and (status == 429 or status >= 500),
        )
        return language.put_on(Page(html, status, headers))

    return make


def _seconds(retry_after: str) -> int:
    """Return how long to wait, 0 where it is not said."""
    return int(retry_after) if retry_after.isdecimal() else 0
