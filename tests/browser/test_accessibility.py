"""Every page by axe-core: by day, by night, and on a phone 360 pixels wide, where nothing sticks out."""

from typing import Any

import pytest
from playwright.async_api import Route, expect

from tests.browser.conftest import ADMIN_PASSWORD, Visitors

pytestmark = pytest.mark.browser

FOR_ALL = (
    "/welcome",
    "/sign-in",
    "/sign-up",
    "/forgot-password",
    "/set-password#token=x",
    "/verify-email",
    "/invitation#token=x",
    "/sign-in-link#token=x",
    "/not-me",
    "/boards",
)
LOOKS: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light"},
    "dark": {"color_scheme": "dark", "locale": "de-DE"},
    "phone": {"viewport": {"width": 360, "height": 740}, "is_mobile": True, "has_touch": True, "locale": "de-DE"},
}


@pytest.mark.parametrize("look", LOOKS)
async def test_pages_keep_nobody_out(visitors: Visitors, look: str) -> None:
    visitor = await visitors(**LOOKS[look], reduced_motion="reduce")
    page = visitor.page
    findings: dict[str, list[str]] = {}

    async def check(name: str) -> None:
        await page.wait_for_load_state("networkidle")
        if found := await visitor.findings():
            findings[name] = found
        if not await visitor.fits():
            findings[f"{name} is too wide"] = []

    async def invite(route: Route) -> None:
        await route.fulfill(json={"email": "guest@example.com", "expiresAt": "2100-01-01T00:00:00Z"})

    async def link(route: Route) -> None:
        asked = {"email": "guest@example.com", "device": "Firefox on Windows", "address": "192.0.2.1"}
        await route.fulfill(json={"sameBrowser": False, "at": "2026-01-31T12:00:00Z", **asked})

    await page.route("**/api/auth/invitation", invite)
    await page.route("**/api/auth/email-code/link", link)
    for path in FOR_ALL:
        await visitor.goto(path)
        await check(path)
    await visitor.goto("/sign-up")
    await page.locator("#sign-up button.primary").click()
    await expect(page.locator("[aria-invalid=true]")).to_have_count(3)
    await check("errors of a form")
    await visitor.sign_in("admin", ADMIN_PASSWORD)
    await expect(page.locator("#activity-list")).not_to_have_attribute("aria-busy", "true")
    await check("/account")
    await page.locator("#password [data-act=change]").click()
    await page.locator("#password [name=newPassword]").fill("horse")
    await check("an open row")
    # A phone shows these on demand.
    show = page.locator("#data [data-open-row]")
    if await show.is_visible():
        await show.click()
    await page.locator("[data-delete]").click()
    await check("a dialog")

    assert findings == {}


async def test_menu_of_a_phone_opens_and_closes(visitors: Visitors) -> None:
    visitor = await visitors(**LOOKS["phone"])
    menu = visitor.page.get_by_role("button", name="Menü")
    navigation = visitor.page.get_by_role("navigation", name="Hauptmenü")
    await visitor.goto("/welcome")
    await expect(navigation).to_be_hidden()

    await menu.click()
    await expect(menu).to_have_attribute("aria-expanded", "true")
    await expect(navigation.get_by_role("link", name="Anmelden")).to_be_visible()
    await menu.click()

    await expect(navigation).to_be_hidden()
