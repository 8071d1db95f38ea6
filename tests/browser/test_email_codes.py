"""Signing in and up with a code by mail, or with the link beside it, as a person does it."""

import asyncio
import re
from functools import partial

import pytest
from playwright.async_api import Page, Route, expect

from tests.browser.conftest import MAIL_SECONDS, NUMBERS, Somebody, Visitors, mailed_link
from tests.browser.test_accessibility import LOOKS
from tests.browser.test_second_factor import sign_out, signed_in_long_ago
from tests.support.smtp import SmtpServer, part
from tests.support.visitor import Visitor

pytestmark = pytest.mark.browser

CODE = re.compile(r"^ +([0-9]{6})\s*$", re.MULTILINE)


async def mailed_codes(mailbox: SmtpServer, *, to: str, count: int = 1) -> list[str]:
    """Wait for so many mails with codes to an address; return all codes, the oldest first."""
    async with asyncio.timeout(MAIL_SECONDS):
        while True:
            texts = [part(message, "plain") for message in mailbox.received if message["To"] == to]
            codes = [found[1] for text in texts if (found := CODE.search(text))]
            if len(codes) >= count:
                return codes
            await asyncio.sleep(0.05)


async def ask_for_code(page: Page, email: str) -> None:
    """Ask for a code on the sign-in page, up to the code."""
    await page.locator("#sign-in [name=username]").fill(email)
    await page.get_by_role("button", name="Get a code by e-mail").click()
    await expect(page.locator("#email-code-code")).to_be_focused()


def new_address() -> str:
    """Return an address that nobody has."""
    return f"code{next(NUMBERS)}@example.com"


async def test_code_signs_in_where_it_was_asked_for(visitor: Visitor, verified: Somebody, mailbox: SmtpServer) -> None:
    page = visitor.page
    await visitor.goto("/sign-in?next=/boards")
    # A user name is no address: the page asks for one.
    await page.locator("#sign-in [name=username]").fill(verified.username)
    await page.get_by_role("button", name="Get a code by e-mail").click()
    address = page.locator("#email-address [name=email]")
    await expect(address).to_be_focused()
    await page.keyboard.type(verified.email)
    await page.keyboard.press("Enter")
    code = page.locator("#email-code-code")
    await expect(code).to_be_focused()
    await expect(code).to_have_attribute("inputmode", "numeric")
    await expect(page.locator(".lead")).to_contain_text(verified.email)
    [sent] = await mailed_codes(mailbox, to=verified.email)

    await page.keyboard.type("000000" if sent != "000000" else "000001")
    await page.keyboard.press("Enter")
    await expect(code).to_have_accessible_description(re.compile("This code is wrong or no longer valid"))
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await page.evaluate("(text) => navigator.clipboard.writeText(text)", f" {sent[:3]} {sent[3:]} ")
    await code.fill("")
    await page.keyboard.press("ControlOrMeta+V")
    await page.keyboard.press("Enter")

    await expect(page).to_have_url(f"{visitor.url}/boards")
    await sign_out(page)
    await expect(page.get_by_role("button", name="Get a code by e-mail Last used")).to_be_visible()
    assert visitor.refusals() == ["401"]


async def test_unknown_address_is_told_the_same_and_gets_an_account_by_its_code(
    visitor: Visitor, mailbox: SmtpServer
) -> None:
    page, email = visitor.page, new_address()
    await visitor.goto("/sign-up")
    await page.locator("#sign-up [name=email]").fill(email)
    await page.get_by_role("button", name="Get a code by e-mail").click()
    code = page.locator("#email-code-code")
    await expect(code).to_be_focused()
    await expect(page.locator(".lead")).to_have_text(
        f"If {email} can be used here, a mail with a code is on its way. Please check your spam folder, too."
    )
    await code.fill((await mailed_codes(mailbox, to=email))[0])
    await page.keyboard.press("Enter")

    await expect(page).to_have_url(f"{visitor.url}/account")
    await expect(page.locator("[data-name]")).to_have_text(email.partition("@")[0])
    await expect(page.locator("[data-no-password]")).to_have_text("None")
    await expect(page.locator("[data-verified]").first).to_be_visible()

    # Who has neither a password nor a second factor proves by a code who they are.
    await signed_in_long_ago(page, "**/api/auth/email/change", methods=("email_code",))
    await page.get_by_role("button", name="Change: E-mail address").click()
    await page.get_by_label("New e-mail address").fill(f"new.{email}")
    await page.get_by_role("button", name="Change the address").click()
    dialog = page.get_by_role("dialog", name="Confirm that it is you")
    await expect(dialog.get_by_label("Code from the mail")).to_be_focused()
    assert await visitor.findings() == []
    await page.keyboard.type((await mailed_codes(mailbox, to=email, count=2))[1])
    await page.keyboard.press("Enter")
    await expect(page.locator("#toasts")).to_contain_text(f"We have sent a link to new.{email}.")
    assert visitor.refusals() == ["401"]


async def test_link_signs_in_in_the_same_browser_and_the_first_tab_goes_on(
    visitor: Visitor, verified: Somebody, mailbox: SmtpServer
) -> None:
    page = visitor.page
    await visitor.goto("/sign-in?next=/boards")
    await ask_for_code(page, verified.email)
    link = await mailed_link(mailbox, to=verified.email, path="/sign-in-link")
    other = await page.context.new_page()
    await other.goto(visitor.url + link)
    await expect(other.locator(".lead")).to_contain_text(f"You have asked for this link for {verified.email}.")
    await expect(page).to_have_url(f"{visitor.url}/sign-in?next=/boards")
    await expect(other.get_by_role("main").get_by_role("button", name="Sign in")).to_be_focused()
    await other.keyboard.press("Enter")

    await expect(other).to_have_url(f"{visitor.url}/account")
    await expect(page).to_have_url(f"{visitor.url}/boards")
    # It works once.
    await other.goto(visitor.url + link)
    await expect(other.locator("[data-unusable]")).to_contain_text("This link is no longer valid.")


async def test_link_on_another_device_says_who_asks_and_signs_in_only_who_wants_that(
    visitors: Visitors, verified: Somebody, mailbox: SmtpServer
) -> None:
    asking, other = await visitors(), await visitors()
    await asking.goto("/sign-in")
    await ask_for_code(asking.page, verified.email)
    link = await mailed_link(mailbox, to=verified.email, path="/sign-in-link")
    page = other.page
    await other.goto(link)
    await expect(page.locator(".lead")).to_contain_text("was started on another device.")
    await expect(page.locator("[data-address]")).to_have_text("127.0.0.1")
    await expect(page.locator("[data-device]")).to_contain_text("Linux")
    assert await other.findings() == []
    assert {cookie["name"] for cookie in await page.context.cookies()} & {"gatepost_access"} == set()

    await page.get_by_role("button", name="Sign in on this device").click()

    await expect(page).to_have_url(f"{other.url}/account")
    await expect(asking.page.locator("#email-code-code")).to_be_focused()


async def test_another_code_can_be_asked_for_after_the_wait_that_the_service_names(visitor: Visitor) -> None:
    page = visitor.page
    await page.clock.install()
    sent: list[str] = []

    async def send(route: Route) -> None:
        sent.append(route.request.post_data or "")
        await route.fulfill(status=202, json={"message": "…", "resendAfter": 60})

    await page.route("**/api/auth/email-code", send)
    await visitor.goto("/sign-in")
    await page.clock.pause_at(await page.evaluate("Date.now() + 3600000"))
    await ask_for_code(page, "heba@example.com")
    again = page.get_by_role("button", name="Send another code")
    await expect(again).to_have_text("Send another code (60 seconds)")
    await again.press("Enter")
    await page.clock.run_for(59_000)
    await expect(again).to_have_attribute("aria-disabled", "true")
    assert len(sent) == 1
    await page.clock.run_for(1000)
    await expect(again).to_have_text("Send another code")
    await again.click()
    await expect(page.locator("#toasts")).to_contain_text("Another code is on its way.")
    await expect(again).to_have_attribute("aria-disabled", "true")
    assert len(sent) == 2

    await page.get_by_role("button", name="Use another address").click()
    await expect(page.locator("#email-address [name=email]")).to_have_value("heba@example.com")
    await page.get_by_role("button", name="Start again").click()
    await expect(page.locator("#sign-in [name=password]")).to_be_focused()


@pytest.mark.parametrize("look", LOOKS)
async def test_steps_of_a_code_keep_nobody_out(visitors: Visitors, look: str) -> None:
    visitor = await visitors(**LOOKS[look], reduced_motion="reduce")
    page = visitor.page
    answer = partial(Route.fulfill, status=202, json={"message": "…", "resendAfter": 60})
    await page.route("**/api/auth/email-code", answer)
    await visitor.goto("/sign-in")
    await page.locator("[data-email-code]").click()
    await expect(page.locator("#email-address [name=email]")).to_be_focused()
    found = await visitor.findings()
    await page.keyboard.type(f"{'w' * 64}@{'d' * 60}.example.com")
    await page.keyboard.press("Enter")
    await expect(page.locator("#email-code-code")).to_be_focused()
    assert [*found, *await visitor.findings()] == []
    assert await visitor.fits()
