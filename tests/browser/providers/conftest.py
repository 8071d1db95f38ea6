"""A service whose other provider vouches for everybody at once, and a browser that finds it at PUBLIC_URL."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from socket import socket
from typing import Any

import httpx
import pytest
from playwright.async_api import Browser, expect
from sqlalchemy import URL

from gatepost.app import create_app
from gatepost.composition.services import Services
from gatepost.core.settings import EmailSignIn
from gatepost.identity.providers.provider import AuthorizationRequest
from tests.browser.conftest import EXPECT_MS, Visitors
from tests.browser.passkeys.conftest import WITHOUT_AUTOFILL
from tests.conftest import MakeServices
from tests.support.api import Api
from tests.support.browser import chromium
from tests.support.clock import FakeClock
from tests.support.external import FakeProvider, set_up
from tests.support.server import address, free_port, served
from tests.support.visitor import Visitor, visit

HOME = "http://localhost:8080"


@dataclass
class AnsweringProvider(FakeProvider):
    """Sends every browser straight back, with a code or with `error`."""

    error: str | None = None

    async def authorization_url(self, request: AuthorizationRequest) -> str:
        """Return the address with the answer."""
        await super().authorization_url(request)
        answer = f"error={self.error}" if self.error else f"code=code of {request.state}"
        return f"{request.redirect_uri}?state={request.state}&{answer}"


@pytest.fixture
def database_url(sqlite_url: URL) -> URL:
    """Return the one database that these tests need: what differs between databases is tested elsewhere."""
    return sqlite_url


@pytest.fixture(scope="session")
async def place() -> AsyncIterator[tuple[Browser, socket]]:
    """Give a browser in which PUBLIC_URL leads to a port, which a service may listen on."""
    expect.set_options(timeout=EXPECT_MS)
    with free_port() as listener:
        async with chromium(localhost_8080=address(listener)) as browser:
            yield browser, listener


@pytest.fixture
def acme() -> AnsweringProvider:
    """Return the provider."""
    return AnsweringProvider()


@pytest.fixture
def others() -> list[FakeProvider]:
    """Return the other providers that are set up."""
    return []


@pytest.fixture
def email_sign_in() -> EmailSignIn:
    """Return whether a code by mail is another way in."""
    return EmailSignIn.ON


@pytest.fixture
async def services(
    make_services: MakeServices, acme: AnsweringProvider, others: list[FakeProvider], email_sign_in: EmailSignIn
) -> Services:
    """Return the services behind the pages."""
    # The clock leaps, and what reads the revocations in the background may be on its way just then.
    staleness = timedelta(days=365).total_seconds()
    services = make_services(revocation_max_staleness_seconds=staleness, email_sign_in=email_sign_in)
    set_up(services, acme, *others)
    return services


@pytest.fixture
async def browser_at_home(place: tuple[Browser, socket], services: Services) -> AsyncIterator[Browser]:
    """Give the browser, while the service runs."""
    browser, listener = place
    async with served(create_app(services=services), listener):
        yield browser


@pytest.fixture
async def visitors(browser_at_home: Browser) -> AsyncIterator[Visitors]:
    """Give a maker of visitors who come to PUBLIC_URL; at the end none has an error or asked another host."""
    came: list[Visitor] = []

    async def make(**options: Any) -> Visitor:
        visitor = await visit(browser_at_home, HOME, **options)
        await visitor.page.add_init_script(WITHOUT_AUTOFILL)
        came.append(visitor)
        return visitor

    yield make
    for visitor in came:
        await visitor.leave()


@pytest.fixture
async def api(place: tuple[Browser, socket], browser_at_home: Browser) -> AsyncIterator[Api]:
    """Give the API of the running service, for what a test needs beside its pages."""
    async with httpx.AsyncClient(base_url=address(place[1]), trust_env=False) as client:
        yield Api(client)


async def wait(services: Services, clock: FakeClock, **time: float) -> None:
    """Let time pass, in which the service has done what it does every second."""
    clock.advance(**time)
    await services.identity.revocations.poll()
