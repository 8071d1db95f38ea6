"""A browser at PUBLIC_URL, where passkeys can be used, and what people do with them."""

import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from tests.browser.conftest import EXPECT_MS, NUMBERS, Somebody, Visitors
from tests.support.browser import chromium
from tests.support.server import GatepostServer
from tests.support.visitor import Visitor, visit

# The host of PUBLIC_URL; browsers have no passkeys at an address of numbers.
URL = "http://localhost:8080"
# A virtual authenticator answers what a field offers at once; most tests are about something else.
WITHOUT_AUTOFILL = "PublicKeyCredential.isConditionalMediationAvailable = async () => false"


@pytest.fixture(scope="session")
async def home(server: GatepostServer) -> AsyncIterator[Browser]:
    """Give a browser in which PUBLIC_URL leads to the service."""
    expect.set_options(timeout=EXPECT_MS)
    async with chromium(localhost_8080=server.url) as browser:
        yield browser


@pytest.fixture
async def visitors(home: Browser) -> AsyncIterator[Visitors]:
    """Give a maker of visitors who come to PUBLIC_URL."""
    came: list[Visitor] = []

    async def make(*, autofill: bool = False, **options: Any) -> Visitor:
        visitor = await visit(home, URL, **options)
        if not autofill:
            await visitor.page.add_init_script(WITHOUT_AUTOFILL)
        came.append(visitor)
        return visitor

    yield make
    for visitor in came:
        await visitor.leave()


def new_names() -> tuple[str, str]:
    """Return a user name and an address that nobody has."""
    number = next(NUMBERS)
    return f"Pat {number}", f"pat{number}@example.com"


async def keep_codes(page: Page) -> list[str]:
    """Say that the recovery codes are kept, and return them."""
    codes = page.locator("#recovery-codes [data-codes] li")
    await expect(codes).to_have_count(10)
    found = await codes.all_inner_texts()
    await page.get_by_role("button", name=re.compile("kept them|aufbewahrt")).click()
    return found


async def sign_up(visitor: Visitor) -> tuple[str, str, list[str]]:
    """Sign up with a passkey, and arrive at the account; return the names and the recovery codes."""
    page = visitor.page
    name, email = new_names()
    await visitor.goto("/sign-up")
    await page.locator("#sign-up [name=username]").fill(name)
    await page.locator("#sign-up [name=email]").fill(email)
    await page.locator("[data-passkey]").click()
    codes = await keep_codes(page)
    await expect(page).to_have_url(f"{URL}/account")
    return name, email, codes


async def add_passkey(page: Page, *, name: str = "", password: str | None = None) -> None:
    """Start adding a passkey on the account page; the caller checks the result."""
    row = page.locator("#passkeys")
    await row.locator("[data-open-row]").click()
    if password is not None:
        await row.locator("[name=currentPassword]").fill(password)
    await row.locator("[name=name]").fill(name)
    await row.locator("#passkey-form .primary").click()


async def give_password(visitor: Visitor, somebody: Somebody) -> None:
    """Sign in by the page, up to the second factor."""
    await visitor.goto("/sign-in")
    await visitor.page.locator("#sign-in [name=username]").fill(somebody.username)
    await visitor.page.locator("#sign-in [name=password]").fill(somebody.password)
    await visitor.page.keyboard.press("Enter")
    await expect(visitor.page.locator("#second-factor")).to_be_visible()
