"""Signing up, and the boards that a role opens."""

import re

import pytest
from playwright.async_api import expect

from tests.browser.conftest import ADMIN_PASSWORD, Somebody
from tests.support.visitor import Visitor

pytestmark = pytest.mark.browser


async def test_newcomer_finds_the_way_from_the_start_page_into_an_account(visitor: Visitor, somebody: Somebody) -> None:
    page = visitor.page
    await visitor.goto("/")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Welcome to Gatepost")
    await page.get_by_role("link", name="Create an account").click()

    form = page.locator("#sign-up")
    name, email = form.get_by_label("User name"), form.get_by_label("E-mail address")
    await name.fill(f"{somebody.username} Newcomer")
    await email.fill("not an address")
    await page.get_by_label("Password", exact=True).fill("correct horse")
    await page.get_by_role("button", name="Create the account").click()
    await expect(email).to_have_accessible_description("This is not an e-mail address.")
    await email.fill(somebody.email)
    await page.get_by_role("button", name="Create the account").click()
    await expect(email).to_have_accessible_description("This e-mail address already has an account.")
    await expect(email).to_be_focused()
    await email.fill(f"newcomer.{somebody.email}")
    await page.get_by_role("button", name="Create the account").click()

    await expect(page.get_by_role("heading", level=1)).to_have_text("Your account")
    await expect(page.get_by_text("Not verified yet")).to_be_visible()
    assert visitor.refusals() == ["400"]


async def test_boards_open_by_role(visitor: Visitor, somebody: Somebody) -> None:
    boards = visitor.page.locator("[data-board]:visible [data-content]")
    await visitor.goto("/boards")
    await expect(boards).to_have_text(["Public Content."])

    await visitor.page.get_by_role("main").get_by_role("link", name="Sign in").click()
    await expect(visitor.page).to_have_url(re.compile("/sign-in"))
    await visitor.sign_in(somebody.username, somebody.password)
    await visitor.goto("/boards")
    await expect(boards).to_have_text(["Public Content.", "User Content."])
    await visitor.page.get_by_role("button", name="Sign out").click()
    await expect(visitor.page.get_by_role("status")).to_have_text("You are signed out.")

    await visitor.sign_in("admin", ADMIN_PASSWORD)
    await visitor.goto("/boards")
    await expect(boards).to_have_text(["Public Content.", "User Content.", "Admin Content."])
