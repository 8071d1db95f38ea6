"""Forms whose script is late, blocked or never comes, and errors that a browser navigates into."""

import re

import pytest
from playwright.async_api import Page, Route, expect

from tests.browser.conftest import Visitors
from tests.support.visitor import Visitor

pytestmark = pytest.mark.browser

TYPED = "correct horse battery"
FORMS = (
    "/sign-in",
    "/sign-up",
    "/forgot-password",
    "/set-password#token=x",
    "/verify-email#token=x&sign-up",
    "/invitation#token=x",
    "/sign-in-link#token=x",
    "/not-me#token=x",
    "/account",
    "/admin/people/1",
    "/admin/roles",
    "/admin/invitations",
    "/admin/audit",
)
SUBMIT_FIRST = """() => {
  for (const form of document.forms) if (form.method !== "dialog" && form.querySelector("[data-fields]")) {
    for (const input of form.elements) if (input.matches("input:not([type=checkbox])")) input.value = "secret horse";
    form.requestSubmit();
    return true;
  }
}"""


async def test_without_scripts_no_form_can_be_sent_and_the_page_says_so_in_its_language(visitors: Visitors) -> None:
    words = {"en-GB": "This page needs JavaScript.", "de-AT": "Diese Seite braucht JavaScript."}
    for locale, said in words.items():
        visitor = await visitors(locale=locale, java_script_enabled=False)
        for path in FORMS:
            answer = await visitor.page.goto(visitor.url + path)
            # Chromium shows <noscript> where scripts are off for good, but not where a test turns them off.
            assert answer
            assert re.search(rf"<noscript>.*{said}.*</noscript>", await answer.text())
            for form in await visitor.page.locator("form:has([data-fields])").all():
                assert await form.get_attribute("method") == "post", path
                fields = form.locator("input, button, select, textarea")
                assert await fields.evaluate_all("(fields) => fields.every((one) => one.matches(':disabled'))"), path


async def test_form_whose_script_does_not_come_stays_closed_and_says_so_after_a_while(visitor: Visitor) -> None:
    page = visitor.page

    async def block(route: Route) -> None:
        await route.abort()

    await page.route("**/js/*.js", block)
    for path in FORMS:
        await visitor.goto(path)
        if path == "/sign-in":
            await expect(page.locator("[data-late]")).to_be_visible()
        assert await page.evaluate(SUBMIT_FIRST), path
        await expect(page.get_by_role("heading", level=1)).to_have_text("This did not work")
        assert not any("secret" in url for url in visitor.seen.urls)
    await page.goto("about:blank")
    visitor.seen.errors.clear()


async def test_form_works_while_it_is_not_known_who_is_there(visitor: Visitor) -> None:
    page = visitor.page
    await page.context.add_cookies([{"name": "gatepost_access", "value": "x", "url": visitor.url}])
    held: list[Route] = []

    async def hold(route: Route) -> None:
        held.append(route)

    await page.route("**/api/users/me", hold)
    await visitor.goto("/sign-in")

    await expect(page.locator("#sign-in [name=username]")).to_be_focused()
    await page.get_by_role("main").get_by_role("button", name="Sign in").click()
    await expect(page.locator("#sign-in [name=username]")).to_have_accessible_description("Please fill this in.")
    await held[0].abort()
    await expect(page.locator("#toasts")).to_contain_text("The service cannot be reached.")
    visitor.seen.errors.clear()


async def test_form_that_a_browser_sends_by_itself_shows_a_page_and_no_secret(visitor: Visitor) -> None:
    page = visitor.page
    await visitor.goto("/sign-in")
    await page.locator("#sign-in [name=username]").fill("Abbey")
    await page.locator("#sign-in [name=password]").fill(TYPED)

    await page.evaluate("document.getElementById('sign-in').submit()")

    await expect(page.get_by_role("heading", level=1)).to_have_text("This did not work")
    assert page.url == f"{visitor.url}/sign-in"
    assert TYPED not in await page.content()
    await page.get_by_role("button", name="Back").click()
    await expect(page.locator("#sign-in [name=username]")).to_be_editable()
    assert visitor.refusals() == ["405"]


async def test_errors_are_pages_that_fit_and_keep_nobody_out(visitors: Visitors) -> None:
    for options in (
        {"color_scheme": "light"},
        {"color_scheme": "dark", "locale": "de-AT"},
        {"viewport": {"width": 360, "height": 740}, "locale": "de-AT"},
    ):
        visitor = await visitors(**options)
        for path in ("/nothing", "/api/auth/signin", "/api/users/me", "/nothing/" + "x" * 4000):
            await visitor.goto(path)
            await expect(visitor.page.locator("h1")).to_be_visible()
            assert await visitor.fits(), path
            assert await visitor.findings() == [], path
        assert visitor.refusals() == ["404", "405", "401", "404"]


async def test_error_page_leads_on_by_keyboard(visitor: Visitor) -> None:
    page = visitor.page
    await visitor.goto("/nothing")

    await reach(page, "Sign in")
    await page.keyboard.press("Enter")

    await expect(page).to_have_url(f"{visitor.url}/sign-in")
    assert visitor.refusals() == ["404"]


async def reach(page: Page, name: str) -> None:
    """Press Tab until the focus is on a link with this name."""
    link = page.get_by_role("main").get_by_role("link", name=name)
    for _ in range(20):
        await page.keyboard.press("Tab")
        if await link.evaluate("(element) => element === document.activeElement"):
            return
    raise AssertionError(f"Tab never comes to {name}")
