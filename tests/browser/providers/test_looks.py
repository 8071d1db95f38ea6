"""The sign-in page with one provider and with many, linked accounts, and their page in the administration."""

import re
from typing import Any

import pytest
from playwright.async_api import Page, expect
from sqlalchemy import insert

from gatepost.composition.services import Services
from gatepost.identity.accounts.models import user_roles
from gatepost.identity.external.models import ExternalIdentity
from gatepost.identity.providers.presets import Kind
from tests.browser.conftest import Visitors
from tests.browser.providers.conftest import HOME
from tests.browser.test_accessibility import LOOKS
from tests.browser.test_narrow import BROKEN, PHONE, STICKING_OUT
from tests.support.api import Api, Person
from tests.support.external import FakeProvider
from tests.support.factors import prove_address
from tests.support.visitor import Visitor

pytestmark = pytest.mark.browser

WIDTHS: dict[str, dict[str, Any]] = {**LOOKS, "narrow": PHONE, "enlarged": {"viewport": {"width": 640, "height": 450}}}


@pytest.fixture
def others(request: pytest.FixtureRequest) -> list[FakeProvider]:
    """Return one provider of each kind, where a test asks for them; with the first one there are eight."""
    if "many" not in request.fixturenames:
        return []
    kinds = [kind for kind in Kind if kind not in (Kind.OIDC, Kind.SLACK)]
    return [FakeProvider(name=kind, kind=kind, title=kind.title()) for kind in kinds]


@pytest.fixture
def many() -> int:
    """Ask for many providers; return how many."""
    return len(Kind) - 1


async def linked(services: Services, person: Person, provider: str = "acme") -> None:
    """Let somebody have linked an account, with the longest address."""
    now = services.platform.clock.now()
    async with services.platform.database.begin() as tx:
        identity = {"issuer": f"https://{provider}.example", "subject": str(person.id), "provider": provider}
        tx.add(ExternalIdentity(user_id=person.id, email=f"{'w' * 64}@example.com", created_at=now, **identity))


async def wrong_with(visitor: Visitor) -> list[object]:
    """Return what is wrong with a page as it stands."""
    await visitor.page.wait_for_load_state("networkidle")
    found = [
        *await visitor.findings(),
        *await visitor.page.evaluate(STICKING_OUT),
        *await visitor.page.evaluate(BROKEN),
    ]
    return found if await visitor.fits() else [*found, "too wide"]


async def marks(page: Page) -> list[bool]:
    """Whether each mark on a page is a picture that has loaded."""
    loaded = "(all) => all.map((one) => one.complete && one.naturalWidth > 0)"
    found: list[bool] = await page.locator("[data-provider] .mark").evaluate_all(loaded)
    return found


@pytest.mark.parametrize("look", WIDTHS)
async def test_many_providers_fit_and_keep_nobody_out(
    visitors: Visitors, services: Services, api: Api, many: int, look: str
) -> None:
    visitor = await visitors(**WIDTHS[look], reduced_motion="reduce")
    page = visitor.page
    wrong: dict[str, list[object]] = {}
    for path in ("/sign-in", "/sign-up"):
        await visitor.goto(path)
        await page.evaluate("localStorage.setItem('gatepost:way', 'provider:microsoft')")
        await page.reload()
        buttons = page.locator("[data-provider]")
        await expect(buttons.last).to_be_enabled()
        assert await marks(page) == [True] * many
        await expect(buttons.nth(1)).to_have_accessible_name(re.compile("^(Continue with|Weiter mit) .+"))
        wrong[path] = await wrong_with(visitor)
    person = await api.sign_up()
    await linked(services, person)
    await linked(services, person, "gone")
    await visitor.sign_in(person.username, person.password)
    await expect(page.locator("[data-identity-names]")).to_have_text("Acme, gone")
    await page.locator("#identities [data-act=manage]").click()
    wrong["account"] = await wrong_with(visitor)

    assert {name: found for name, found in wrong.items() if found} == {}


async def test_keyboard_reaches_every_way_in_its_order(visitors: Visitors) -> None:
    visitor = await visitors()
    page = visitor.page
    await visitor.goto("/sign-in")
    await expect(page.locator("#sign-in [name=username]")).to_be_focused()
    seen = []
    for _ in range(7):
        await page.keyboard.press("Tab")
        seen.append(await page.evaluate("document.activeElement.innerText.trim() || document.activeElement.name"))

    ways = ["Sign in", "Sign in with a passkey", "Get a code by e-mail", "Continue with Acme"]
    assert seen == ["password", "", "Forgot your password?", *ways]


async def test_administrator_unlinks_an_account_after_a_question(
    visitors: Visitors, services: Services, api: Api
) -> None:
    person, admin = await api.sign_up("Heba"), await api.sign_up("Admin")
    await prove_address(services, person)
    await linked(services, person)
    async with services.platform.database.begin() as tx:
        await tx.execute(insert(user_roles).values(user_id=admin.id, role_id=3))
    visitor = await visitors()
    page = visitor.page
    await visitor.sign_in(admin.username, admin.password)
    await visitor.goto(f"/admin/people/{person.id}")
    row = page.locator("[data-identities] li")
    await expect(row).to_contain_text("linked on")
    await expect(row.locator(".title")).to_have_text("Acme")
    assert await wrong_with(visitor) == []

    await page.get_by_role("button", name="Unlink Acme").click()
    dialog = page.get_by_role("dialog", name="Unlink Acme from Heba?")
    await expect(dialog).to_contain_text("Heba gets a mail about it.")
    await dialog.get_by_role("button", name="Unlink").click()

    await expect(page.locator("#toasts")).to_contain_text("Acme is unlinked.")
    await expect(page.locator("[data-identities-card]")).to_be_hidden()
    assert page.url == f"{HOME}/admin/people/{person.id}"
