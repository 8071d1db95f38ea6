"""The passkeys of an account, as their owner uses and changes them, with Chromium's own authenticators."""

import re
from functools import partial

import pytest
from playwright.async_api import Route, expect

from tests.browser.conftest import Somebody, Visitors, mailed_link
from tests.browser.passkeys.conftest import URL, add_passkey, give_password, keep_codes, sign_up
from tests.browser.test_accessibility import LOOKS
from tests.browser.test_second_factor import sign_out, signed_in_long_ago
from tests.support.api import PASSWORD
from tests.support.authenticators import authenticator
from tests.support.smtp import SmtpServer
from tests.support.visitor import Visitor

pytestmark = pytest.mark.browser


async def test_passkey_is_a_second_factor_and_a_fresh_proof(visitor: Visitor, verified: Somebody) -> None:
    page = visitor.page
    device = await authenticator(page)
    await visitor.sign_in(verified.username, verified.password)
    await expect(page.locator("[data-passkey-count]")).to_have_text("None")
    await add_passkey(page, name="My laptop", password="wrong horse")
    field = page.locator("#passkey-form [name=currentPassword]")
    await expect(field).to_have_accessible_description(re.compile("This is not your current password"))
    await field.fill(PASSWORD)
    await page.keyboard.press("Enter")
    await keep_codes(page)
    await expect(page.get_by_role("status").first).to_contain_text(
        "The passkey is added. Other devices are signed out."
    )
    await expect(page.get_by_role("button", name="Manage: Passkeys")).to_be_focused()
    await expect(page.locator("#passkey-list")).to_contain_text("My laptop")
    assert visitor.refusals() == ["403"]

    await sign_out(page)
    await give_password(visitor, verified)
    await expect(page.locator("#second-factor .primary")).to_be_focused()
    await expect(page.locator("#second-factor")).to_contain_text("Confirm with your passkey.")
    await device.verify(is_verified=False)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("alert")).to_contain_text("No passkey was used.")
    await device.verify(is_verified=True)
    await page.keyboard.press("Tab")
    await page.locator("#second-factor .primary").press("Enter")
    await expect(page).to_have_url(f"{URL}/account")
    assert visitor.refusals() == ["401"]

    # The page asks by a dialog, and goes on.
    await signed_in_long_ago(page, "**/api/users/me/recovery-codes", methods=["passkey", "recovery_code"])
    await page.get_by_role("button", name="Replace: Recovery codes").click()
    await page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Confirm that it is you")
    await expect(dialog.get_by_role("button", name="Confirm")).to_be_focused()
    await page.keyboard.press("Enter")
    await keep_codes(page)
    await expect(dialog).to_be_hidden()
    # A proof that the service refuses is no code.
    refusal = {"code": "invalid_code", "status": 401, "title": "Invalid code", "message": "…", "errors": []}
    await page.route("**/api/auth/reauthenticate", partial(Route.fulfill, status=401, json=refusal), times=1)
    await signed_in_long_ago(page, "**/api/users/me/recovery-codes", methods=["passkey", "recovery_code"])
    await page.get_by_role("button", name="Replace: Recovery codes").click()
    await page.keyboard.press("Enter")
    await dialog.get_by_role("button", name="Confirm").press("Enter")
    await expect(dialog.get_by_role("alert")).to_contain_text("This passkey cannot be used here.")
    await dialog.get_by_role("button", name="Cancel").click()
    assert visitor.refusals() == ["401", "401", "401"]


async def test_address_is_verified_before_a_further_passkey_is_added(visitor: Visitor) -> None:
    page = visitor.page
    device = await authenticator(page)
    await sign_up(visitor)
    await page.get_by_role("button", name="Manage: Passkeys").click()
    # The address is proved by nobody yet.
    await page.locator("#passkey-form .primary").click()
    await expect(page.locator("#passkey-form").get_by_role("alert")).to_contain_text("verify your e-mail address first")
    assert visitor.refusals() == ["403"]
    assert len(await device.credentials()) == 1


async def test_passkeys_are_named_and_removed_and_the_browser_hears_of_it(visitor: Visitor, verified: Somebody) -> None:
    page = visitor.page
    device = await authenticator(page)
    await visitor.sign_in(verified.username, verified.password)
    await add_passkey(page, name="First", password=PASSWORD)
    await keep_codes(page)
    [first] = await device.credentials()
    # The exclude list: this device has one.
    await add_passkey(page, name="Twin")
    await expect(page.locator("#passkey-form").get_by_role("alert")).to_have_text(
        "This device or password manager already has a passkey of this account."
    )
    assert len(await device.credentials()) == 1
    # A security key on USB beside it has none; the browser asks it, as the first refuses.
    key = await authenticator(page, transport="usb")
    await signed_in_long_ago(page, "**/api/users/me/passkeys/options", methods=["passkey", "recovery_code"])
    await page.locator("#passkey-form .primary").click()
    await page.get_by_role("dialog", name="Confirm that it is you").get_by_role("button", name="Confirm").click()
    await expect(page.locator("#passkey-list li")).to_have_count(2)
    await expect(page.locator("[data-passkey-count]")).to_have_text("2 passkeys")
    await expect(page.locator("#passkey-list")).to_contain_text("On one device only")
    assert len(await key.credentials()) == 1

    await page.get_by_role("button", name="Manage: Passkeys").click()
    await page.get_by_role("button", name="Rename Twin").click()
    dialog = page.get_by_role("dialog", name="Rename the passkey")
    await expect(dialog.get_by_label("Name")).to_be_focused()
    await page.keyboard.type("Key ring")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("button", name="Rename Key ring")).to_be_focused()

    await page.get_by_role("button", name="Remove First").click()
    question = page.get_by_role("dialog", name="Remove First?")
    await question.get_by_role("button", name="Remove").click()
    await expect(page.locator("#passkey-list li")).to_have_count(1)
    await expect(page.locator("#passkeys-title")).to_be_focused()
    await device.until(lambda passkeys: passkeys == [])
    assert len(await key.credentials()) == 1

    # The browser knows the account by its new name.
    await page.get_by_role("button", name="Change: User name").click()
    await page.locator("#username-form [name=username]").fill(f"{verified.username} the First")
    await page.keyboard.press("Enter")
    await expect(page.locator("[data-name]")).to_have_text(f"{verified.username} the First")
    await key.until(lambda passkeys: [one["userName"] for one in passkeys] == [f"{verified.username} the First"])

    # A passkey that no account has any more: the browser forgets it when it is shown.
    await key.leave()
    await device.take(first)
    await sign_out(page)
    await page.get_by_role("button", name="Sign in with a passkey").click()
    await expect(page.get_by_role("alert")).to_contain_text("This passkey cannot be used here.")
    await device.until(lambda passkeys: passkeys == [])
    assert visitor.refusals() == ["401", "401"]


async def test_account_does_without_a_password_and_gets_one_again_by_mail(
    visitor: Visitor, verified: Somebody, mailbox: SmtpServer
) -> None:
    page = visitor.page
    await authenticator(page)
    await visitor.sign_in(verified.username, verified.password)
    await page.get_by_role("button", name="Change: Password").click()
    await expect(page.get_by_role("button", name="Remove the password")).to_be_hidden()
    await page.keyboard.press("Escape")
    await add_passkey(page, password=PASSWORD)
    await keep_codes(page)

    await page.get_by_role("button", name="Change: Password").click()
    await expect(page.locator("#password-form [name=currentPassword]")).to_be_hidden()
    await page.get_by_role("button", name="Remove the password").click()
    question = page.get_by_role("dialog", name="Remove your password?")
    await question.get_by_role("button", name="Remove the password").click()
    await expect(page.get_by_role("button", name="Set up: Password")).to_be_focused()
    await expect(page.locator("[data-no-password]")).to_be_visible()
    # A code by mail is left.
    await page.get_by_role("button", name="Manage: Passkeys").click()
    await page.get_by_role("button", name=re.compile("^Remove Passkey|^Remove ")).first.click()
    await page.locator("#remove-passkey .danger").click()
    await expect(page.get_by_role("status").first).to_contain_text("The passkey is removed.")
    # Nor is a password asked for where there is none.
    await page.locator("[data-delete]").click()
    await expect(page.locator("#delete-form [name=password]")).to_be_hidden()
    await page.locator("#delete-account [data-close]").click()

    await page.get_by_role("button", name="Set up: Password").click()
    await page.get_by_role("button", name="Send the link").press("Enter")
    await expect(page.get_by_role("status").first).to_contain_text(f"We have sent a link to {verified.email}.")
    assert "token=" in await mailed_link(mailbox, to=verified.email, path="/set-password")
    assert visitor.refusals() == []


@pytest.mark.parametrize("look", LOOKS)
async def test_passkeys_keep_nobody_out(visitors: Visitors, verified: Somebody, look: str) -> None:
    visitor = await visitors(**LOOKS[look], reduced_motion="reduce")
    page = visitor.page
    await authenticator(page)
    findings: dict[str, list[str]] = {}

    async def check(name: str) -> None:
        # Toasts and the page's bar must not cover a button: axe-core would call it too small.
        await page.evaluate("document.querySelectorAll('.toast').forEach((one) => one.remove())")
        await page.evaluate("scrollTo(0, 0)")
        if found := await visitor.findings():
            findings[name] = found
        if not await visitor.fits():
            findings[f"{name} is too wide"] = []

    await visitor.goto("/sign-in")
    await expect(page.locator("[data-passkey]")).to_be_visible()
    await check("sign-in")
    await visitor.goto("/sign-up")
    await page.locator("[data-passkey]").click()
    await expect(page.locator("[data-password]")).to_be_visible()
    await check("sign-up")
    await visitor.sign_in(verified.username, verified.password)
    await add_passkey(
        page, name="A name that is as long as people like to have them, or longer still", password=PASSWORD
    )
    await keep_codes(page)
    await page.locator("#passkeys [data-open-row]").click()
    # A form that is still being sent is paler.
    await expect(page.locator("form[aria-busy=true]")).to_have_count(0)
    await check("passkeys")
    await page.locator("[data-rename]").click()
    await check("another name")
    await page.keyboard.press("Escape")
    await page.locator("[data-remove]").click()
    await check("removal")
    await page.keyboard.press("Escape")
    await page.locator("#password [data-open-row]:not([hidden])").click()
    await check("password")
    await page.locator("[data-remove-password]").click()
    await page.locator("#remove-password .danger").click()
    await expect(page.locator("[data-no-password]")).to_be_visible()
    await page.locator("#password [data-act=set_up]").click()
    await check("no password")
    await signed_in_long_ago(page, "**/api/users/me/recovery-codes", methods=["passkey", "recovery_code"])
    await page.locator("#recovery [data-open-row]:not([hidden])").click()
    await page.locator("#recovery-form .primary").click()
    await expect(page.locator("#step-up")).to_be_visible()
    await check("fresh proof")

    assert findings == {}
    assert visitor.refusals() == ["401"]
