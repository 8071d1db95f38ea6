"""The service away, a session that ends in the middle of a form, and two people who change one thing at once."""

import re
from typing import Any

import httpx
import pytest
from playwright.async_api import Locator, Page, Route, expect

from tests.browser.conftest import ADMIN_PASSWORD, Somebody
from tests.support.server import GatepostServer
from tests.support.visitor import Visitor

pytestmark = pytest.mark.browser

AWAY = "The service cannot be reached."
OF_A_PERSON = ("/account", "/boards")
OF_ADMINISTRATION = (
    "/admin",
    "/admin/people",
    "/admin/people/1",
    "/admin/roles",
    "/admin/invitations",
    "/admin/audit",
    "/admin/keys",
)
# What a page asks first, and what it shows then.
ASKED: dict[str, str | re.Pattern[str]] = {"first": "**/api/users/me", "content": re.compile(r"/api/(?!users/me$)")}


async def cut(route: Route) -> None:
    await route.abort()


async def test_api_that_is_away_is_told_once_and_asked_again(admin: Visitor) -> None:
    page = admin.page
    wrong: list[str] = []
    for path in (*OF_A_PERSON, *OF_ADMINISTRATION):
        for what, address in ASKED.items():
            await page.route(address, cut)
            await admin.goto(path)
            failed = page.locator("[data-failed]:visible")
            await expect(failed.first).to_contain_text(AWAY)
            # The account has three parts that load by themselves.
            if await failed.count() != (3 if (path, what) == ("/account", "content") else 1):
                wrong.append(f"{path} {what}: {await failed.count()} messages")
            if await page.locator(".skeleton:visible").count():
                wrong.append(f"{path} {what}: a skeleton is left")
            if findings := await admin.findings():
                wrong.append(f"{path} {what}: {findings}")
            await page.unroute(address)
            while await failed.count():
                left = await failed.count() - 1
                await failed.first.get_by_role("button", name="Try again").click()
                await expect(failed).to_have_count(left)
            await expect(page.locator("main h1:visible")).not_to_be_empty()
            await expect(page.locator(".skeleton:visible")).to_have_count(0)
    assert wrong == []
    admin.seen.errors.clear()


async def test_wait_that_the_api_asks_for_is_counted_down_on_the_button(admin: Visitor) -> None:
    page = admin.page

    async def refuse(route: Route) -> None:
        body = {"code": "too_many_requests", "status": 429, "message": "Too many.", "errors": []}
        await route.fulfill(status=429, json=body, headers={"Retry-After": "3"})

    for language, words in (("en", ("Try again", "Too many attempts.")), ("de", ("Noch einmal", "Zu viele Versuche."))):
        await page.route("**/api/admin/keys", refuse)
        await admin.goto(f"/admin/keys?lang={language}")
        button = page.locator("[data-failed] button")
        await expect(page.locator("[data-failed]")).to_contain_text(words[1])
        await expect(button).to_have_attribute("aria-disabled", "true")
        await expect(button).to_contain_text(words[0])
        await page.unroute("**/api/admin/keys")
        await expect(button).not_to_have_attribute("aria-disabled", "true")
        await button.focus()
        await page.keyboard.press("Enter")
        await expect(page.locator("[data-failed]")).to_have_count(0)
        await expect(page.locator("#main")).to_be_focused()
    assert set(admin.refusals()) == {"429"}


async def test_session_that_ends_is_told_and_what_was_typed_comes_back(visitor: Visitor, somebody: Somebody) -> None:
    page = visitor.page
    await visitor.sign_in(somebody.username, somebody.password)
    await page.get_by_role("button", name="Change: E-mail address").click()
    await page.locator("#email-form [name=email]").fill("another@example.com")
    await page.locator("#email-form [name=currentPassword]").fill("secret horse")
    await page.locator("#email-form [data-reveal]").click()
    await page.get_by_role("button", name="Change: User name").click()
    await page.locator("#username-form [name=username]").fill("Another Name")
    await page.context.clear_cookies()

    await page.locator("#username-form button.primary").click()

    await expect(page).to_have_url(re.compile("/sign-in"))
    await expect(page.locator("[data-ended]")).to_contain_text("You have been signed out.")
    await expect(page.locator("[data-ended]")).to_contain_text("Your input is kept.")
    assert await visitor.findings() == []
    assert "secret horse" not in await page.evaluate("JSON.stringify({...sessionStorage, ...localStorage})")
    await sign_in_again(page, somebody.username, somebody.password)
    await expect(page).to_have_url(f"{visitor.url}/account")
    await expect(page.locator("#username-form [name=username]")).to_have_value("Another Name")
    await expect(page.locator("#email-form [name=email]")).to_have_value("another@example.com")
    await expect(page.locator("#email-form [name=currentPassword]")).to_have_value("")
    await expect(page.locator("#toasts")).to_contain_text("This is what you entered")
    assert await page.evaluate("sessionStorage.getItem('gatepost:draft')") is None
    await page.reload()
    await expect(page.locator("#username-form [name=username]")).to_have_value(somebody.username)
    visitor.refusals()


async def test_what_an_administrator_typed_comes_back_also_into_the_editor(admin: Visitor, somebody: Somebody) -> None:
    page = admin.page
    await admin.goto(f"/admin/people/{somebody.id}")
    await page.locator("#profile [name=username]").fill(f"Typed {somebody.id}")
    await end_and_return(page, page.get_by_role("button", name="Save the profile"))
    await expect(page.locator("#profile [name=username]")).to_have_value(f"Typed {somebody.id}")

    await admin.goto("/admin/roles")
    await page.get_by_role("button", name="Edit moderator").click()
    await page.locator("#editor [name=description]").fill("Typed")
    await page.locator("#editor [value='users:read']").check()
    await end_and_return(page, page.locator("#editor button.primary"))
    await expect(page.get_by_role("dialog")).to_contain_text("Edit moderator")
    await expect(page.locator("#editor [name=description]")).to_have_value("Typed")
    await expect(page.locator("#editor [value='users:read']")).to_be_checked()

    await admin.goto("/admin/invitations")
    await page.locator("#invite [name=email]").fill("typed@example.com")
    await page.locator("#invite [value=moderator]").check()
    await end_and_return(page, page.locator("#invite button"))
    await expect(page.locator("#invite [name=email]")).to_have_value("typed@example.com")
    await expect(page.locator("#invite [value=moderator]")).to_be_checked()
    admin.refusals()


async def test_what_somebody_typed_is_nothing_for_the_next_person(
    visitor: Visitor, somebody: Somebody, server: GatepostServer
) -> None:
    page = visitor.page
    await visitor.sign_in(somebody.username, somebody.password)
    await page.get_by_role("button", name="Change: User name").click()
    await page.locator("#username-form [name=username]").fill("Another Name")
    await page.context.clear_cookies()
    await page.locator("#username-form button.primary").click()
    await expect(page.locator("[data-kept]")).to_be_visible()

    await sign_in_again(page, "admin", ADMIN_PASSWORD)

    await expect(page.locator("#username-form [name=username]")).to_have_value("admin")
    assert await page.evaluate("sessionStorage.getItem('gatepost:draft')") is None
    visitor.refusals()


async def test_profile_that_somebody_else_changed_shows_both_and_keeps_what_was_typed(
    admin: Visitor, root: httpx.AsyncClient, somebody: Somebody
) -> None:
    page, path = admin.page, f"/api/admin/users/{somebody.id}"
    await admin.goto(f"/admin/people/{somebody.id}")
    profile = page.locator("#profile")
    await profile.locator("[name=username]").fill(f"Mine {somebody.id}")
    await change(root, path, username=f"Theirs {somebody.id}", language="de")

    await page.get_by_role("button", name="Save the profile").click()

    conflict = profile.locator("[data-conflict]")
    await expect(conflict).to_be_focused()
    await expect(conflict.get_by_role("group", name="User name")).to_contain_text(f"Mine {somebody.id}")
    await expect(conflict.get_by_role("group", name="User name")).to_contain_text(f"Theirs {somebody.id}")
    await expect(conflict).to_contain_text("Language of mails: English → Deutsch")
    await expect(profile.locator("[name=username]")).to_have_value(f"Mine {somebody.id}")
    await expect(profile.locator("[name=language]")).to_have_value("de")
    assert await admin.findings() == []
    await conflict.get_by_role("radio", name="Stored now").check()
    await expect(profile.locator("[name=username]")).to_have_value(f"Theirs {somebody.id}")
    await conflict.get_by_role("radio", name="Your change").check()
    await page.get_by_role("button", name="Save the profile").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text(f"Mine {somebody.id}")
    await expect(conflict).to_have_count(0)
    assert admin.refusals() == ["412"]


async def test_roles_that_somebody_else_changed_are_shown_beside_what_was_chosen(
    admin: Visitor, root: httpx.AsyncClient, somebody: Somebody
) -> None:
    page = admin.page
    await admin.goto(f"/admin/people/{somebody.id}")
    await page.get_by_role("checkbox", name=re.compile("^moderator")).check()
    await change(root, f"/api/admin/users/{somebody.id}", language="de")

    await page.get_by_role("button", name="Save the roles").click()
    await page.get_by_role("dialog").get_by_role("button", name="Change the roles").click()

    await expect(page.locator("#roles [data-conflict]")).to_be_focused()
    await expect(page.get_by_role("checkbox", name=re.compile("^moderator"))).to_be_checked()
    await page.get_by_role("button", name="Save the roles").click()
    await page.get_by_role("dialog").get_by_role("button", name="Change the roles").click()
    await expect(page.locator("#toasts")).to_contain_text("The roles were changed.")
    assert admin.refusals() == ["412"]


async def test_role_that_somebody_else_changed_stays_open_in_the_editor(
    admin: Visitor, root: httpx.AsyncClient
) -> None:
    page = admin.page
    made = await root.post("/api/admin/roles", json={"name": "packer", "description": "Packs", "permissions": []})
    await admin.goto("/admin/roles")
    await page.get_by_role("button", name="Edit packer").click()
    editor = page.locator("#editor")
    await editor.locator("[name=description]").fill("Packs by hand")
    path = f"/api/admin/roles/{made.json()['id']}"
    await change(root, path, description="Packs by machine", permissions=["orders:pack"])

    await editor.get_by_role("button", name="Save").click()

    conflict = editor.locator("[data-conflict]")
    await expect(conflict.get_by_role("group", name="Description")).to_contain_text("Packs by machine")
    await expect(conflict).to_contain_text("Permissions: (empty) → orders:pack")
    await expect(editor.locator("[name=description]")).to_have_value("Packs by hand")
    await expect(editor.locator("[name=own]")).to_have_value("orders:pack")
    await editor.get_by_role("button", name="Save").click()
    await expect(editor).to_be_hidden()
    role = next(role for role in (await root.get("/api/admin/roles")).json() if role["name"] == "packer")
    assert (role["description"], role["permissions"]) == ("Packs by hand", ["orders:pack"])
    assert admin.refusals() == ["412"]


async def change(root: httpx.AsyncClient, path: str, **values: Any) -> None:
    """Change something as somebody else does meanwhile."""
    answer = await root.patch(path, json=values, headers={"If-Match": "*"})
    assert answer.is_success, answer.text


async def end_and_return(page: Page, button: Locator) -> None:
    """Let the session of the administrator end, press a button, and sign in again."""
    await page.context.clear_cookies()
    await button.click()
    await expect(page.locator("[data-kept]")).to_be_visible()
    await sign_in_again(page, "admin", ADMIN_PASSWORD)


async def sign_in_again(page: Page, username: str, password: str) -> None:
    await page.locator("#sign-in [name=username]").fill(username)
    await page.locator("#sign-in [name=password]").fill(password)
    await page.locator("#sign-in [name=password]").press("Enter")


async def test_service_that_is_away_at_sign_in_is_told_once(admin: Visitor) -> None:
    page = admin.page
    await page.route("**/api/**", cut)
    await admin.goto("/sign-in")
    await page.locator("#sign-in [name=username]").fill("Abbey")
    await page.locator("#sign-in [name=password]").fill("correct horse")
    await expect(page.locator("#toasts")).to_contain_text(AWAY)
    await page.locator("#sign-in [name=password]").press("Enter")

    await expect(page.locator("#sign-in [data-message]")).to_contain_text(AWAY)
    assert await page.locator("#toasts").inner_text() == ""
    admin.seen.errors.clear()
