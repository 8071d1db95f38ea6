"""The pages that links in mails open: each asks for a click, and only that uses the token up."""

import httpx
import pytest
from playwright.async_api import expect

from tests.browser.conftest import ADMIN_PASSWORD, Somebody, Visitors, mailed_link
from tests.support.server import GatepostServer
from tests.support.smtp import SmtpServer
from tests.support.visitor import Visitor

pytestmark = pytest.mark.browser

NEW = "another horse"


async def test_address_is_confirmed_by_a_click_and_not_by_opening(
    visitor: Visitor, somebody: Somebody, mailbox: SmtpServer
) -> None:
    page = visitor.page
    link = await mailed_link(mailbox, to=somebody.email, path="/verify-email")
    await visitor.sign_in(somebody.username, somebody.password)

    await visitor.goto(link)
    await page.reload()
    await page.get_by_role("button", name="Verify").click()

    await expect(page.get_by_text("Your e-mail address is verified.")).to_be_visible()
    assert not any("gpt_" in url for url in visitor.seen.urls)
    assert "gpt_" not in page.url

    await visitor.goto("/welcome")
    await visitor.goto(link)
    await page.get_by_role("button", name="Verify").click()
    await expect(page.get_by_text("Your e-mail address is already verified.")).to_be_visible()
    await expect(page.locator("[data-done]")).to_be_focused()

    await visitor.goto("/welcome")
    await visitor.goto(f"{link}x")
    await page.get_by_role("button", name="Verify").click()
    await expect(page.get_by_role("alert")).to_have_text("This link is no longer valid. Please request a new one.")
    await expect(page.get_by_role("alert")).to_be_focused()
    await expect(page.get_by_role("button", name="Send a new link")).to_be_visible()
    # Nothing that would fail again.
    await expect(page.get_by_role("button", name="Verify")).to_be_hidden()
    assert visitor.refusals() == ["400", "400"]


async def test_link_asks_whose_the_account_is_where_nobody_is_signed_in(
    visitor: Visitor, somebody: Somebody, mailbox: SmtpServer
) -> None:
    page = visitor.page
    await visitor.goto(await mailed_link(mailbox, to=somebody.email, path="/verify-email"))
    password = page.get_by_label("Password", exact=True)
    await expect(password).to_be_hidden()
    await page.get_by_role("button", name="Verify").click()
    await expect(password).to_be_focused()
    await expect(page.get_by_text("Is this account yours?")).to_be_visible()
    assert await visitor.findings() == []
    await password.fill("a guess")
    await password.press("Enter")
    await expect(page.locator("#verify-password-error")).to_contain_text("does not belong to this sign-up")
    await password.fill(somebody.password)
    await password.press("Enter")

    await expect(page.get_by_text("Your e-mail address is verified.")).to_be_visible()
    assert visitor.refusals() == ["400", "403"]


async def test_whoever_has_not_signed_up_says_so(visitor: Visitor, somebody: Somebody, mailbox: SmtpServer) -> None:
    page = visitor.page
    await visitor.goto(await mailed_link(mailbox, to=somebody.email, path="/verify-email"))
    await page.get_by_role("button", name="Verify").click()
    await page.get_by_role("button", name="This was not me").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog).to_contain_text("nobody can sign in to it")
    assert await visitor.findings() == []
    await dialog.get_by_role("button", name="This was not me").click()

    await expect(page.locator("[data-done]")).to_contain_text("Your e-mail address is not verified.")
    await expect(page.locator("[data-done]")).to_be_focused()
    await visitor.goto("/sign-in")
    await page.locator("#sign-in [name=username]").fill(somebody.username)
    await page.locator("#sign-in [name=password]").fill(somebody.password)
    await page.locator("#sign-in [name=password]").press("Enter")
    await expect(page.get_by_role("alert")).to_be_visible()
    assert visitor.refusals() == ["400", "401"]


async def test_link_for_an_account_without_a_password_asks_its_owner_to_sign_in(
    visitor: Visitor, server: GatepostServer, mailbox: SmtpServer
) -> None:
    page, email, new = visitor.page, "by.code@example.com", "victim@example.com"
    async with httpx.AsyncClient(base_url=server.url, trust_env=False) as client:
        await client.post("/api/auth/email-code", json={"email": email})
        token = (await mailed_link(mailbox, to=email, path="/sign-in-link")).partition("token=")[2]
        made = await client.post("/api/auth/email-code/signin", json={"token": token, "elsewhere": True})
        headers = {"Authorization": f"Bearer {made.json()['accessToken']}"}
        await client.post("/api/auth/email/change", json={"email": new}, headers=headers)

    await visitor.goto(await mailed_link(mailbox, to=new, path="/verify-email"))
    await page.get_by_role("button", name="Verify").click()

    await expect(page.get_by_role("alert")).to_contain_text("sign in to it in this browser")
    assert await visitor.findings() == []
    await page.get_by_role("button", name="Verify").click()
    await expect(page.get_by_role("alert")).to_contain_text("sign in to it in this browser")
    await page.get_by_role("button", name="This was not me").click()
    await page.get_by_role("dialog").get_by_role("button", name="This was not me").click()
    await expect(page.locator("[data-done]")).to_contain_text("Your e-mail address is not verified.")
    assert visitor.refusals() == ["400", "400"]


async def test_password_is_reset_by_the_link_in_the_mail(
    visitor: Visitor, somebody: Somebody, mailbox: SmtpServer
) -> None:
    page = visitor.page
    await visitor.goto("/sign-in")
    await page.get_by_role("link", name="Forgot your password?").click()
    await page.get_by_label("E-mail address").fill(somebody.email)
    await page.get_by_role("button", name="Send the link").click()
    await expect(page.locator("[data-done]")).to_contain_text(f"If {somebody.email} has an account")
    await expect(page.locator("[data-done]")).to_be_focused()

    link = await mailed_link(mailbox, to=somebody.email, path="/set-password")
    await visitor.goto(link)
    password = page.get_by_label("New password", exact=True)
    await password.fill("short")
    await page.get_by_role("button", name="Save the password").click()
    await expect(password).to_be_focused()
    await expect(password).to_have_accessible_description(
        "At least 6 characters. A whole sentence is a good choice. The password needs at least 6 characters."
    )
    assert visitor.refusals() == ["422"]
    await password.fill(NEW)
    await page.get_by_role("button", name="Save the password").click()

    await expect(page.get_by_text("Your password has been set.")).to_be_visible()
    await visitor.sign_in(somebody.username, NEW)

    await visitor.goto(link)
    await password.fill(NEW)
    await page.get_by_role("button", name="Save the password").click()
    await expect(page.get_by_role("alert")).to_have_text("This link is no longer valid. Please request a new one.")
    await expect(page.locator("main .card form")).to_be_hidden()
    await expect(page.get_by_role("link", name="Request a new link")).to_be_visible()
    assert visitor.refusals() == ["400"]


async def test_stranger_is_locked_out_by_this_was_not_me(
    visitor: Visitor, visitors: Visitors, somebody: Somebody, mailbox: SmtpServer
) -> None:
    stranger = await visitors(user_agent="Mozilla/5.0 (Windows NT 10.0; rv:140.0) Gecko/20100101 Firefox/140.0")
    await stranger.sign_in(somebody.username, somebody.password)

    link = await mailed_link(mailbox, to=somebody.email, path="/not-me")
    await visitor.goto(link)
    await visitor.page.get_by_role("button", name="This was not me").click()

    await expect(visitor.page.get_by_text("We have sent you a mail")).to_be_visible()
    await stranger.page.reload()
    await expect(stranger.page.get_by_role("heading", level=1)).to_have_text("Sign in")
    # The refused call, and the refused refresh.
    assert stranger.refusals() == ["401", "403"]

    await visitor.goto("/welcome")
    await visitor.goto(link)
    await visitor.page.get_by_role("button", name="This was not me").click()
    await expect(visitor.page.get_by_role("alert")).to_contain_text("This link has been used, or it is too old.")
    await expect(visitor.page.locator("main .card form")).to_be_hidden()
    await expect(visitor.page.get_by_role("link", name="Choose a new password")).to_be_visible()
    assert await visitor.findings() == []
    assert visitor.refusals() == ["400"]


async def test_invitation_makes_an_account_with_its_roles(
    visitor: Visitor, server: GatepostServer, mailbox: SmtpServer
) -> None:
    page = visitor.page
    async with httpx.AsyncClient(base_url=server.url, trust_env=False) as client:
        credentials = {"username": "admin", "password": ADMIN_PASSWORD}
        token = (await client.post("/api/auth/signin", json=credentials)).json()["accessToken"]
        invitation = {"email": "guest@example.com", "roles": ["moderator"]}
        headers = {"Authorization": f"Bearer {token}"}
        (await client.post("/api/admin/invitations", json=invitation, headers=headers)).raise_for_status()

    link = await mailed_link(mailbox, to="guest@example.com", path="/invitation")
    await visitor.goto(link)
    await expect(page.get_by_label("E-mail address")).to_have_value("guest@example.com")
    await expect(page.get_by_label("E-mail address")).not_to_be_editable()
    await page.get_by_label("User name").fill("Guest")
    await page.get_by_label("Password", exact=True).fill(NEW)
    await page.get_by_role("button", name="Create the account").click()

    await expect(page.get_by_role("heading", name="Your account")).to_be_visible()
    await expect(page.locator("[data-roles]")).to_contain_text("moderator")

    await visitor.goto(link)
    await expect(page.get_by_role("alert")).to_contain_text("This invitation was already used, was revoked")
    await expect(page.locator("main .card form")).to_be_hidden()
    assert await visitor.findings() == []
    assert visitor.refusals() == ["400"]


@pytest.mark.parametrize("path", ["/set-password", "/not-me", "/invitation"])
async def test_link_without_its_token_says_so(visitor: Visitor, path: str) -> None:
    await visitor.goto(path)

    await expect(visitor.page.get_by_role("alert")).to_contain_text(
        "This link is incomplete. Please open it from the mail again."
    )
    await expect(visitor.page.locator(".lead")).to_be_hidden()
    await expect(visitor.page.locator("main .card form")).to_be_hidden()
