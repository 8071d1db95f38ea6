"""The account page: everything a person can do about their own account."""

import json
from pathlib import Path

import pytest
from playwright.async_api import Browser, Locator, Page, expect

from tests.browser.conftest import Somebody, Visitors, mailed_link
from tests.support.server import GatepostServer
from tests.support.smtp import SmtpServer
from tests.support.visitor import Visitor

pytestmark = pytest.mark.browser


async def change(page: Page, name: str) -> Locator:
    """Open a row and return it."""
    await page.get_by_role("button", name=f"Change: {name}").click()
    return page.get_by_role("region", name=name, exact=True)


async def test_name_and_language_are_changed_and_a_taken_name_is_told_beside_its_field(
    visitor: Visitor, somebody: Somebody
) -> None:
    page = visitor.page
    await visitor.sign_in(somebody.username, somebody.password)
    row = await change(page, "User name")
    name = row.get_by_role("textbox", name="User name")
    await expect(name).to_have_value(somebody.username)
    await expect(name).to_be_focused()

    await name.fill("admin")
    await row.get_by_role("button", name="Save").click()
    await expect(name).to_have_accessible_description("Others see it. This user name is already taken.")
    await expect(name).to_be_focused()
    await name.fill(f"{somebody.username} Salami")
    await row.get_by_role("button", name="Save").click()
    await expect(page.get_by_role("button", name="Change: User name")).to_be_focused()
    row = await change(page, "Language")
    await row.get_by_label("Language of e-mails").select_option("de")
    await row.get_by_role("button", name="Save").click()
    await expect(page.get_by_role("button", name="Change: Language")).to_be_focused()

    await expect(page.get_by_role("status").first).to_contain_text("Saved.")
    await page.reload()
    await expect(page.locator("[data-name]")).to_have_text(f"{somebody.username} Salami")
    await expect(page.locator("[data-language-name]")).to_have_text("Deutsch")
    assert visitor.refusals() == ["400"]


async def test_one_row_is_open_at_a_time_and_the_focus_comes_back(visitor: Visitor, somebody: Somebody) -> None:
    page = visitor.page
    await visitor.sign_in(somebody.username, somebody.password)
    row = await change(page, "User name")
    await row.get_by_role("textbox", name="User name").fill("Somebody else")

    email = await change(page, "E-mail address")
    await expect(row.get_by_role("textbox", name="User name")).to_be_hidden()
    await expect(email.get_by_label("New e-mail address")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(email.get_by_label("New e-mail address")).to_be_hidden()
    await expect(page.get_by_role("button", name="Change: E-mail address")).to_be_focused()

    # What was typed in a row that another one closed is still there, until it is given up.
    await change(page, "User name")
    await expect(row.get_by_role("textbox", name="User name")).to_have_value("Somebody else")
    await row.get_by_role("button", name="Cancel").click()
    await expect(page.get_by_role("button", name="Change: User name")).to_be_focused()
    await change(page, "User name")
    await expect(row.get_by_role("textbox", name="User name")).to_have_value(somebody.username)


async def test_list_beside_marks_the_row_that_one_sees(visitor: Visitor, somebody: Somebody) -> None:
    page = visitor.page
    await visitor.sign_in(somebody.username, somebody.password)
    await expect(page.locator("#activity-list")).not_to_have_attribute("aria-busy", "true")
    side = page.get_by_role("navigation", name="Sections of this page")
    marked = side.locator("[aria-current=location]")
    await expect(marked).to_have_text("User name")

    await side.get_by_role("link", name="Password").press("Enter")
    await expect(marked).to_have_text("Password")
    await expect(page.locator("#password-form").get_by_label("Current password", exact=True)).to_be_focused()
    await page.set_viewport_size({"width": 1280, "height": 400})
    await page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")

    await expect(marked).to_have_text("Your data")


async def test_all_rows_are_in_one_screen_of_a_phone(visitors: Visitors, somebody: Somebody) -> None:
    visitor = await visitors(viewport={"width": 360, "height": 740}, is_mobile=True, has_touch=True, locale="de-DE")
    page = visitor.page
    await visitor.sign_in(somebody.username, somebody.password)
    await expect(page.locator("#activity-list")).not_to_have_attribute("aria-busy", "true")

    rows = page.locator("[data-row]:visible")
    await expect(rows).to_have_count(8)
    for row in await rows.all():
        await expect(row.locator("[data-open-row]:visible")).to_be_in_viewport(ratio=1)
    show = page.get_by_role("button", name="Anzeigen: Geräte")
    await show.tap()
    await expect(show).to_have_attribute("aria-expanded", "true")
    await expect(page.locator("#device-list")).to_be_visible()
    await show.tap()
    await expect(page.locator("#device-list")).to_be_hidden()
    assert await visitor.fits()


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [("Mozilla/5.0 (Windows NT 10.0; rv:140.0) Firefox/140.0", "Firefox unter Windows"), ("?", "Unbekanntes Gerät")],
)
async def test_devices_are_named_in_the_language_of_the_page(
    visitors: Visitors, admin: Visitor, somebody: Somebody, user_agent: str, name: str
) -> None:
    visitor = await visitors(locale="de-DE", user_agent=user_agent)
    await visitor.sign_in(somebody.username, somebody.password)
    await expect(visitor.page.locator("#device-list")).to_contain_text(f"{name}Dieses Gerät")

    await admin.goto(f"/admin/people/{somebody.id}?lang=de")
    await expect(admin.page.locator("[data-sessions]")).to_contain_text(name)
    await admin.page.locator("[data-disable-button]").click()
    await expect(admin.page.get_by_role("dialog")).to_contain_text(name)


async def test_address_that_names_another_row_opens_it_without_loading_anew(
    visitors: Visitors, somebody: Somebody
) -> None:
    visitor = await visitors(viewport={"width": 360, "height": 740}, is_mobile=True, has_touch=True)
    page = visitor.page
    await visitor.sign_in(somebody.username, somebody.password)
    await expect(page.get_by_role("button", name="Show: Devices")).to_be_enabled()
    await visitor.goto("/account#devices")
    await expect(page.locator("#device-list")).to_be_visible()

    await page.set_viewport_size({"width": 1120, "height": 680})
    await expect(page.locator("[data-leads-to][aria-current]")).to_have_text("Devices")


async def test_without_scripts_every_form_can_be_seen(browser: Browser, server: GatepostServer) -> None:
    context = await browser.new_context(java_script_enabled=False)
    page = await context.new_page()
    await page.goto(f"{server.url}/account")

    for form in await page.locator(".card:not([hidden]) > .setting:not([hidden]) form:not([hidden])").all():
        await expect(form).to_be_visible()
    await expect(page.get_by_role("button", name="Change: Password")).to_be_hidden()
    await context.close()


async def test_strength_of_a_new_password_is_told_while_it_is_typed(visitors: Visitors) -> None:
    for locale, words in (
        ("en", ("1 more character", "Easy to guess", "Fair: longer is better", "Good", "Strong")),
        ("de", ("Noch ein Zeichen", "Leicht zu erraten", "Mittel: länger ist besser", "Gut", "Stark")),
    ):
        visitor = await visitors(locale=locale)
        page = visitor.page
        meter, text = page.get_by_role("meter"), page.locator(".strength p")
        # Of an invitation that is good.
        await page.route("**/api/auth/invitation", lambda route: route.fulfill(json={"email": "guest@example.com"}))
        for path in ("/sign-up", "/set-password#token=x", "/invitation#token=x"):
            await visitor.goto(path)
            await page.wait_for_load_state("networkidle")
            await expect(meter).to_be_hidden()
            field = page.locator("[autocomplete=new-password]")
            for password, place in (
                ("horse", 0), ("aaaaaaaa", 1), ("abcdefgh", 1), ("87654321", 1), ("gatepost1!", 1),
                ("kwmbhzq", 2), ("kwmbhzqrtvxy", 3), ("correct horse battery", 4), ("\U0001f40e" * 5, 0),
            ):  # fmt: skip
                await field.fill(password)
                await expect(text).to_have_text(words[place])
                await expect(meter).to_have_attribute("aria-valuenow", str(place))
                await expect(meter).to_have_attribute("aria-valuetext", words[place])

    await visitor.goto("/sign-up")
    await page.locator("[name=username]").fill("Abbey Salami")
    await page.locator("[name=password]").fill("salami-1234567890!")
    await expect(text).to_have_text("Leicht zu erraten")


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

    row = await change(other.page, "Language")
    await row.get_by_role("button", name="Save").click()
    await expect(other.page).to_have_url(f"{other.url}/sign-in?next=%2Faccount")
    assert other.refusals() == ["401", "403"]
    await visitor.page.reload()
    await expect(visitor.page.locator("#activity-list")).to_contain_text("Signed out")


async def test_password_is_changed_with_the_current_one(visitor: Visitor, somebody: Somebody) -> None:
    page = visitor.page
    await visitor.sign_in(somebody.username, somebody.password)
    form = await change(page, "Password")
    current, new = form.get_by_label("Current password", exact=True), form.get_by_label("New password", exact=True)

    await current.fill("wrong horse")
    await new.fill("another horse")
    await form.get_by_role("button", name="Change the password").click()
    await expect(current).to_have_accessible_description("This is not your current password.")
    await current.fill(somebody.password)
    await form.get_by_role("button", name="Change the password").click()

    await expect(page.get_by_role("status")).to_contain_text("Your password was changed.")
    await expect(page.locator("#device-list > li")).to_have_count(1)
    assert visitor.refusals() == ["403"]


async def test_address_is_changed_by_the_link_that_goes_to_the_new_one(
    visitor: Visitor, somebody: Somebody, mailbox: SmtpServer
) -> None:
    page, address = visitor.page, f"new.{somebody.email}"
    await visitor.sign_in(somebody.username, somebody.password)

    form = await change(page, "E-mail address")
    await form.get_by_label("New e-mail address").fill(address)
    await form.get_by_label("Current password", exact=True).fill(somebody.password)
    await form.get_by_role("button", name="Change the address").click()
    await expect(page.get_by_role("status")).to_contain_text(address)
    await visitor.goto(await mailed_link(mailbox, to=address, path="/verify-email"))
    await page.get_by_role("button", name="Verify").click()
    await page.get_by_role("link", name="To your account").click()

    await expect(page.locator("[data-email]")).to_have_text(address)
    await expect(page.get_by_text("Verified", exact=True)).to_be_visible()


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
    await expect(dialog).to_contain_text("If you sign in before then, you keep it.")
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
    # It proves nobody's identity; it only separates this device from strangers who guess.
    assert [cookie["name"] for cookie in await page.context.cookies()] == ["gatepost_device"]
