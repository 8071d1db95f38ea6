"""Second factors in the pages of the administration: who has which, and removing them."""

import json
from datetime import UTC, datetime

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from playwright.async_api import expect

from gatepost.console.translations import words_of
from gatepost.core.crypto.base64url import encode
from tests.browser.conftest import ADMIN_PASSWORD, Somebody, Visitors
from tests.support.factors import App, secret_of
from tests.support.server import GatepostServer
from tests.unit.passkeys.authenticator import cose_of

pytestmark = pytest.mark.browser


@pytest.fixture
async def guarded(server: GatepostServer, root: httpx.AsyncClient, somebody: Somebody) -> Somebody:
    """Return somebody with an authenticator app."""
    await root.patch(f"/api/admin/users/{somebody.id}", json={"emailVerified": True})
    body = {"username": somebody.username, "password": somebody.password}
    async with httpx.AsyncClient(base_url=server.url, trust_env=False, timeout=30) as client:
        signed_in = await client.post("/api/auth/signin", json=body)
        client.headers["Authorization"] = f"Bearer {signed_in.json()['accessToken']}"
        begun = await client.post("/api/users/me/totp", json={"password": somebody.password})
        code = App(secret_of(begun), []).code(datetime.now(UTC))
        assert (await client.post("/api/users/me/totp/confirm", json={"code": code})).status_code == 200
    return somebody


async def test_list_shows_and_filters_by_factor_and_an_administrator_removes_it(
    visitors: Visitors, root: httpx.AsyncClient, guarded: Somebody
) -> None:
    visitor = await visitors()
    page = visitor.page
    await visitor.sign_in("admin", ADMIN_PASSWORD)
    await visitor.goto(f"/admin/people?search={guarded.email}")
    row = page.get_by_role("row").filter(has_text=guarded.email)
    await expect(row.locator("[data-factors]")).to_have_text("App")
    await page.get_by_label("Second factor").select_option("None")
    await expect(page.locator("[data-list]")).to_contain_text("Nobody matches.")
    await page.get_by_label("Second factor").select_option("Set up")
    await row.get_by_role("link", name=guarded.username).click()

    await expect(page.locator("[data-facts]")).to_contain_text("authenticator app and recovery codes")
    await page.get_by_role("button", name="Remove the second factors").click()
    dialog = page.get_by_role("dialog", name=f"Remove the second factors of {guarded.username}?")
    await expect(dialog).to_contain_text("The password alone is enough to sign in then.")
    await expect(dialog).to_contain_text(f"A mail about this goes to {guarded.email}.")
    await dialog.get_by_role("button", name="Remove").click()

    await expect(page.get_by_text(f"The second factors of {guarded.username} were removed.")).to_be_visible()
    await expect(page.locator("[data-factors-card]")).to_be_hidden()
    await expect(page.locator("[data-activity]")).to_contain_text("Second factors removed by an administrator")
    assert (await root.get(f"/api/admin/users/{guarded.id}")).json()["factors"] == []


@pytest.fixture
def with_passkey_alone(server: GatepostServer) -> str:
    """Return the user name of somebody who signs in with a passkey, and has no password."""
    passkey = {
        "id": encode(b"\x0a" * 32),
        "public_key": encode(cose_of(ec.derive_private_key(5, ec.SECP256R1()))),
        "rp_id": "localhost",
        "backup_eligible": True,
        "backup_state": True,
    }
    passkeys = {"user_handle": encode(b"\x0b" * 32), "credentials": [passkey]}
    account = {"username": "Passkey only", "email": "passkey.only@example.com", "factors": {"passkeys": passkeys}}
    server.command("import", "jsonl", "-", stdin=json.dumps(account))
    return "Passkey only"


@pytest.mark.parametrize("language", ["en", "de"])
async def test_person_without_a_password_is_told_apart(
    visitors: Visitors, root: httpx.AsyncClient, with_passkey_alone: str, language: str
) -> None:
    words = words_of(language)
    visitor = await visitors(locale=language)
    page = visitor.page
    await visitor.sign_in("admin", ADMIN_PASSWORD)
    await visitor.goto("/admin/people?factor=passkey")
    row = page.get_by_role("row").filter(has_text="passkey.only@example.com")
    await expect(row.locator("[data-factors]")).to_have_text(words("admin_people.client.has.passkey"))
    await expect(page.locator("#factor")).to_have_value("passkey")
    await row.get_by_role("link", name=with_passkey_alone).click()

    facts = page.locator("[data-facts]")
    await expect(facts).to_contain_text(words("admin_person.client.fact.no_password"))
    await expect(facts).to_contain_text(words("admin.client.factor.passkey"))
    await expect(page.locator("[data-reset-text]")).to_have_text(
        words("admin_person.client.reset_text_without_password")
    )
    await page.get_by_role("button", name=words("admin_person.factors.reset")).click()
    told = words(
        "admin_person.client.factors.gone_without_password",
        name=with_passkey_alone,
        factors=words("admin.client.factor.passkey"),
    )
    await expect(page.get_by_role("dialog")).to_contain_text(told)
    assert await visitor.findings() == []
    await page.get_by_role("button", name=words("common.cancel")).click()
    person = (await root.get("/api/admin/users", params={"search": "passkey.only@example.com"})).json()["items"][0]
    assert (person["hasPassword"], person["factors"]) == (False, ["passkey"])


async def test_who_only_reads_removes_nothing(
    visitors: Visitors, root: httpx.AsyncClient, guarded: Somebody, server: GatepostServer
) -> None:
    await root.post("/api/admin/roles", json={"name": "readers", "permissions": ["users:read"]})
    reader = {"username": "Factor reader", "email": "factor.reader@example.com", "password": "correct horse battery"}
    assert (await root.post("/api/admin/users", json={**reader, "roles": ["readers"]})).status_code == 201
    visitor = await visitors()
    await visitor.sign_in(reader["username"], reader["password"])

    await visitor.goto(f"/admin/people/{guarded.id}")

    await expect(visitor.page.locator("[data-facts]")).to_contain_text("authenticator app and recovery codes")
    await expect(visitor.page.locator("[data-factors-card]")).to_be_hidden()
