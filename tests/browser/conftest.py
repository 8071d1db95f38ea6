"""The service as a process, its mail caught, and a browser that knows nothing of it."""

import asyncio
import itertools
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from playwright.async_api import Browser, Page, expect

from tests.support.browser import chromium
from tests.support.server import GatepostServer, gatepost_server
from tests.support.smtp import SmtpServer, part, smtp_server
from tests.support.visitor import Visitor, visit

ADMIN_PASSWORD = "correct horse"
PASSWORD = "correct horse"
MAIL_SECONDS = 60
NUMBERS = itertools.count(1)
EXPECT_MS = 20_000

Visitors = Callable[..., Awaitable[Visitor]]


@dataclass(frozen=True)
class Somebody:
    """An account that a test has made for itself."""

    id: int
    username: str
    email: str
    password: str


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Give one browser for all tests."""
    expect.set_options(timeout=EXPECT_MS)
    async with chromium() as browser:
        yield browser


@pytest.fixture(scope="session")
async def mailbox() -> AsyncIterator[SmtpServer]:
    """Give the mail server that gets every mail of the service."""
    async with smtp_server() as mailbox:
        yield mailbox


@pytest.fixture(scope="session")
def server(mailbox: SmtpServer) -> Iterator[GatepostServer]:
    """Give a service whose first administrator is `admin`."""
    # A busy machine must not fail a test.
    with gatepost_server(MAIL_URL=mailbox.url(), DB_TIMEOUT_SECONDS="30") as server:
        account = ("--username", "admin", "--email", "admin@example.com", "--password-stdin")
        server.command("create-admin", *account, stdin=f"{ADMIN_PASSWORD}\n")
        yield server


@pytest.fixture
async def page(browser: Browser) -> AsyncIterator[Page]:
    """Give a page of its own: no cookie, no storage."""
    context = await browser.new_context(viewport={"width": 1280, "height": 900})
    yield await context.new_page()
    await context.close()


@pytest.fixture
async def visitors(browser: Browser, server: GatepostServer) -> AsyncIterator[Visitors]:
    """Give a maker of visitors, each with cookies of its own; at the end none has an error or asked another host."""
    came: list[Visitor] = []

    async def make(**options: Any) -> Visitor:
        came.append(await visit(browser, server.url, **options))
        return came[-1]

    yield make
    for visitor in came:
        await visitor.leave()


@pytest.fixture
async def visitor(visitors: Visitors) -> Visitor:
    """Return one visitor, who reads English, at a desk and by day."""
    return await visitors()


@pytest.fixture
async def admin(visitors: Visitors) -> Visitor:
    """Return the administrator, signed in."""
    visitor = await visitors()
    await visitor.sign_in("admin", ADMIN_PASSWORD)
    return visitor


@pytest.fixture
async def root(server: GatepostServer) -> AsyncIterator[httpx.AsyncClient]:
    """Give the API as the administrator, for what a test needs beside its pages."""
    async with httpx.AsyncClient(base_url=server.url, trust_env=False, timeout=30) as client:
        answer = await client.post("/api/auth/signin", json={"username": "admin", "password": ADMIN_PASSWORD})
        client.headers["Authorization"] = f"Bearer {answer.json()['accessToken']}"
        yield client


@pytest.fixture
async def somebody(server: GatepostServer) -> Somebody:
    """Return a new account with the role `user`."""
    number = next(NUMBERS)
    name, email = f"Abbey {number}", f"abbey{number}@example.com"
    async with httpx.AsyncClient(base_url=server.url, trust_env=False) as client:
        answer = await client.post("/api/auth/signup", json={"username": name, "email": email, "password": PASSWORD})
    assert answer.status_code == 201, answer.text
    return Somebody(answer.json()["id"], name, email, PASSWORD)


@pytest.fixture
async def verified(somebody: Somebody, mailbox: SmtpServer, server: GatepostServer) -> Somebody:
    """Return somebody whose address is proved."""
    token = (await mailed_link(mailbox, to=somebody.email, path="/verify-email")).partition("token=")[2]
    async with httpx.AsyncClient(base_url=server.url, trust_env=False) as client:
        answer = await client.post("/api/auth/email/verify", json={"token": token, "password": PASSWORD})
    assert answer.status_code == 200, answer.text
    return somebody


async def mailed_link(mailbox: SmtpServer, *, to: str, path: str) -> str:
    """Wait for the newest mail to an address whose link opens a page, and return the link without its host."""
    async with asyncio.timeout(MAIL_SECONDS):
        while True:
            for message in reversed(mailbox.received):
                found = re.search(rf"http://\S+({re.escape(path)}#token=\S+)", part(message, "plain"))
                if found and message["To"] == to:
                    return found[1]
            await asyncio.sleep(0.05)
