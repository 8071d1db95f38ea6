"""A deployment in which everybody has to have a second factor, and somebody who sets up a passkey at the sign-in."""

from collections.abc import Iterator

import pytest
from playwright.async_api import expect

from tests.browser.passkeys.conftest import URL, WITHOUT_AUTOFILL, keep_codes
from tests.support.api import PASSWORD
from tests.support.authenticators import authenticator
from tests.support.browser import chromium
from tests.support.server import GatepostServer, gatepost_server
from tests.support.visitor import visit

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def strict() -> Iterator[GatepostServer]:
    """Give a service that wants a second factor from everybody."""
    with gatepost_server(SECOND_FACTOR="required", EMAIL_VERIFICATION="off", DB_TIMEOUT_SECONDS="30") as server:
        yield server


async def test_passkey_is_set_up_in_the_place_of_an_app(strict: GatepostServer) -> None:
    async with chromium(localhost_8080=strict.url) as browser:
        visitor = await visit(browser, URL)
        page = visitor.page
        await page.add_init_script(WITHOUT_AUTOFILL)
        device = await authenticator(page)
        await visitor.goto("/sign-up")
        await page.locator("#sign-up [name=username]").fill("Newcomer")
        await page.locator("#sign-up [name=email]").fill("newcomer@example.com")
        await page.locator("[name=password]").fill(PASSWORD)
        await page.keyboard.press("Enter")
        button = page.get_by_role("dialog").get_by_role("button", name="Set up a passkey instead")
        await expect(button).to_be_visible()
        assert await visitor.findings() == []

        await button.press("Enter")

        await keep_codes(page)
        await expect(page).to_have_url(f"{URL}/account")
        await expect(page.locator("[data-passkey-count]")).to_have_text("1 passkey")
        [passkey] = await device.credentials()
        assert passkey["userName"] == "Newcomer"
        assert visitor.refusals() == ["401"]
        await visitor.leave()
