"""A page of a browser app at http://localhost:8081, with the service at http://localhost:8080 on a clock of ours."""

import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page
from sqlalchemy import URL
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.routing import Route

from gatepost.app import create_app
from gatepost.composition.services import Services
from tests.conftest import MakeServices
from tests.support.browser import chromium
from tests.support.clock import FakeClock
from tests.support.server import address, free_port, served

APP = "http://localhost:8081"
STRANGER = "http://stranger:8082"
SCRIPT = Path(__file__).parent / "clients.js"


class BrowserApp:
    """A client in its page, called by the names of its methods."""

    def __init__(self, page: Page, style: str, services: Services, clock: FakeClock) -> None:
        self.page = page
        self._style = style
        self._services = services
        self._clock = clock

    async def open(self, origin: str = APP) -> None:
        """Load the page, as after a reload; what lies in localStorage stays."""
        await self.page.goto(origin)
        await self.page.evaluate("style => { window.client = new Client(style) }", self._style)

    async def call(self, method: str, *arguments: str) -> tuple[int, Any]:
        """Call a method of the client; return the status and the data that it hands to its page."""
        answer = await self.page.evaluate("([method, values]) => client[method](...values)", [method, list(arguments)])
        return (answer["status"], answer["data"]) if answer else (0, None)

    async def user(self) -> dict[str, Any] | None:
        """Return what the client keeps of the person who is signed in."""
        user: dict[str, Any] | None = await self.page.evaluate("client.user")
        return user

    async def wait(self, **time: float) -> None:
        """Let time pass, in which the service has done what it does every second."""
        self._clock.advance(**time)
        await self._services.identity.revocations.poll()

    async def calls(self) -> list[str]:
        """Return the status and path of every call since the last time."""
        calls: list[str] = await self.page.evaluate("client.calls.splice(0)")
        return calls


OpenApp = Callable[[Services, str], Awaitable[BrowserApp]]


@pytest.fixture
def database_url(sqlite_url: URL) -> URL:
    """Return the one database that these tests need: what differs between databases is tested elsewhere."""
    return sqlite_url


@pytest.fixture(params=["x-access-token", "bearer", "cookie"])
def style(request: pytest.FixtureRequest) -> str:
    """Return each way in which published clients send the access token."""
    style: str = request.param
    return style


@dataclass(frozen=True)
class Place:
    """One browser, and the sockets that its http://localhost:8080 and http://localhost:8081 lead to."""

    browser: Browser
    api: socket.socket
    pages: socket.socket


@pytest.fixture(scope="session")
async def place() -> AsyncIterator[Place]:
    """Give one browser for all tests."""
    with free_port() as api, free_port() as pages:
        at_pages = address(pages)
        async with chromium(localhost_8080=address(api), localhost_8081=at_pages, stranger_8082=at_pages) as browser:
            yield Place(browser, api, pages)


@pytest.fixture
async def open_app(place: Place, clock: FakeClock, make_services: MakeServices) -> AsyncIterator[OpenApp]:
    """Give a function that serves the services and the page, and opens the page in Chromium.

    By asking for `make_services` it stops serving before they are stopped.
    """
    async with AsyncExitStack() as stack:

        async def open_app(services: Services, style: str) -> BrowserApp:
            await stack.enter_async_context(served(create_app(services=services), place.api))
            await stack.enter_async_context(served(_pages(), place.pages))
            context = await place.browser.new_context()
            stack.push_async_callback(context.close)
            app = BrowserApp(await context.new_page(), style, services, clock)
            await app.open()
            return app

        yield open_app


@pytest.fixture
async def client(open_app: OpenApp, services: Services, style: str) -> BrowserApp:
    """Return a client of the service as it starts by default."""
    return await open_app(services, style)


def _pages() -> Starlette:
    async def page(_: Request) -> Response:
        return HTMLResponse('<!doctype html><title>An app</title><script src="/clients.js"></script>')

    async def script(_: Request) -> Response:
        return FileResponse(SCRIPT)

    return Starlette(routes=[Route("/", page), Route("/clients.js", script)])
