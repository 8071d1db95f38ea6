"""What the pages do with secrets: hide them while they are typed, take them from a manager, keep none."""

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, Route, expect

import gatepost.console
from gatepost.console.admin_pages import ADMIN_PAGES
from tests.browser.conftest import ADMIN_PASSWORD, Somebody
from tests.support.browser import chromium
from tests.support.server import GatepostServer
from tests.support.visitor import Visitor, visit

pytestmark = pytest.mark.browser

FIELDS = "input[autocomplete$='-password'], input[name*='assword']"
TEMPLATES = Path(gatepost.console.__file__).parent / "templates"
WRITTEN = re.compile(r"""field\(t, "[\w-]+", "\w*[Pp]assword"|<input[^>]*(?:name|type)="[^"]*assword""")
# How many fields for a password a page has.
FOR_ALL = {
    "/sign-in": 1,
    "/sign-up": 1,
    "/set-password#token=x": 1,
    "/verify-email#token=x": 1,
    "/invitation#token=x": 1,
}
OF_THE_ACCOUNT = 8
OF_THE_PEOPLE = 1
# The dialog that asks for a fresh proof, on each of these pages.
OF_THE_PROOF = 1
SIGNED_IN = ("/account", "/boards", *(page.path.replace("{user_id:int}", "1") for page in ADMIN_PAGES))
SECRET = "correct horse 漢字 🐎"
# Whether a page would let the text of a clipboard, or what is dragged there, into the field.
TAKES = """(field) => ["paste", "drop", "beforeinput"].every((kind) =>
  field.dispatchEvent(new Event(kind, { bubbles: true, cancelable: true })))"""


async def passwords(page: Page, count: int) -> list[Any]:
    """Return the fields for passwords of a page."""
    await expect(page.locator(FIELDS)).to_have_count(count)
    return await page.locator(FIELDS).all()


async def test_every_field_for_a_password_hides_it_and_is_known_to_managers(visitor: Visitor) -> None:
    page = visitor.page
    written = sum(len(WRITTEN.findall(file.read_text(encoding="utf-8"))) for file in TEMPLATES.rglob("*.j2"))
    assert written == sum(FOR_ALL.values()) + OF_THE_ACCOUNT + OF_THE_PEOPLE, "a page with a password is not looked at"
    for path, count in FOR_ALL.items():
        await visitor.goto(path)
        for field in await passwords(page, count):
            await expect(field).to_have_attribute("type", "password")
            assert await field.get_attribute("autocomplete") in ("current-password", "new-password")
            assert await field.evaluate(TAKES), path
        # One page asks about its invitation, in its own time.
        await page.wait_for_load_state("networkidle")
    # No invitation has that token.
    assert visitor.refusals() == ["400"]
    await visitor.sign_in("admin", ADMIN_PASSWORD)
    for path, count in (("/account", OF_THE_ACCOUNT), ("/admin/people", OF_THE_PEOPLE)):
        await visitor.goto(path)
        for field in await passwords(page, count + OF_THE_PROOF):
            await expect(field).to_have_attribute("type", "password")
            assert await field.get_attribute("autocomplete") in ("current-password", "new-password")
            assert await field.evaluate(TAKES)


async def test_password_is_pasted_whole_and_shown_for_as_long_as_its_owner_wants(visitor: Visitor) -> None:
    page = visitor.page
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    for path, submit in (("/sign-in", "Sign in"), ("/sign-up", "Create the account")):
        await visitor.goto(path)
        await page.evaluate("(text) => navigator.clipboard.writeText(text)", SECRET)
        [field] = await passwords(page, 1)
        await field.focus()
        await page.keyboard.press("ControlOrMeta+V")
        await expect(field).to_have_value(SECRET)

        await page.get_by_role("button", name="Show: Password").click()
        await expect(field).to_have_attribute("type", "text")
        await page.get_by_role("button", name="Show: Password").click()
        await expect(field).to_have_attribute("type", "password")
        await expect(page.get_by_role("main").get_by_role("button", name=submit)).to_be_enabled()


async def test_every_page_for_who_is_signed_in_has_a_sign_out(visitor: Visitor) -> None:
    await visitor.sign_in("admin", ADMIN_PASSWORD)

    assert len(SIGNED_IN) > 7
    for path in SIGNED_IN:
        await visitor.goto(path)
        await expect(visitor.page.get_by_role("banner").get_by_role("button", name="Sign out")).to_be_visible()


async def test_browser_keeps_no_secret_and_nothing_personal(visitor: Visitor, somebody: Somebody) -> None:
    page = visitor.page
    await visitor.sign_in(somebody.username, somebody.password)
    await expect(page.locator("#device-list")).not_to_have_attribute("aria-busy", "true")
    await page.context.clear_cookies(name="gatepost_access")
    await visitor.goto("/boards")
    await expect(page.locator("[data-board]:visible")).to_have_count(2)

    kept = await page.evaluate(
        """async () => ({
             local: { ...localStorage }, session: { ...sessionStorage }, cookies: document.cookie,
             databases: (await indexedDB.databases()).length, caches: (await caches.keys()).length,
           })"""
    )

    assert visitor.refusals() == ["401"]
    # Two random marks, by which tabs distinguish one sign-in, and one refresh, from the next.
    marks = json.loads(kept["local"].pop(f"gatepost:{visitor.url}"))
    assert marks.keys() == {"signIn", "mark"}
    assert all(0 <= float(mark) < 1 for mark in marks.values())
    # Which way in was used last on this device, and not by whom.
    assert kept.pop("local") == {"gatepost:way": "password"}
    assert kept == {"session": {}, "cookies": "", "databases": 0, "caches": 0}
    # The tokens themselves cannot be read by scripts.
    tokens = [cookie for cookie in await page.context.cookies() if cookie["name"] != "gatepost_device"]
    assert {cookie["name"]: cookie["httpOnly"] for cookie in tokens} == {
        "gatepost_access": True,
        "gatepost_refresh": True,
    }


@pytest.mark.parametrize("keeps_pages", [True, False])
async def test_nothing_of_the_person_is_left_after_signing_out_and_going_back(
    server: GatepostServer, somebody: Somebody, keeps_pages: bool
) -> None:
    async with chromium(keeps_pages=keeps_pages) as browser:
        visitor = await visit(browser, server.url)
        page, other = visitor.page, await visitor.page.context.new_page()
        await visitor.sign_in(somebody.username, somebody.password)
        await expect(page.get_by_text(somebody.email).first).to_be_visible()
        await other.goto(f"{server.url}/account")
        await expect(other.get_by_text(somebody.email).first).to_be_visible()
        await page.evaluate("window.isThePageOfBefore = true")
        await page.get_by_role("banner").get_by_role("button", name="Sign out").click()
        await expect(page.get_by_role("status")).to_have_text("You are signed out.")

        assert somebody.email not in await page.content()
        # In another tab no less.
        await expect(other).to_have_url(f"{server.url}/sign-in?next=%2Faccount")
        assert somebody.email not in await other.content()
        await page.evaluate("history.back()")
        await expect(page).to_have_url(f"{server.url}/sign-in?next=%2Faccount")
        assert somebody.email not in await page.content()
        assert await page.evaluate("window.isThePageOfBefore") is None
        assert await page.evaluate("({...localStorage})") == {"gatepost:way": "password"}
        visitor.refusals()
        await visitor.leave()


async def test_answers_that_come_after_signing_out_are_written_nowhere(visitor: Visitor, somebody: Somebody) -> None:
    page, held = visitor.page, asyncio.Event()

    async def late(route: Route) -> None:
        answer = await route.fetch()
        await held.wait()
        await route.fulfill(response=answer)

    for path in ("sessions", "activity"):
        await page.route(re.compile(f"/api/.*{path}"), late)
    await visitor.sign_in(somebody.username, somebody.password)
    await expect(page.get_by_text(somebody.email).first).to_be_visible()
    await page.route("**/api/auth/signout", late)
    await page.get_by_role("banner").get_by_role("button", name="Sign out").click()
    await expect(page.locator("main")).to_be_empty()
    held.set()

    await expect(page.get_by_role("status")).to_have_text("You are signed out.")

    # An answer whose element is gone would be an error in the console, which `leave` reports.
    assert somebody.email not in await page.content()


async def test_sign_out_that_is_lost_shows_nothing_of_the_person_and_is_made_up_for(
    visitor: Visitor, somebody: Somebody
) -> None:
    page = visitor.page
    await visitor.sign_in(somebody.username, somebody.password)
    await expect(page.get_by_text(somebody.email).first).to_be_visible()
    await page.route("**/api/auth/signout", lambda route: route.abort())
    sign_out = page.get_by_role("banner").get_by_role("button", name="Sign out")

    await sign_out.click()

    await expect(page.get_by_role("heading", name="Signed out on this device")).to_be_focused()
    await expect(page.get_by_role("status")).to_contain_text("The service cannot be reached.")
    assert somebody.email not in await page.content()
    await page.unroute_all()
    # The next person finds nobody signed in, although the browser had the cookies until then.
    assert "gatepost_access" in {cookie["name"] for cookie in await page.context.cookies()}
    await page.reload()
    await expect(page).to_have_url(f"{visitor.url}/sign-in?next=%2Faccount")
    assert {cookie["name"] for cookie in await page.context.cookies()} == {"gatepost_device"}
    visitor.seen.errors[:] = [error for error in visitor.seen.errors if "ERR_FAILED" not in error]
