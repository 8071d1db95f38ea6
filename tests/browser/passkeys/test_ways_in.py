"""Signing up and in with a passkey, as a person does it, with Chromium's own authenticator."""

import re

import httpx
import pytest
from playwright.async_api import Browser, expect

from tests.browser.conftest import Somebody, Visitors, mailed_link
from tests.browser.passkeys.conftest import URL, add_passkey, give_password, keep_codes, new_names, sign_up
from tests.browser.test_second_factor import sign_out
from tests.support.api import PASSWORD
from tests.support.authenticators import authenticator
from tests.support.server import GatepostServer
from tests.support.smtp import SmtpServer
from tests.support.visitor import Visitor, visit

pytestmark = pytest.mark.browser


async def test_account_is_made_with_a_passkey_which_then_signs_in(visitor: Visitor) -> None:
    page = visitor.page
    device = await authenticator(page)
    # What is missing is said, but of no password.
    await visitor.goto("/sign-up")
    await page.get_by_role("button", name="Sign up with a passkey").press("Enter")
    await expect(page.locator("[aria-invalid=true]")).to_have_count(2)
    await expect(page.locator("#sign-up [name=username]")).to_be_focused()
    await page.get_by_role("button", name="Use a password instead").press("Enter")
    await expect(page.locator("#sign-up [name=password]")).to_be_focused()
    name, _, codes = await sign_up(visitor)

    assert len(set(codes)) == 10
    [passkey] = await device.credentials()
    assert (passkey["rpId"], passkey["userName"], passkey["isResidentCredential"]) == ("localhost", name, True)
    await expect(page.locator("[data-no-password]")).to_have_text("None: you sign in with a passkey")
    await expect(page.locator("[data-passkey-count]")).to_have_text("1 passkey")
    await expect(page.locator("[data-recovery]")).to_contain_text("10 of 10 left")

    await sign_out(page)
    await page.get_by_role("button", name="Sign in with a passkey").press("Enter")
    await expect(page).to_have_url(f"{URL}/account")
    await expect(page.locator("[data-name]")).to_have_text(name)
    # A name that is taken leaves no passkey behind.
    await sign_out(page)
    await visitor.goto("/sign-up")
    await page.locator("#sign-up [name=username]").fill(name)
    await page.locator("#sign-up [name=email]").fill("elsewhere@example.com")
    await page.locator("[data-passkey]").click()
    field = page.locator("#sign-up [name=username]")
    await expect(field).to_have_accessible_description(re.compile("This user name is already taken"))
    assert [one["credentialId"] for one in await device.credentials()] == [passkey["credentialId"]]
    assert visitor.refusals() == ["400"]


async def test_invitation_is_accepted_with_a_passkey(
    visitor: Visitor, root: httpx.AsyncClient, mailbox: SmtpServer
) -> None:
    page = visitor.page
    device = await authenticator(page)
    name, email = new_names()
    invited = await root.post("/api/admin/invitations", json={"email": email, "roles": ["moderator"]})
    assert invited.status_code == 201, invited.text
    await visitor.goto(await mailed_link(mailbox, to=email, path="/invitation"))
    await expect(page.locator("[name=email]")).to_have_value(email)
    await page.locator("[name=username]").fill(name)

    await page.get_by_role("button", name="Sign up with a passkey").click()

    await keep_codes(page)
    await expect(page.locator("[data-roles]")).to_contain_text("moderator")
    await expect(page.locator("[data-no-password]")).to_be_visible()
    assert [passkey["userName"] for passkey in await device.credentials()] == [name]


async def test_field_of_the_user_name_offers_passkeys(visitors: Visitors) -> None:
    visitor = await visitors(autofill=True)
    page = visitor.page
    device = await authenticator(page)
    name, _, _ = await sign_up(visitor)
    await device.be_there(is_there=False)
    await sign_out(page)
    field = page.locator("#sign-in [name=username]")
    await expect(field).to_have_attribute("autocomplete", "username webauthn")
    await page.add_init_script("""
      window.asked = [];
      const get = navigator.credentials.get.bind(navigator.credentials);
      navigator.credentials.get = (options) => {
        asked.push([options.mediation ?? null, options.publicKey.allowCredentials?.length ?? 0]);
        return get(options);
      };
    """)

    # What the field offers waits, and makes room for the button.
    await visitor.goto("/sign-in?next=/boards")
    await page.wait_for_function("() => asked.length === 1")
    await page.get_by_role("button", name="Sign in with a passkey").click()
    await page.wait_for_function("() => asked.length === 2")
    assert await page.evaluate("asked") == [["conditional", 0], [None, 0]]

    await device.be_there(is_there=True)
    await visitor.goto("/sign-in?next=/boards")
    await expect(page).to_have_url(f"{URL}/boards")
    await visitor.goto("/account")
    await expect(page.locator("[data-name]")).to_have_text(name)


async def test_whoever_is_not_verified_does_not_get_in(visitor: Visitor) -> None:
    page = visitor.page
    device = await authenticator(page)
    await sign_up(visitor)
    await sign_out(page)
    await device.verify(is_verified=False)

    await page.get_by_role("button", name="Sign in with a passkey").click()

    await expect(page.get_by_role("alert")).to_contain_text("No passkey was used.")
    assert visitor.refusals() == []
    assert len(await device.credentials()) == 1


async def test_nothing_is_offered_where_passkeys_are_not_good(
    home: Browser, visitors: Visitors, server: GatepostServer, verified: Somebody
) -> None:
    elsewhere = await visit(home, server.url)
    without = await visitors()
    await without.page.add_init_script("delete window.PublicKeyCredential")
    for visitor in (elsewhere, without):
        page = visitor.page
        for path in ("/sign-in", "/sign-up"):
            await visitor.goto(path)
            await page.wait_for_load_state("networkidle")
            await expect(page.locator("[data-passkey]")).to_be_hidden()
        await visitor.sign_in(verified.username, verified.password)
        await expect(page.locator("#totp [data-open-row]:visible")).to_have_count(1)
        await expect(page.locator("#passkeys")).to_be_hidden()
    await elsewhere.leave()

    # Whoever has one shows another factor there, and still sees it.
    visitor = await visitors()
    await authenticator(visitor.page)
    await visitor.sign_in(verified.username, verified.password)
    await add_passkey(visitor.page, name="At home", password=PASSWORD)
    codes = await keep_codes(visitor.page)
    page = without.page
    await give_password(without, verified)
    await expect(page.get_by_role("button", name="Use a passkey instead")).to_be_hidden()
    await page.get_by_role("textbox", name="Recovery code").fill(codes[0])
    await page.keyboard.press("Enter")
    await page.get_by_role("button", name="Manage: Passkeys").click()
    await expect(page.locator("#passkey-list")).to_contain_text("At home")
    await expect(page.locator("#passkey-form")).to_be_hidden()
    await page.locator("#passkeys").get_by_role("button", name="Close").click()
    await expect(page.get_by_role("button", name="Manage: Passkeys")).to_be_focused()
    assert "401" in without.refusals()


async def test_link_asks_for_the_passkey_of_its_account(visitor: Visitor, mailbox: SmtpServer) -> None:
    page = visitor.page
    await authenticator(page)
    _, email, _ = await sign_up(visitor)
    await sign_out(page)
    await visitor.goto(await mailed_link(mailbox, to=email, path="/verify-email"))
    await page.get_by_role("button", name="Verify").click()
    await expect(page.get_by_text("Confirm with your passkey.")).to_be_visible()
    await expect(page.get_by_label("Password", exact=True)).to_be_hidden()

    await page.get_by_role("button", name="Verify").click()

    await expect(page.get_by_text("Your e-mail address is verified.")).to_be_visible()
    assert visitor.refusals() == ["400"]
