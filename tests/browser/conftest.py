"""The service as a process, and a browser that knows nothing of it."""

from collections.abc import AsyncIterator, Iterator

import pytest
from playwright.async_api import Browser, Page

from tests.support.browser import chromium
from tests.support.server import GatepostServer, gatepost_server

ADMIN_PASSWORD = "correct horse"


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Give one browser for all tests."""
    async with chromium() as browser:
        yield browser


@pytest.fixture(scope="session")
def server() -> Iterator[GatepostServer]:
    """Give a service whose first administrator is `admin`."""
    with gatepost_server() as server:
        account = ("--username", "admin", "--email", "admin@example.com", "--password-stdin")
        server.command("create-admin", *account, stdin=f"{ADMIN_PASSWORD}\n")
        yield server


@pytest.fixture
async def page(browser: Browser) -> AsyncIterator[Page]:
    """Give a page of its own: no cookie, no storage."""
    context = await browser.new_context(viewport={"width": 1280, "height": 900})
    yield await context.new_page()
    await context.close()
