"""The pages that the service documents itself with, as a person meets them."""

from urllib.parse import urlsplit

import httpx
import pytest
from playwright.async_api import Locator, Page, expect

from tests.browser.conftest import ADMIN_PASSWORD
from tests.support.browser import watch
from tests.support.server import GatepostServer

pytestmark = pytest.mark.browser

METHODS = ("get", "post", "put", "patch", "delete")


async def test_docs_show_every_operation_and_ask_no_other_host(page: Page, server: GatepostServer) -> None:
    seen = watch(page)

    await page.goto(f"{server.url}/docs")

    await expect(page.locator(".opblock")).to_have_count(_operations(server))
    await page.wait_for_load_state("networkidle")
    assert seen.hosts == {urlsplit(server.url).netloc}
    assert seen.errors == []


async def test_redoc_shows_every_operation_and_asks_no_other_host(page: Page, server: GatepostServer) -> None:
    seen = watch(page)

    await page.goto(f"{server.url}/redoc")

    await expect(page.locator("[data-section-id^='operation/']")).to_have_count(_operations(server))
    await page.wait_for_load_state("networkidle")
    assert seen.hosts == {urlsplit(server.url).netloc}
    assert seen.errors == []


async def test_page_of_error_codes_leads_to_the_code_of_an_answer(page: Page, server: GatepostServer) -> None:
    refused = httpx.get(f"{server.url}/api/test/user", trust_env=False).json()
    seen = watch(page)

    await page.goto(f"{server.url}/errors#{urlsplit(refused['type']).fragment}")

    await expect(page.locator("tr:target code")).to_have_text(refused["code"])
    await expect(page.locator("tr:target")).to_be_in_viewport()
    assert seen.errors == []


async def test_admin_board_can_be_called_from_docs_after_authorize(page: Page, server: GatepostServer) -> None:
    seen = watch(page)
    await page.goto(f"{server.url}/docs")

    await _authorize(page, "admin", ADMIN_PASSWORD)
    board = await _execute(page, "adminBoard")

    await expect(board.locator(".live-responses-table tbody .response-col_status")).to_contain_text("200")
    await expect(board.locator(".live-responses-table .response-col_description pre").first).to_have_text(
        "Admin Content."
    )
    assert seen.hosts == {urlsplit(server.url).netloc}
    assert seen.errors == []


async def test_docs_keep_the_token_over_a_reload_and_the_password_nowhere(page: Page, server: GatepostServer) -> None:
    await page.goto(f"{server.url}/docs")
    await _authorize(page, "admin", ADMIN_PASSWORD)

    await page.reload()
    board = await _execute(page, "adminBoard")

    await expect(board.locator(".live-responses-table tbody .response-col_status")).to_contain_text("200")
    kept = await page.evaluate("JSON.stringify([{ ...localStorage }, { ...sessionStorage }])")
    assert ADMIN_PASSWORD not in kept
    assert await page.evaluate("[localStorage.length, sessionStorage.length]") == [0, 1]
    await page.locator(".btn.authorize").first.click()
    await page.locator(".modal-ux .auth-container button", has_text="Logout").first.click()
    assert await page.evaluate("sessionStorage.length") == 0


async def test_admin_board_is_refused_in_docs_without_authorize(page: Page, server: GatepostServer) -> None:
    await page.goto(f"{server.url}/docs")

    board = await _execute(page, "adminBoard")

    await expect(board.locator(".live-responses-table tbody .response-col_status")).to_contain_text("401")
    await expect(board.locator(".live-responses-table")).to_contain_text("token_missing")


async def test_authorize_with_a_wrong_password_says_so(page: Page, server: GatepostServer) -> None:
    await page.goto(f"{server.url}/docs")

    await _authorize(page, "admin", "wrong horse", closes=False)

    await expect(page.locator(".modal-ux .errors")).to_contain_text("Invalid username or password!")


async def test_authorize_offers_three_ways_and_starts_at_the_user_name(page: Page, server: GatepostServer) -> None:
    await page.goto(f"{server.url}/docs")

    await page.locator(".btn.authorize").click()

    headings = page.locator(".modal-ux .auth-container h4")
    await expect(headings.nth(0)).to_contain_text("password")
    await expect(headings.nth(1)).to_contain_text("bearer")
    await expect(headings.nth(2)).to_contain_text("x-access-token")
    await expect(page.locator("#oauth_username")).to_be_focused()
    # What a password grant without registered clients has no use for.
    await expect(page.locator("#client_id_password")).to_be_hidden()
    await expect(page.locator("#client_secret_password")).to_be_hidden()


async def test_examples_in_docs_can_be_executed_as_they_stand(page: Page, server: GatepostServer) -> None:
    await page.goto(f"{server.url}/docs")

    sign_up = await _execute(page, "signUp")
    await expect(sign_up.locator(".live-responses-table tbody .response-col_status")).to_contain_text("201")
    sign_in = await _execute(page, "signIn")

    await expect(sign_in.locator(".live-responses-table tbody .response-col_status")).to_contain_text("200")
    await expect(sign_in.locator(".live-responses-table")).to_contain_text("Abbey Salami")


async def _authorize(page: Page, username: str, password: str, *, closes: bool = True) -> None:
    await page.locator(".btn.authorize").click()
    await page.locator("#oauth_username").fill(username)
    await page.locator("#oauth_password").fill(password)
    await page.locator("#oauth_password").press("Enter")
    if closes:
        dialog = page.locator(".modal-ux")
        await expect(dialog.locator(".auth-container").first).to_contain_text("Logout")
        await dialog.locator(".btn-done").first.click()


async def _execute(page: Page, operation_id: str) -> Locator:
    block = page.locator(f".opblock[id$='-{operation_id}']")
    await block.locator(".opblock-summary-control").click()
    await block.locator(".execute").click()
    return block


def _operations(server: GatepostServer) -> int:
    paths = httpx.get(f"{server.url}/openapi.json", trust_env=False).json()["paths"]
    return sum(method in METHODS for path in paths.values() for method in path)
