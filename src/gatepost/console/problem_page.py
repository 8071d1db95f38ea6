"""The page that browsers get in place of a problem as JSON; rendering it uses nothing that can fail."""

from collections.abc import Mapping
from typing import Any

from fastapi import Request
from starlette.types import Scope

from gatepost.console.pages import Console, ConsolePage, Visit
from gatepost.console.responses import Page, PageLanguage
from gatepost.http.problems import PageOfProblem

PAGE = ConsolePage("", "problem_page", "problem-page")
# Statuses with their own texts; the others use the text for 4xx or 5xx.
TOLD = frozenset({401, 403, 404, 405, 413, 429, 503})


def page_of_problem(console: Console) -> PageOfProblem:
    """Return the function that renders a problem page; the page contains nothing from the request."""

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
            # For somebody who submitted a form: the URL is also a page.
            can_open="GET" in headers.get("Allow", "").split(", "),
            can_repeat=scope["method"] == "GET" and (status == 429 or status >= 500),
        )
        return language.put_on(Page(html, status, headers))

    return make


def _seconds(retry_after: str) -> int:
    """Return the seconds to wait; 0 if the header does not say."""
    return int(retry_after) if retry_after.isdecimal() else 0
