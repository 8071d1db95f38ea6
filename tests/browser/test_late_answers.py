"""Answers to the account page that come late, or not at all."""

import httpx
import pytest
from playwright.async_api import expect

from tests.browser.conftest import Somebody
from tests.browser.test_account import change
from tests.browser.test_second_factor import set_up
from tests.support.answers import let_go, spoil_answers
from tests.support.server import GatepostServer
from tests.support.visitor import Visitor

pytestmark = pytest.mark.browser


async def test_list_of_devices_that_comes_late_takes_nothing_back(visitor: Visitor, somebody: Somebody) -> None:
    page = visitor.page
    # This device, and the one that made the account.
    await spoil_answers(page, "if (location.pathname === '/account') hold('GET /api/auth/sessions')")
    await visitor.sign_in(somebody.username, somebody.password)
    await page.evaluate("held")
    form = await change(page, "Password")
    await form.get_by_label("Current password", exact=True).fill(somebody.password)
    await form.get_by_label("New password", exact=True).fill("another horse")
    await form.get_by_role("button", name="Change the password").click()
    await expect(page.get_by_role("status").first).to_contain_text("Your password was changed.")
    await expect(page.locator("[data-device-count]")).to_have_text("1 device")

    await let_go(page)

    await expect(page.locator("[data-device-count]")).to_have_text("1 device")
    await expect(page.locator("#device-list > li")).to_have_count(1)


async def test_click_for_more_events_that_is_made_twice_shows_each_event_once(
    visitor: Visitor, somebody: Somebody, server: GatepostServer
) -> None:
    page = visitor.page
    account = {"username": somebody.username, "password": somebody.password}
    async with httpx.AsyncClient(base_url=server.url, trust_env=False) as client:
        for _ in range(10):
            (await client.post("/api/auth/signin", json=account)).raise_for_status()
    await spoil_answers(page)
    await visitor.sign_in(somebody.username, somebody.password)
    events = page.locator("#activity-list > *")
    await expect(events).to_have_count(8)
    await page.evaluate("hold('GET /api/users/me/activity')")
    more = page.locator("[data-more]")

    await more.click()
    await page.evaluate("held")
    await more.click()
    await expect(events).not_to_have_count(8)
    shown = await events.count()
    await let_go(page)

    await expect(events).to_have_count(shown)


async def test_recovery_codes_are_shown_although_the_refresh_after_them_fails(
    visitor: Visitor, verified: Somebody
) -> None:
    page = visitor.page
    await spoil_answers(page)
    await visitor.sign_in(verified.username, verified.password)
    await page.evaluate("lose('POST /api/auth/refreshtoken')")

    await set_up(page)

    await page.get_by_role("button", name="I have kept them").click()
    await expect(page.locator("[data-totp]")).to_contain_text("On since")


async def test_name_that_is_stored_is_told_so_although_the_refresh_after_it_fails(
    visitor: Visitor, somebody: Somebody
) -> None:
    page = visitor.page
    await spoil_answers(page)
    await visitor.sign_in(somebody.username, somebody.password)
    await page.evaluate("lose('POST /api/auth/refreshtoken')")
    row = await change(page, "User name")
    await row.get_by_role("textbox", name="User name").fill(f"{somebody.username} Salami")

    await row.get_by_role("button", name="Save").click()

    await expect(page.get_by_role("status").first).to_contain_text("Saved.")
    await expect(page.locator("[data-name]")).to_have_text(f"{somebody.username} Salami")
