"""The page of a link that ends a sign-up: it asks for the password, since anybody can sign up with any address."""

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
from playwright.async_api import Browser, expect

from tests.browser.conftest import mailed_link
from tests.support.server import GatepostServer, gatepost_server
from tests.support.smtp import SmtpServer
from tests.support.visitor import Visitor, visit

pytestmark = pytest.mark.browser

OWN, STRANGERS = "the owner's own", "the stranger's own"


@pytest.fixture(scope="module")
def server(mailbox: SmtpServer) -> Iterator[GatepostServer]:
    """Give a service that does not tell what is taken."""
    hiding = {"EMAIL_VERIFICATION": "required", "SIGNUP_REVEALS_TAKEN": "false"}
    with gatepost_server(MAIL_URL=mailbox.url(), DB_TIMEOUT_SECONDS="30", **hiding) as server:
        yield server


@pytest.fixture
async def visitor(browser: Browser, server: GatepostServer) -> AsyncIterator[Visitor]:
    """Give somebody with a browser, who has nothing to complain about at the end."""
    visitor = await visit(browser, server.url)
    yield visitor
    await visitor.leave()


async def sign_up(server: GatepostServer, mailbox: SmtpServer, username: str, email: str, password: str) -> str:
    """Sign up, and return the link of the mail."""
    async with httpx.AsyncClient(base_url=server.url, trust_env=False) as client:
        body = {"username": username, "email": email, "password": password}
        assert (await client.post("/api/auth/signup", json=body)).status_code == 202
    return await mailed_link(mailbox, to=email, path="/verify-email")


async def test_link_asks_for_the_password_of_its_sign_up(
    visitor: Visitor, server: GatepostServer, mailbox: SmtpServer
) -> None:
    page = visitor.page
    await visitor.goto(await sign_up(server, mailbox, "Heba", "heba@example.com", OWN))
    password = page.get_by_label("Password", exact=True)
    await expect(password).to_be_focused()
    await page.get_by_role("button", name="Verify").click()
    await expect(password).to_have_accessible_description(
        "The password that you chose when you signed up. Please fill this in."
    )
    await password.fill(STRANGERS)
    await page.get_by_role("button", name="Verify").click()
    await expect(page.locator("#verify-password-error")).to_contain_text(
        "This password does not belong to this sign-up."
    )
    await expect(password).to_be_focused()
    await password.fill(OWN)
    await page.get_by_role("button", name="Verify").click()

    await expect(page.get_by_text("Your e-mail address is verified.")).to_be_visible()
    assert "gpt_" not in page.url
    assert visitor.refusals() == ["403"]
    await visitor.sign_in("Heba", OWN)


async def test_link_that_does_not_say_what_it_ends_asks_when_the_service_does(
    visitor: Visitor, server: GatepostServer, mailbox: SmtpServer
) -> None:
    """As mails of an earlier version have it."""
    page = visitor.page
    link = await sign_up(server, mailbox, "Ines", "ines@example.com", OWN)
    await visitor.goto(link.removesuffix("&sign-up"))
    password = page.get_by_label("Password", exact=True)
    await expect(password).to_be_hidden()
    await page.get_by_role("button", name="Verify").click()
    await expect(password).to_be_focused()
    assert visitor.refusals() == ["400"]
    await password.fill(OWN)
    await password.press("Enter")

    await expect(page.get_by_text("Your e-mail address is verified.")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_page_that_asks_can_be_used_by_all(
    browser: Browser, server: GatepostServer, mailbox: SmtpServer, scheme: str
) -> None:
    link = await sign_up(server, mailbox, f"Jo {scheme}", f"jo-{scheme}@example.com", OWN)
    for options in ({"viewport": {"width": 360, "height": 740}}, {"locale": "de-DE"}):
        visitor = await visit(browser, server.url, color_scheme=scheme, **options)
        await visitor.goto(link)
        await expect(visitor.page.locator("#verify [name=password]")).to_be_visible()

        assert await visitor.fits()
        assert await visitor.findings() == []
        await visitor.leave()
