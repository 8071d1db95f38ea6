"""The routes of the pages."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response, status
from pydantic import Field

from gatepost import __version__
from gatepost.console.admin_pages import ADMIN_PAGES
from gatepost.console.first_steps import FirstStepsDep
from gatepost.console.pages import PAGES, PREFIX, START, Console, ConsolePage, Visit
from gatepost.console.responses import YEAR_SECONDS, Page, PageLanguage
from gatepost.core.return_address import safe_return
from gatepost.http.deps import provided
from gatepost.http.navigation import is_navigation
from gatepost.http.problems import RouteNotFound
from gatepost.http.schemas import Out
from gatepost.identity.sessions.deps import TokenCookiesDep

# A logo may be an SVG, which is a document when it is opened directly.
ASSET_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; sandbox"

router = APIRouter()
ConsoleDep = Annotated[Console, Depends(provided(Console))]


class Welcome(Out):
    """The service, its version and its documentation."""

    message: str = Field(examples=["Welcome to Gatepost."])
    version: str = Field(examples=[__version__])
    docs: str = Field(examples=["/docs"])
    openapi: str = Field(examples=["/openapi.json"])


class Visitor:
    """The visitor of a page."""

    def __init__(self, request: Request, console: ConsoleDep, cookies: TokenCookiesDep) -> None:
        self._console = console
        self._language = PageLanguage(request, default=console.default_language)
        self._signed_in = cookies.are_with(request)
        self._return_to = safe_return(request.query_params.get("next"), origins=console.origins)
        self.wants_page = is_navigation(request.headers)

    def see(self, page: ConsolePage, **shown: object) -> Page:
        """Answer with a page and the values in `shown`; a language in the URL is remembered."""
        visit = Visit(self._language.name, is_signed_in=self._signed_in, return_to=self._return_to)
        return self._language.put_on(Page(self._console.render(page, visit, **shown)))


VisitorDep = Annotated[Visitor, Depends(Visitor)]


@router.get("/", summary="Service information", tags=["operations"], response_model=Welcome)
async def welcome(visitor: VisitorDep, steps: FirstStepsDep) -> Response | Welcome:
    """The version and links to the documentation. Browsers get the start page."""
    if visitor.wants_page:
        return await start(visitor, steps)
    return Welcome(message="Welcome to Gatepost.", version=__version__, docs="/docs", openapi="/openapi.json")


@router.get(START.path, include_in_schema=False, response_model=None)
async def start(visitor: VisitorDep, steps: FirstStepsDep) -> Page:
    """Show the start page; in development, with the command that creates the first administrator."""
    return visitor.see(START, first_command=await steps.command())


@router.get(PREFIX + "/{version}/{name:path}", include_in_schema=False)
async def asset(version: str, name: str, request: Request, console: ConsoleDep) -> Response:
    """Serve a style sheet or a script; the URLs of this version's files may be cached forever."""
    found = console.assets.get(name)
    if found is None:
        raise RouteNotFound
    lasting = version == console.assets.version
    headers = {
        "ETag": found.etag,
        "Cache-Control": f"public, max-age={YEAR_SECONDS}, immutable" if lasting else "no-cache",
        "Content-Security-Policy": ASSET_POLICY,
        "X-Content-Type-Options": "nosniff",
    }
    if found.etag in request.headers.get("if-none-match", ""):
        return Response(status_code=status.HTTP_304_NOT_MODIFIED, headers=headers)
    return Response(found.content, media_type=found.media_type, headers=headers)


def _add(page: ConsolePage) -> None:
    async def show(visitor: VisitorDep) -> Page:
        return visitor.see(page)

    router.add_api_route(page.path, show, include_in_schema=False, response_model=None, name=page.name)


for _page in (*PAGES, *ADMIN_PAGES):
    _add(_page)
