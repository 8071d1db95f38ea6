"""Signing in with a certified provider of others, npm's `oidc-provider`, in a browser and over real connections."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from playwright.async_api import Browser, Page, expect
from pydantic import SecretStr
from sqlalchemy import select

from gatepost.composition.services import Services
from gatepost.core.clock import SystemClock
from gatepost.core.outbound import Outbound
from gatepost.identity.accounts.models import User
from gatepost.identity.external.models import ExternalIdentity
from gatepost.identity.providers.building import build_providers
from tests.browser.providers.conftest import HOME
from tests.browser.test_second_factor import sign_out
from tests.conftest import MakeServices
from tests.support.api import Api
from tests.support.external import use_providers
from tests.support.factors import prove_address
from tests.support.providers.peer import CLIENT_ID, CLIENT_SECRET, Peer, install_peer, running_peer, sign_in_at_peer

pytestmark = [pytest.mark.browser, pytest.mark.node]

CALLBACK = f"{HOME}/api/auth/providers/peer/callback"
# The first visit installs and starts programs, on a machine that may be busy.
PATIENT_MS = 60_000


@pytest.fixture(scope="module")
def program_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder in which the program is installed."""
    return install_peer(tmp_path_factory.mktemp("peer"))


@pytest.fixture
def peer(program_folder: Path) -> Iterator[Peer]:
    """Give the running program, which knows nobody yet."""
    with running_peer(program_folder, CALLBACK) as peer:
        yield peer


@pytest.fixture
async def services(make_services: MakeServices, peer: Peer) -> Services:
    """Return the services behind the pages; the program has the clock of the machine, and so have they."""
    clock = SystemClock()
    services = make_services(own_clock=cast("Any", clock))
    values = {
        "ISSUER": peer.issuer, "CLIENT_ID": CLIENT_ID, "CLIENT_SECRET": CLIENT_SECRET, "TRUSTS_EMAIL": "true",
        "TITLE": "Peer",
    }  # fmt: skip
    settings = services.settings.with_provider_variables({
        f"PROVIDER_PEER_{name}": SecretStr(value) for name, value in values.items()
    })  # fmt: skip
    use_providers(services, build_providers(settings, Outbound(allows_http=True, seconds=60), clock))
    return services


@pytest.fixture
async def page(browser_at_home: Browser) -> AsyncIterator[Page]:
    """Give a page with cookies of its own."""
    context = await browser_at_home.new_context(locale="en-GB")
    context.set_default_timeout(PATIENT_MS)
    yield await context.new_page()
    await context.close()


async def go(page: Page) -> None:
    """Choose the provider on the sign-in page."""
    await page.goto(f"{HOME}/sign-in")
    await page.get_by_role("button", name="Continue with Peer").click()


async def sign_in_there(page: Page, login: str) -> None:
    """Sign in at the provider."""
    await page.locator("[name=login]").fill(login)
    await page.locator("[name=password]").fill("any")
    await page.get_by_role("button", name="Sign-in").click()


async def consent(page: Page) -> None:
    """Let the provider tell who it is."""
    await page.get_by_role("button", name="Continue").click()


async def linked(services: Services) -> list[tuple[str, str]]:
    """Return the accounts and their subjects at the provider."""
    async with services.platform.database.read() as tx:
        query = select(User.username, ExternalIdentity.subject).join(User, User.id == ExternalIdentity.user_id)
        return [(username, subject) for username, subject in await tx.execute(query)]


async def test_somebody_signs_up_and_in_again(page: Page, services: Services) -> None:
    await go(page)
    await sign_in_there(page, "jane")
    await consent(page)

    await expect(page).to_have_url(f"{HOME}/account", timeout=PATIENT_MS)
    await expect(page.locator("[data-name]")).to_have_text("jane")
    await sign_out(page)
    # The provider remembers both, and asks for nothing.
    await go(page)

    await expect(page).to_have_url(f"{HOME}/account", timeout=PATIENT_MS)
    assert await linked(services) == [("jane", "jane")]


async def test_who_does_not_consent_is_not_signed_in(page: Page, services: Services) -> None:
    await go(page)
    await sign_in_there(page, "jane")
    await page.get_by_role("link", name="Cancel").click()

    await expect(page.locator("[data-outcome]")).to_be_visible(timeout=PATIENT_MS)
    assert page.url.startswith(f"{HOME}/sign-in")
    assert await linked(services) == []


async def test_an_account_is_linked_and_unlinked(page: Page, services: Services, api: Api) -> None:
    person = await api.sign_up("Grace Hopper")
    await prove_address(services, person)
    await page.goto(f"{HOME}/sign-in")
    await page.locator("#sign-in [name=username]").fill(person.username)
    await page.locator("#sign-in [name=password]").fill(person.password)
    await page.locator("#sign-in [name=password]").press("Enter")
    await expect(page).to_have_url(f"{HOME}/account", timeout=PATIENT_MS)

    await page.get_by_role("button", name="Manage: Linked accounts").click()
    await page.get_by_role("button", name="Link Peer", exact=True).click()
    await sign_in_there(page, "grace")
    await consent(page)

    await expect(page.locator("[data-identity-names]")).to_have_text("Peer", timeout=PATIENT_MS)
    assert await linked(services) == [("Grace Hopper", "grace")]
    if not await page.get_by_role("button", name="Unlink Peer").is_visible():
        await page.get_by_role("button", name="Manage: Linked accounts").click()
    await page.get_by_role("button", name="Unlink Peer").click()
    await page.get_by_role("dialog").get_by_role("button", name="Unlink").click()
    await expect(page.locator("#identity-list li")).to_have_count(0, timeout=PATIENT_MS)
    assert await linked(services) == []


async def test_an_answer_is_good_in_the_browser_alone_that_asked(
    page: Page, browser_at_home: Browser, services: Services
) -> None:
    await page.goto(f"{HOME}/sign-in")
    begun = await page.evaluate(
        """async () => (await fetch("/api/auth/providers/peer/start", {
            method: "POST", headers: {"Content-Type": "application/json"}, body: '{"purpose": "signin"}',
        })).json()"""
    )
    answer = await sign_in_at_peer(begun["authorizationUrl"], "jane")
    assert answer.startswith(f"{CALLBACK}?")
    context = await browser_at_home.new_context(locale="en-GB")
    stranger = await context.new_page()

    await stranger.goto(answer)

    await expect(stranger.locator("[data-outcome]")).to_be_visible(timeout=PATIENT_MS)
    assert not any(cookie.get("name") == "gatepost_access" for cookie in await context.cookies())
    assert await linked(services) == []
    await context.close()
    await page.goto(answer)
    await expect(page).to_have_url(f"{HOME}/account", timeout=PATIENT_MS)


async def test_a_provider_that_is_down_is_said_to_be(page: Page, peer: Peer, services: Services) -> None:
    peer.process.terminate()
    peer.process.wait()

    await go(page)

    await expect(page.get_by_text("cannot be reached").first).to_be_visible(timeout=PATIENT_MS)
    assert await linked(services) == []
