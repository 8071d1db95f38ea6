"""The account page: everything a person can do about their own account."""

import json
from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.browser.conftest import Somebody, Visitors, mailed_link
from tests.support.smtp import SmtpServer
from tests.support.visitor import Visitor

pytestmark = pytest.mark.browser


async def test_profile_is_changed_and_a_taken_name_is_told_beside_its_field(
    visitor: Visitor, somebody: Somebody
) -> None:
    page = visitor.page
    await visitor.sign_in(somebody.username, somebody.password)
    name = page.get_by_label("User name")
    await expect(name).to_have_value(somebody.username)

    await name.fill("admin")
    await page.get_by_role("button", name="Save").click()
    await expect(name).to_have_accessible_description("This user name is already taken.")
    await expect(name).to_be_focused()
    await name.fill(f"{somebody.username} Salami")
    await page.get_by_label("Language of our mails").select_option("de")
    await page.get_by_role("button", name="Save").click()

    await expect(page.get_by_role("status")).to_contain_text("Saved.")
    await page.reload()
    await expect(name).to_have_value(f"{somebody.username} Salami")
    await expect(page.get_by_label("Language of our mails")).to_have_value("de")
    assert visitor.refusals() == ["400"]


async def test_other_device_is_ended_while_this_one_stays(
    visitor: Visitor, visitors: Visitors, somebody: Somebody
) -> None:
    other = await visitors()
    await other.sign_in(somebody.username, somebody.password)
    await visitor.sign_in(somebody.username, somebody.password)
    devices = visitor.page.locator("#device-list > li")
    # The third is the one that made the account.
    await expect(devices).to_have_count(3)
    await expect(devices.nth(0)).to_contain_text("This device")

    await devices.nth(1).get_by_role("button").click()
    await expect(devices).to_have_count(2)
    await visitor.page.get_by_role("button", name="Sign out all others").click()
    await visitor.page.get_by_role("dialog").get_by_role("button", name="Sign out all others").click()
    await expect(devices).to_have_count(1)

    await other.page.get_by_role("button", name="Save").click()
    await expect(other.page).to_have_url(f"{other.url}/sign-in?next=%2Faccount")
    assert other.refusals() == ["401", "403"]
    await visitor.page.reload()
    await expect(visitor.page.locator("#activity-list")).to_contain_text("Signed out")


async def test_password_is_changed_with_the_current_one(visitor: Visitor, somebody: Somebody) -> None:
    page = visitor.page
    await visitor.sign_in(somebody.username, somebody.password)
    form = page.locator("#password-form")
    current, new = form.get_by_label("Current password", exact=True), form.get_by_label("New password", exact=True)

    await current.fill("wrong horse")
    await new.fill("another horse")
    await form.get_by_role("button", name="Change the password").click()
    await expect(current).to_have_accessible_description("This is not your current password.")
    await current.fill(somebody.password)
    await form.get_by_role("button", name="Change the password").click()

    await expect(page.get_by_role("status")).to_contain_text("Your password is changed.")
    await expect(page.locator("#device-list > li")).to_have_count(1)
    assert visitor.refusals() == ["403"]


async def test_address_is_changed_by_the_link_that_goes_to_the_new_one(
    visitor: Visitor, somebody: Somebody, mailbox: SmtpServer
) -> None:
    page, address = visitor.page, f"new.{somebody.email}"
    await visitor.sign_in(somebody.username, somebody.password)

    form = page.locator("#email-form")
    await form.get_by_label("New e-mail address").fill(address)
    await form.get_by_label("Current password", exact=True).fill(somebody.password)
    await form.get_by_role("button", name="Change the address").click()
    await expect(page.get_by_role("status")).to_contain_text(address)
    await visitor.goto(await mailed_link(mailbox, to=address, path="/verify-email"))
    await page.get_by_role("button", name="Confirm").click()
    await page.get_by_role("link", name="To your account").click()

    await expect(page.locator("[data-email]")).to_have_text(address)
    await expect(page.get_by_text("Confirmed", exact=True)).to_be_visible()


async def test_data_is_taken_along_and_the_account_deleted(visitor: Visitor, somebody: Somebody) -> None:
    page = visitor.page
    await visitor.sign_in(somebody.username, somebody.password)

    async with page.expect_download() as waiting:
        await page.get_by_role("button", name="Download").click()
    exported = json.loads(Path(await (await waiting.value).path()).read_text(encoding="utf-8"))
    assert exported["account"]["username"] == somebody.username

    await page.locator("[data-delete]").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog).to_contain_text("After 14 days")
    await dialog.get_by_label("Current password", exact=True).fill("wrong horse")
    await dialog.get_by_role("button", name="Delete the account").click()
    await expect(dialog.get_by_text("This is not your current password.")).to_be_visible()
    await dialog.get_by_label("Current password", exact=True).fill(somebody.password)
    await dialog.get_by_role("button", name="Delete the account").click()
    await expect(dialog).to_contain_text("If you sign in before, it stays.")
    await dialog.get_by_role("link", name="To the start page").click()

    await expect(page.get_by_role("main").get_by_role("link", name="Sign in").first).to_be_visible()
    assert visitor.refusals() == ["403"]


async def test_account_asks_who_comes_and_leads_back_after_sign_in(visitor: Visitor, somebody: Somebody) -> None:
    page = visitor.page
    await visitor.goto("/account#devices")
    await expect(page).to_have_url(f"{visitor.url}/sign-in?next=%2Faccount%23devices")

    await page.get_by_label("User name or e-mail").fill(somebody.email)
    await page.get_by_label("Password", exact=True).fill(somebody.password)
    await page.get_by_label("Password", exact=True).press("Enter")

    await expect(page).to_have_url(f"{visitor.url}/account#devices")
    await page.get_by_role("button", name="Sign out", exact=True).first.click()
    await expect(page.get_by_role("status")).to_have_text("You are signed out.")
    # It proves no one, and keeps this device apart from strangers who guess.
    assert [cookie["name"] for cookie in await page.context.cookies()] == ["gatepost_device"]
