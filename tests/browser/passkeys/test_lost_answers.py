"""Passkeys whose answers are lost, or come when somebody has gone on."""

import pytest
from playwright.async_api import expect

from tests.browser.conftest import Somebody
from tests.browser.passkeys.conftest import add_passkey, keep_codes
from tests.support.answers import let_go, spoil_answers
from tests.support.api import PASSWORD
from tests.support.authenticators import authenticator
from tests.support.visitor import Visitor

pytestmark = pytest.mark.browser

AWAY = "The service cannot be reached."


async def test_passkey_is_shown_although_the_answer_to_it_was_lost(visitor: Visitor, verified: Somebody) -> None:
    page = visitor.page
    device = await authenticator(page)
    await spoil_answers(page)
    await visitor.sign_in(verified.username, verified.password)
    await page.evaluate("lose('POST /api/users/me/passkeys')")

    await add_passkey(page, name="My laptop", password=PASSWORD)

    await expect(page.locator("#passkey-form").get_by_role("alert")).to_contain_text(AWAY)
    await expect(page.locator("#passkey-list")).to_contain_text("My laptop")
    assert len(await device.credentials()) == 1


async def test_passkey_that_is_gone_is_not_shown_although_the_answer_was_lost(
    visitor: Visitor, verified: Somebody
) -> None:
    page = visitor.page
    device = await authenticator(page)
    await spoil_answers(page)
    await visitor.sign_in(verified.username, verified.password)
    await add_passkey(page, name="Gone", password=PASSWORD)
    await keep_codes(page)
    await page.get_by_role("button", name="Manage: Passkeys").click()
    removal = page.get_by_role("button", name="Remove Gone")
    await page.evaluate("id => lose(`DELETE /api/users/me/passkeys/${id}`)", await removal.get_attribute("data-remove"))

    await removal.click()
    await page.get_by_role("dialog", name="Remove Gone?").get_by_role("button", name="Remove").click()

    await expect(page.get_by_role("status")).to_contain_text([AWAY])
    await expect(page.locator("#passkey-list li")).to_have_count(0)
    await device.until(lambda passkeys: passkeys == [])


async def test_new_name_that_comes_late_closes_no_other_dialog(visitor: Visitor, verified: Somebody) -> None:
    page = visitor.page
    await authenticator(page)
    await spoil_answers(page)
    await visitor.sign_in(verified.username, verified.password)
    await add_passkey(page, name="First", password=PASSWORD)
    await keep_codes(page)
    await expect(page.locator("#passkey-form")).not_to_have_attribute("aria-busy", "true")
    await authenticator(page, transport="usb")
    await add_passkey(page, name="Second")
    await expect(page.locator("#passkey-list li")).to_have_count(2)
    first = await page.locator("#passkey-list [data-rename]").first.get_attribute("data-rename")
    await page.get_by_role("button", name="Manage: Passkeys").click()
    await page.evaluate("id => hold(`PATCH /api/users/me/passkeys/${id}`)", first)
    dialog = page.get_by_role("dialog", name="Rename the passkey")
    await page.get_by_role("button", name="Rename First").click()
    await dialog.get_by_label("Name").fill("Laptop")
    await page.keyboard.press("Enter")
    await page.evaluate("held")
    await dialog.get_by_role("button", name="Cancel").click()
    await page.get_by_role("button", name="Rename Second").click()

    await let_go(page)

    await expect(page.get_by_role("status").filter(has_text="Saved.")).to_be_visible()
    await expect(dialog.get_by_label("Name")).to_have_value("Second")
