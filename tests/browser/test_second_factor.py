"""A second factor, from setting it up to removing it, as a person does it."""

import base64
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, Route, expect

from gatepost.identity.credentials.totp.codes import code_at, step_at
from tests.browser.conftest import Somebody, Visitors
from tests.browser.test_accessibility import LOOKS
from tests.support.api import PASSWORD
from tests.support.visitor import Visitor

pytestmark = pytest.mark.browser

# An answer of a sign-in that goes on; the codes are for the page alone.
PENDING = {
    "code": "second_factor_required", "status": 401, "title": "Second factor required", "message": "…", "errors": [],
    "pendingToken": "gpq_x", "methods": ["totp", "recovery_code"], "expiresIn": 600,
}  # fmt: skip


def code_of(secret: str, *, away: int = 0) -> str:
    """Return the code that an app shows now, or so many steps later, written as apps do."""
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    code = code_at(key, step_at(datetime.now(UTC)) + away)
    return f"{code[:3]} {code[3:]}"


async def set_up(page: Page, *, press: str = "Set up: Authenticator app") -> tuple[str, list[str]]:
    """Set an app up on the account page, and keep the codes; return the secret and the codes."""
    await page.get_by_role("button", name=press).click()
    row = page.locator("#totp")
    await row.locator("#totp-form [name=currentPassword]").fill(PASSWORD)
    await page.keyboard.press("Enter")
    await expect(row.locator("[data-qr] svg")).to_be_visible()
    await expect(row.locator("[name=code]")).to_be_focused()
    secret = (await row.locator("[data-secret]").inner_text()).replace(" ", "")
    assert f"secret={secret}" in str(await row.locator("[data-otpauth]").get_attribute("href"))
    await page.keyboard.type(code_of(secret))
    await page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    await expect(dialog.locator("[data-codes] li")).to_have_count(10)
    return secret, await dialog.locator("[data-codes] li").all_inner_texts()


async def give_password(visitor: Visitor, somebody: Somebody, path: str = "/sign-in") -> None:
    """Sign in by the page, up to the code."""
    await visitor.goto(path)
    await visitor.page.locator("#sign-in [name=username]").fill(somebody.username)
    await visitor.page.locator("#sign-in [name=password]").fill(somebody.password)
    await visitor.page.locator("#sign-in [name=password]").press("Enter")
    await expect(visitor.page.locator("#second-factor [name=code]:visible")).to_be_focused()


async def sign_out(page: Page) -> None:
    """Sign out by the page, once its script is there."""
    await page.wait_for_load_state("networkidle")
    await page.locator("[data-sign-out]").click()
    await expect(page).to_have_url(re.compile(r"/sign-in$"))


async def test_app_is_set_up_signs_in_and_is_removed(visitor: Visitor, verified: Somebody, tmp_path: Path) -> None:
    page = visitor.page
    await visitor.sign_in(verified.username, verified.password)
    await expect(page.locator("[data-totp]")).to_have_text("Off")
    await expect(page.locator("#recovery")).to_be_hidden()

    secret, codes = await set_up(page)
    dialog = page.get_by_role("dialog", name="Recovery codes")
    # Only confirming that they are kept ends it.
    for _ in range(2):
        await page.keyboard.press("Escape")
    await expect(dialog).to_be_visible()
    async with page.expect_download() as download:
        await dialog.get_by_role("button", name="Save as a file").click()
    await (await download.value).save_as(tmp_path / "codes.txt")
    kept = (tmp_path / "codes.txt").read_text()
    assert kept.startswith(f"Recovery codes of {verified.username} at Gatepost")
    assert kept.split("\n\n")[1].split() == codes
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await dialog.get_by_role("button", name="Copy").click()
    await expect(dialog.get_by_role("status")).to_have_text("Copied.")
    assert await page.evaluate("navigator.clipboard.readText()") == kept
    await page.emulate_media(media="print")
    await expect(dialog.get_by_text(codes[9])).to_be_visible()
    await expect(dialog.get_by_text(f"Recovery codes of {verified.username} at Gatepost")).to_be_visible()
    await expect(page.locator("button:visible")).to_have_count(0)
    await page.emulate_media(media="screen")
    await dialog.get_by_role("button", name="I have kept them").click()
    await expect(page.get_by_role("button", name="Remove: Authenticator app")).to_be_focused()
    await expect(page.locator("[data-totp]")).to_contain_text("On since")
    await expect(page.locator("[data-recovery]")).to_contain_text("10 of 10 left, made on")

    # By keyboard alone, to where the person was going.
    await sign_out(page)
    await give_password(visitor, verified, "/sign-in?next=/boards")
    await page.keyboard.type(code_of(secret, away=1))
    await page.keyboard.press("Enter")
    await expect(page).to_have_url(f"{visitor.url}/boards")

    await sign_out(page)
    await give_password(visitor, verified)
    await page.keyboard.type("000 000")
    await page.keyboard.press("Enter")
    field = page.locator("#second-totp-code")
    await expect(field).to_be_focused()
    await expect(field).to_have_accessible_description(re.compile("This code is wrong, or it was already used"))
    await page.get_by_role("button", name="Use a recovery code instead").press("Enter")
    await expect(page.get_by_label("Recovery code", exact=True)).to_be_focused()
    await page.keyboard.type(f" {codes[0].lower()} ")
    await page.keyboard.press("Enter")
    await expect(page).to_have_url(f"{visitor.url}/account")
    await expect(page.locator("[data-recovery]")).to_contain_text("9 of 10 left")
    await expect(page.locator("#activity-list")).to_contain_text("Recovery code used")

    # Who has shown the second factor just now is asked for no password.
    await page.get_by_role("button", name="Replace: Recovery codes").click()
    await expect(page.get_by_role("button", name="Make new codes")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(dialog.locator("li")).to_have_count(10)
    assert not set(codes) & set(await dialog.locator("li").all_inner_texts())
    await dialog.get_by_role("button", name="I have kept them").click()

    await page.get_by_role("button", name="Remove: Authenticator app").click()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("button", name="Set up: Authenticator app")).to_be_focused()
    await expect(page.locator("#recovery")).to_be_hidden()
    await sign_out(page)
    await visitor.sign_in(verified.username, verified.password)
    assert visitor.refusals() == ["401", "401", "401"]


async def test_set_up_that_is_given_up_leaves_no_secret(visitor: Visitor, verified: Somebody) -> None:
    page = visitor.page
    await visitor.sign_in(verified.username, verified.password)
    await page.get_by_role("button", name="Set up: Authenticator app").click()
    await page.locator("#totp-form [name=currentPassword]").fill(verified.password)
    await page.keyboard.press("Enter")
    code = page.locator("#totp-confirm-form [name=code]")
    await code.fill("000000")
    await page.keyboard.press("Enter")
    await expect(code).to_have_accessible_description(re.compile("This code is wrong"))
    await page.keyboard.press("Escape")

    await expect(page.get_by_role("button", name="Set up: Authenticator app")).to_be_focused()
    assert await page.locator("[data-secret]").text_content() == ""
    await expect(page.locator("[data-qr] svg")).to_have_count(0)
    await page.keyboard.press("Enter")
    await expect(page.locator("#totp-form [name=currentPassword]")).to_be_focused()
    await sign_out(page)
    await visitor.sign_in(verified.username, verified.password)
    assert visitor.refusals() == ["403"]


async def test_waits_and_expired_attempts_are_told(visitor: Visitor, somebody: Somebody) -> None:
    page = visitor.page
    await page.route("**/api/auth/signin?*", partial(Route.fulfill, status=401, json=PENDING))
    await give_password(visitor, somebody)
    going_on = "**/api/auth/signin/continue*"
    await page.route(going_on, partial(Route.fulfill, status=429, headers={"Retry-After": "86400"}))

    await page.keyboard.type("123456")
    await page.keyboard.press("Enter")
    alert, submit = page.get_by_role("alert"), page.locator("#second-factor .primary")
    await expect(alert.locator(".visually-hidden")).to_contain_text("Please try again in 24 hours.")
    await expect(alert.locator(".countdown")).to_contain_text("23:59:")
    # Another code makes the wait no shorter.
    await page.locator("#second-totp-code").fill("654321")
    await page.get_by_role("button", name="Use a recovery code instead").click()
    await page.locator("#second-recovery-code").fill("7KQ2M-XW9TB")
    await expect(submit).to_have_attribute("aria-disabled", "true")
    await page.get_by_role("button", name="Start again").click()
    await expect(page.locator("#sign-in [name=password]")).to_be_focused()
    await expect(page.locator("#sign-in [name=password]")).to_have_value("")
    await page.unroute(going_on)
    assert visitor.refusals() == ["401", "429"]

    await visitor.goto("/sign-in")
    await give_password(visitor, somebody)
    await page.keyboard.type("123456")
    await page.keyboard.press("Enter")
    await expect(alert).to_have_text("This sign-in has expired. Please start again.")
    await expect(page.locator("#sign-in [name=username]")).to_have_value(somebody.username)
    await expect(page.locator("#second-factor")).to_be_hidden()
    assert visitor.refusals() == ["401", "401"]


@pytest.mark.parametrize("look", LOOKS)
async def test_second_factor_keeps_nobody_out(visitors: Visitors, verified: Somebody, look: str) -> None:
    options: dict[str, Any] = LOOKS[look]
    visitor = await visitors(**options, reduced_motion="reduce")
    page = visitor.page
    findings: dict[str, list[str]] = {}

    async def check(name: str) -> None:
        if found := await visitor.findings():
            findings[name] = found
        if not await visitor.fits():
            findings[f"{name} is too wide"] = []

    press = "Set up: Authenticator app" if look == "light" else "Einrichten: Authenticator-App"
    await visitor.sign_in(verified.username, verified.password)
    await page.get_by_role("button", name=press).click()
    await page.locator("#totp-form [name=currentPassword]").fill(verified.password)
    await page.keyboard.press("Enter")
    await expect(page.locator("[data-qr] svg")).to_be_visible()
    await check("set-up")
    await page.keyboard.press("Escape")
    await set_up(page, press=press)
    await check("recovery codes")
    await page.locator("#recovery-codes .primary").click()
    await expect(page.locator("#recovery-codes li")).to_have_count(0)
    left = "all => all.filter((one) => one.onclick).length"
    assert await page.locator("[data-copy-codes], [data-save-codes]").evaluate_all(left) == 0
    await expect(page.locator("#recovery")).to_be_visible()
    await check("account")
    await page.locator("[data-menu]").click() if look == "phone" else None
    await sign_out(page)
    await give_password(visitor, verified)
    await check("code")
    await page.locator("[data-use=recovery_code]").click()
    await check("recovery code")

    assert findings == {}
    assert visitor.refusals() == ["401"]


async def signed_in_long_ago(page: Page, path: str, methods: Sequence[str] = ("totp", "recovery_code")) -> None:
    """Let the next call of a path be refused, as if the last proof of identity was too old."""
    refusal = {
        "code": "step_up_required", "status": 401, "title": "Step-up required", "message": "…", "errors": [],
        "maxAge": 300, "methods": list(methods),
    }  # fmt: skip
    await page.route(path, partial(Route.fulfill, status=401, json=refusal), times=1)


async def test_fresh_proof_is_asked_for_in_a_dialog_and_the_page_goes_on(visitor: Visitor, verified: Somebody) -> None:
    page = visitor.page
    await visitor.sign_in(verified.username, verified.password)
    _, codes = await set_up(page)
    await page.get_by_role("button", name="I have kept them").click()
    dialog = page.get_by_role("dialog", name="Confirm that it is you")
    remove = page.get_by_role("button", name="Remove: Authenticator app")

    # Whoever does not confirm it is told, and nothing happens.
    await signed_in_long_ago(page, "**/api/users/me/totp")
    await remove.click()
    await page.keyboard.press("Enter")
    await expect(dialog.get_by_label("Six-digit code")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(dialog).to_be_hidden()
    await expect(page.locator("#totp-remove-form").get_by_role("alert")).to_have_text("Please confirm that it is you.")

    await signed_in_long_ago(page, "**/api/users/me/totp")
    await page.locator("#totp-remove-form .danger.button").click()
    await expect(dialog.get_by_label("Six-digit code")).to_be_focused()
    await page.keyboard.type("000000")
    await page.keyboard.press("Enter")
    await expect(dialog.get_by_label("Six-digit code")).to_have_accessible_description(re.compile("This code is wrong"))
    await dialog.get_by_role("button", name="Use a recovery code instead").click()
    await page.keyboard.type(codes[1])
    await page.keyboard.press("Enter")

    await expect(dialog).to_be_hidden()
    await expect(page.locator("[data-totp]")).to_have_text("Off")
    assert visitor.refusals() == ["401", "401", "401"]


async def test_device_that_is_trusted_is_asked_for_no_code_until_it_is_not(
    visitor: Visitor, verified: Somebody
) -> None:
    page = visitor.page
    await visitor.sign_in(verified.username, verified.password)
    secret, _ = await set_up(page)
    await page.get_by_role("button", name="I have kept them").click()
    await sign_out(page)
    await give_password(visitor, verified)
    await page.get_by_label("Trust this device").check()
    await page.locator("#second-totp-code").fill(code_of(secret, away=1))
    await page.keyboard.press("Enter")
    await expect(page).to_have_url(f"{visitor.url}/account")
    await sign_out(page)

    await visitor.sign_in(verified.username, verified.password)

    await expect(page.locator("#trusted-list li")).to_have_count(1)
    await expect(page.locator("#trusted-list")).to_contain_text("This device")
    await page.get_by_role("button", name=re.compile("^Stop trusting ")).click()
    await expect(page.locator("[data-trusted]")).to_be_hidden()
    await expect(page.locator("#devices-title")).to_be_focused()
    await sign_out(page)
    await give_password(visitor, verified)
    assert visitor.refusals() == ["401", "401"]


async def test_address_of_the_app_s_row_opens_it_once_it_is_there(visitor: Visitor, somebody: Somebody) -> None:
    await visitor.sign_in(somebody.username, somebody.password)
    await visitor.page.goto("about:blank")
    await visitor.goto("/account#totp")

    row = visitor.page.locator("#totp")
    await expect(row.locator("#totp-form [name=currentPassword]")).to_be_focused()
    await expect(row).to_be_in_viewport(ratio=1)
    await expect(visitor.page.locator(".side [aria-current]")).to_have_text("Authenticator app")
