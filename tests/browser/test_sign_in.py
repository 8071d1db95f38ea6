"""Signing in, as a person does it."""

import pytest
from playwright.async_api import expect

from tests.browser.conftest import Somebody, Visitors
from tests.support.visitor import Visitor

pytestmark = pytest.mark.browser


async def test_wrong_password_is_told_in_the_form_and_read_out(visitor: Visitor, somebody: Somebody) -> None:
    page = visitor.page
    await visitor.goto("/sign-in")

    await page.get_by_label("User name or e-mail").fill(somebody.username)
    await page.get_by_label("Password", exact=True).fill("wrong horse")
    await page.get_by_role("main").get_by_role("button", name="Sign in").click()

    alert = page.get_by_role("alert")
    await expect(alert).to_have_text("The user name or the password is wrong.")
    await expect(alert).to_be_focused()
    assert visitor.refusals() == ["401"]


async def test_empty_fields_are_told_beside_them_and_nothing_is_sent(visitor: Visitor) -> None:
    page = visitor.page
    await visitor.goto("/sign-in")

    await page.get_by_role("main").get_by_role("button", name="Sign in").click()

    name = page.get_by_label("User name or e-mail")
    await expect(name).to_be_focused()
    await expect(name).to_have_attribute("aria-invalid", "true")
    await expect(name).to_have_accessible_description("Please fill this in.")
    assert not any("/api/" in url for url in visitor.seen.urls)


async def test_sign_in_speaks_german_to_who_reads_german(visitors: Visitors) -> None:
    visitor = await visitors(locale="de-AT")
    page = visitor.page
    await visitor.goto("/sign-in")

    await expect(page.get_by_role("heading", level=1)).to_have_text("Anmelden")
    assert await page.evaluate("document.documentElement.lang") == "de"

    await page.get_by_role("link", name="English").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
    await page.reload()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
