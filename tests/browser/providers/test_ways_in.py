"""Signing up and in with an account at another provider, and linking it, as a person does it."""

import re

import pytest
from playwright.async_api import Page, expect

from gatepost.composition.services import Services
from gatepost.core.settings import EmailSignIn
from tests.browser.conftest import Visitors
from tests.browser.providers.conftest import HOME, AnsweringProvider, wait
from tests.browser.test_second_factor import sign_out
from tests.support.api import PASSWORD, Api, Person
from tests.support.clock import FakeClock
from tests.support.factors import prove_address, set_up_app
from tests.support.links import take_mails
from tests.support.visitor import Visitor

pytestmark = pytest.mark.browser

EMAIL = "abbey.salami@example.com"


@pytest.fixture
def email_sign_in() -> EmailSignIn:
    """Return that a provider can be the only way in."""
    return EmailSignIn.OFF


@pytest.fixture
async def visitor(visitors: Visitors) -> Visitor:
    return await visitors()


async def go_with_acme(page: Page) -> None:
    """Choose the provider on the page."""
    await page.get_by_role("button", name="Continue with Acme").click()


async def give_password(page: Page, password: str = PASSWORD) -> None:
    """Sign in to the account whose name the page has."""
    await page.locator("#sign-in [name=password]").fill(password)
    await page.locator("#sign-in [name=password]").press("Enter")


async def with_address(api: Api, services: Services) -> Person:
    """Return an account whose address is the one that the provider vouches for."""
    person = await api.sign_up("Abbey", email=EMAIL)
    await prove_address(services, person)
    return person


async def test_provider_makes_an_account_signs_in_again_and_is_marked_as_used_last(visitor: Visitor) -> None:
    page = visitor.page
    await visitor.goto("/sign-in?next=/boards")
    await expect(page.locator("[data-last-way]:visible")).to_have_count(0)

    await go_with_acme(page)
    await expect(page).to_have_url(f"{HOME}/boards")
    await visitor.goto("/account")
    await expect(page.locator("[data-name]")).to_have_text("Abbey Salami")
    await expect(page.locator("[data-no-password]")).to_have_text("None")
    await expect(page.locator("[data-identity-names]")).to_have_text("Acme")
    await page.get_by_role("button", name="Manage: Linked accounts").click()
    await expect(page.locator("#identity-list li")).to_contain_text(f"{EMAIL} · linked on")
    await expect(page.get_by_role("button", name="Link Acme", exact=True)).to_be_hidden()
    # The last way in stays.
    await page.get_by_role("button", name="Unlink Acme").click()
    await page.get_by_role("dialog").get_by_role("button", name="Unlink").click()
    await expect(page.locator("#toasts")).to_contain_text("This is your last way to sign in.")
    await expect(page.locator("#identity-list li")).to_have_count(1)
    assert visitor.refusals() == ["409"]

    await sign_out(page)
    last = page.get_by_role("button", name="Continue with Acme Last used")
    await expect(last.locator(".badge")).to_be_visible()
    assert await page.evaluate("({...localStorage})") == {"gatepost:way": "provider:acme"}
    await last.press("Enter")
    await expect(page).to_have_url(f"{HOME}/account")


async def test_account_of_the_address_is_linked_once_its_owner_has_signed_in(
    visitor: Visitor, api: Api, services: Services, clock: FakeClock
) -> None:
    page = visitor.page
    person = await with_address(api, services)
    app = await set_up_app(api, services, person)
    await visitor.goto("/sign-in")
    await go_with_acme(page)
    notice = page.locator("[data-outcome]")
    await expect(notice).to_contain_text(f"There is already an account with the address {EMAIL}.")
    await expect(notice).to_have_role("status")
    await expect(page.locator("#sign-in [name=username]")).to_have_value(EMAIL)
    await expect(page.locator("#sign-in [name=password]")).to_be_focused()
    assert await visitor.findings() == []

    await give_password(page, "wrong horse")
    await expect(page.get_by_role("alert")).to_be_visible()
    await give_password(page)
    await expect(page.locator("#second-totp-code")).to_be_focused()
    await page.keyboard.type(app.code(clock.now(), away=1))
    await page.keyboard.press("Enter")

    await expect(page.locator("[data-done]")).to_contain_text("You can now sign in with Acme, too.")
    await expect(page.locator("[data-done]")).to_be_focused()
    assert await visitor.findings() == []
    await page.get_by_role("link", name="Continue").click()
    await expect(page.locator("[data-identity-names]")).to_have_text("Acme")
    assert [mail.kind for mail in await take_mails(services) if mail.kind.startswith("identity")] == ["identity_linked"]

    # From then on it is one factor of two.
    await sign_out(page)
    await wait(services, clock, minutes=1)
    await visitor.goto("/sign-in?next=/boards")
    await go_with_acme(page)
    await expect(page.locator("#second-totp-code")).to_be_focused()
    await page.keyboard.type(app.code(clock.now(), away=1))
    await page.keyboard.press("Enter")
    await expect(page).to_have_url(f"{HOME}/boards")
    assert visitor.refusals() == ["409", "401", "401", "401"]


async def test_person_whose_provider_tells_no_address_proves_one_and_may_choose_a_name(
    visitor: Visitor, acme: AnsweringProvider, services: Services
) -> None:
    page = visitor.page
    acme.tells(email=None, is_email_verified=False)
    await visitor.goto("/sign-up")
    await go_with_acme(page)
    await expect(page.locator(".lead")).to_contain_text("Acme has not told us your e-mail address.")
    address = page.locator("#email-address [name=email]")
    await expect(address).to_be_focused()
    assert await visitor.findings() == []
    await page.keyboard.type("new@example.com")
    await page.keyboard.press("Enter")

    code = page.locator("#email-code-code")
    await expect(code).to_be_focused()
    await expect(page.locator(".lead")).to_contain_text("new@example.com")
    [mail] = await take_mails(services)
    await page.keyboard.type("000000")
    await page.keyboard.press("Enter")
    await expect(code).to_have_accessible_description(re.compile("This code is wrong or no longer valid"))
    assert await visitor.findings() == []
    await code.fill(f"{mail.code[:3]} {mail.code[3:]}")
    await page.locator("#email-code [name=username]").fill("Heba")
    await page.get_by_role("button", name="Create the account").click()

    await expect(page).to_have_url(f"{HOME}/account")
    await expect(page.locator("[data-name]")).to_have_text("Heba")
    await expect(page.locator("[data-email]")).to_have_text("new@example.com")
    assert visitor.refusals() == ["409", "401"]


async def test_what_came_of_it_is_told_once_and_leads_on(visitor: Visitor, acme: AnsweringProvider) -> None:
    page = visitor.page
    acme.error = "access_denied"
    await visitor.goto("/sign-in?next=/boards")
    await go_with_acme(page)
    notice = page.locator("[data-outcome]")
    await expect(notice).to_contain_text("The sign-in at Acme was cancelled.")
    await expect(page).to_have_url(f"{HOME}/sign-in?next=%2Fboards")
    await page.reload()
    await expect(notice).to_be_hidden()

    for outcome, words in {
        "failed": "The sign-in with Acme did not work.",
        "unavailable": "Acme cannot be reached at the moment.",
        "expired": "The sign-in with Acme took too long",
        "sign_up_closed": "you need an invitation",
        "account_disabled": "This account is disabled.",
        # What is not there to go on with.
        "second_factor": "This sign-in has expired",
        "email_needed": "This sign-in has expired",
    }.items():
        await visitor.goto(f"/sign-in?provider=acme&outcome={outcome}")
        await expect(notice).to_contain_text(words)
        assert await visitor.findings() == []
    # Nobody puts words into the page.
    for query in ("provider=evil&outcome=failed", "provider=acme"):
        await visitor.goto(f"/sign-in?{query}")
        await expect(page.locator("#sign-in [name=username]")).to_be_focused()
        await expect(notice).to_be_hidden()

    # A provider that does not answer keeps nobody waiting.
    acme.is_down = True
    await go_with_acme(page)
    await expect(page.get_by_role("alert")).to_contain_text("This provider cannot be reached at the moment.")
    await expect(page.get_by_role("button", name="Continue with Acme")).not_to_have_attribute("aria-busy", "true")
    acme.is_down, acme.error = False, None
    await go_with_acme(page)
    await expect(page).to_have_url(f"{HOME}/account")
    assert visitor.refusals() == ["401", "401", "503"]


async def test_account_is_linked_and_unlinked_with_a_fresh_proof(
    visitor: Visitor, api: Api, services: Services, clock: FakeClock
) -> None:
    page = visitor.page
    person = await with_address(api, services)
    await visitor.sign_in(person.username, person.password)
    await expect(page.locator("[data-identity-names]")).to_have_text("None")
    await wait(services, clock, minutes=6)
    await page.get_by_role("button", name="Manage: Linked accounts").click()
    await page.get_by_role("button", name="Link Acme", exact=True).click()
    dialog = page.get_by_role("dialog", name="Confirm that it is you")
    await expect(dialog.get_by_label("Password", exact=True)).to_be_focused()
    await page.keyboard.type(PASSWORD)
    await page.keyboard.press("Enter")

    await expect(page.locator("#toasts")).to_contain_text("You can now sign in with Acme, too.")
    await expect(page).to_have_url(f"{HOME}/account")
    await expect(page.locator("[data-identity-names]")).to_have_text("Acme")
    await page.get_by_role("button", name="Manage: Linked accounts").click()
    await page.get_by_role("button", name="Unlink Acme").click()
    await expect(page.get_by_role("dialog", name="Unlink Acme?")).to_be_visible()
    await page.get_by_role("dialog").get_by_role("button", name="Unlink").click()
    await expect(page.locator("#toasts")).to_contain_text("Acme is unlinked.")
    await expect(page.locator("[data-identity-names]")).to_have_text("None")
    await expect(page.locator("#identities-title")).to_be_focused()

    # What another account has is told, and stays until it is read.
    await page.get_by_role("button", name="Link Acme", exact=True).click()
    await expect(page.locator("[data-identity-names]")).to_have_text("Acme")
    other = await api.sign_up("Heba")
    await prove_address(services, other)
    await sign_out(page)
    await visitor.sign_in(other.username, other.password)
    await page.get_by_role("button", name="Manage: Linked accounts").click()
    await page.get_by_role("button", name="Link Acme", exact=True).click()
    notice = page.locator("[data-outcome]")
    await expect(notice).to_contain_text("already linked to another account here")
    await expect(notice).to_be_focused()
    assert visitor.refusals() == ["401"]


async def test_provider_confirms_who_it_is_and_the_page_is_as_it_was(
    visitor: Visitor, acme: AnsweringProvider, services: Services, clock: FakeClock
) -> None:
    page = visitor.page
    await visitor.goto("/sign-in")
    await go_with_acme(page)
    await expect(page).to_have_url(f"{HOME}/account")
    await wait(services, clock, minutes=6)
    acme.tells(authenticated_at=clock.now())
    await page.get_by_role("button", name="Change: E-mail address").click()
    await page.get_by_label("New e-mail address").fill("new@example.com")
    await page.get_by_role("button", name="Change the address").click()
    dialog = page.get_by_role("dialog", name="Confirm that it is you")
    await expect(dialog.get_by_label("Code from the mail")).to_be_focused()
    other = dialog.get_by_role("button", name="Use a linked account instead")
    await other.click()
    confirm = dialog.get_by_role("button", name="Confirm with Acme")
    await expect(confirm).to_be_focused()
    await expect(dialog.get_by_role("button", name="Confirm", exact=True)).to_be_hidden()
    assert await visitor.findings() == []

    await confirm.press("Enter")

    await expect(page.locator("#toasts")).to_contain_text("Thank you. You can go on now.")
    await expect(page).to_have_url(f"{HOME}/account")
    await expect(page.get_by_label("New e-mail address")).to_have_value("new@example.com")
    await page.get_by_role("button", name="Change the address").click()
    await expect(page.locator("#toasts")).to_contain_text("We have sent a link to new@example.com.")
    assert visitor.refusals() == ["401"]

    # It counts only if the provider has asked just now.
    await wait(services, clock, minutes=6)
    await page.get_by_role("button", name="Change: E-mail address").click()
    await page.get_by_label("New e-mail address").fill("newer@example.com")
    await page.get_by_role("button", name="Change the address").click()
    await other.click()
    await confirm.press("Enter")
    await expect(page.locator("[data-outcome]")).to_contain_text("Acme did not confirm that it is you.")
    assert visitor.refusals() == ["401"]
