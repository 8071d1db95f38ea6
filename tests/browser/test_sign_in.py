"""Signing in, as a person does it."""

from functools import partial

import pytest
from playwright.async_api import Route, expect

from tests.browser.conftest import Somebody, Visitors
from tests.support.visitor import Visitor

pytestmark = pytest.mark.browser


async def test_wrong_password_is_told_in_the_form_and_read_out(visitor: Visitor, somebody: Somebody) -> None:
    page = visitor.page
    await visitor.goto("/sign-in")

    await page.get_by_label("User name or e-mail").fill(somebody.username)
    await page.get_by_label("Password", exact=True).fill("wrong horse")
    await page.get_by_role("main").get_by_role("button", name="Sign in").click()

    alert = page.get_by_role("alert")
    await expect(alert).to_have_text("The user name or the password is wrong.")
    await expect(alert).to_be_focused()
    assert visitor.refusals() == ["401"]


async def test_empty_fields_are_told_beside_them_and_nothing_is_sent(visitor: Visitor) -> None:
    page = visitor.page
    await visitor.goto("/sign-in")

    await page.get_by_role("main").get_by_role("button", name="Sign in").click()

    name = page.get_by_label("User name or e-mail")
    await expect(name).to_be_focused()
    await expect(name).to_have_attribute("aria-invalid", "true")
    await expect(name).to_have_accessible_description("Please fill this in.")
    assert not any("/api/" in url for url in visitor.seen.urls)


async def test_sign_in_speaks_german_to_who_reads_german(visitors: Visitors) -> None:
    visitor = await visitors(locale="de-AT")
    page = visitor.page
    await visitor.goto("/sign-in")

    await expect(page.get_by_role("heading", level=1)).to_have_text("Anmelden")
    assert await page.evaluate("document.documentElement.lang") == "de"

    await page.get_by_role("link", name="English").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
    await page.reload()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")


async def test_sign_in_works_by_keyboard_alone(visitor: Visitor, somebody: Somebody) -> None:
    page = visitor.page
    await visitor.goto("/sign-in")
    # The first stop leads past the navigation; typing starts in the first field all the same.
    await expect(page.get_by_label("User name or e-mail")).to_be_focused()
    await page.keyboard.type(somebody.username)
    await page.keyboard.press("Tab")
    await page.keyboard.type(somebody.password)
    await page.keyboard.press("Tab")
    await page.keyboard.press("Space")
    await expect(page.locator("#sign-in [name=password]")).to_have_attribute("type", "text")
    await expect(page.get_by_role("button", name="Show: Password")).to_have_attribute("aria-pressed", "true")
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("link", name="Forgot your password?")).to_be_focused()
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")

    await expect(page).to_have_url(f"{visitor.url}/account")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await expect(page.locator("#main")).to_be_focused()


async def test_password_managers_find_what_they_know(visitor: Visitor) -> None:
    page = visitor.page

    async def kinds(path: str) -> list[str | None]:
        await visitor.goto(path)
        fields = await page.locator("main input").all()
        return [await field.get_attribute("autocomplete") for field in fields]

    # The second factor, whether the device is trusted, a code by mail, and the first code of an app.
    further = ["one-time-code", "off", None, "email", "one-time-code", "one-time-code"]
    assert await kinds("/sign-in") == ["username webauthn", "current-password", *further]
    assert await kinds("/sign-up") == ["username", "email", "new-password", *further]
    assert await kinds("/set-password#token=x") == ["new-password"]


async def test_expired_access_token_is_refreshed_once_for_many_calls(visitor: Visitor, somebody: Somebody) -> None:
    page = visitor.page
    await visitor.sign_in(somebody.username, somebody.password)
    await expect(page.locator("#device-list")).not_to_have_attribute("aria-busy", "true")
    await page.context.clear_cookies(name="gatepost_access")

    names = await page.evaluate(
        """async (module) => {
             const { get } = await import(module);
             const users = await Promise.all([1, 2, 3, 4, 5].map(() => get("/api/users/me")));
             return users.map(({ username }) => username);
           }""",
        await page.locator("link[rel=modulepreload][href$='/api.js']").get_attribute("href"),
    )

    assert names == [somebody.username] * 5
    assert sum(url.endswith("/api/auth/refreshtoken") for url in visitor.seen.urls) == 1
    assert set(visitor.refusals()) == {"401"}


async def test_return_address_is_followed_to_ours_and_never_to_elsewhere(visitor: Visitor, somebody: Somebody) -> None:
    page = visitor.page
    for address, end in (("/boards", "/boards"), ("//evil.example/", "/account")):
        await visitor.goto(f"/sign-in?next={address}")
        await page.locator("#sign-in [name=username]").fill(somebody.username)
        await page.locator("#sign-in [name=password]").fill(somebody.password)
        await page.locator("#sign-in [name=password]").press("Enter")
        await expect(page).to_have_url(f"{visitor.url}{end}")

    # The script checks what it was given once more.
    await visitor.goto("/sign-in?next=/boards")
    await page.evaluate(
        """async (module) => (await import(module)).goTo("https://evil.example/", "/welcome")""",
        await page.locator("link[rel=modulepreload][href$='/session.js']").get_attribute("href"),
    )
    await expect(page).to_have_url(f"{visitor.url}/welcome")


async def test_waits_and_lost_connections_are_told_in_words(visitor: Visitor) -> None:
    page = visitor.page
    await visitor.goto("/sign-in")
    await page.get_by_label("User name or e-mail").fill("Abbey")
    await page.get_by_label("Password", exact=True).fill("correct horse")
    submit, alert = page.get_by_role("main").get_by_role("button", name="Sign in"), page.get_by_role("alert")

    # As a proxy in front answers.
    for status, retry_after, words in (
        (429, "1", "Too many attempts. Please try again in a moment."),
        (503, "1", "The service is busy. Please try again in a moment."),
        (502, None, "Something went wrong on our side. Please try again."),
    ):
        answer = partial(Route.fulfill, status=status, headers={"Retry-After": retry_after} if retry_after else {})
        await page.route("**/api/auth/signin*", answer)
        await submit.click()
        await expect(alert).to_contain_text(words)
        await page.unroute_all()
    assert visitor.refusals() == ["429", "503", "502"]

    await page.context.set_offline(True)
    await submit.click()
    await expect(alert).to_contain_text("The service cannot be reached.")
    visitor.seen.errors[:] = [error for error in visitor.seen.errors if "ERR_INTERNET_DISCONNECTED" not in error]


async def test_wait_after_too_many_attempts_is_counted_down_and_ends_by_itself(visitors: Visitors) -> None:
    for locale, first, later, over in (
        ("en", "Please try again in 10 minutes.", "Please try again in 9:59.", "You can try again now."),
        (
            "de",
            "Bitte versuchen Sie es in 10 Minuten noch einmal.",
            "Bitte versuchen Sie es in 9:59 noch einmal.",
            "Sie können es jetzt wieder versuchen.",
        ),
    ):
        visitor = await visitors(locale=locale)
        page = visitor.page
        await page.clock.install()
        await visitor.goto("/sign-in")
        name, password = page.locator("#sign-in [name=username]"), page.locator("#sign-in [name=password]")
        submit, alert = page.locator("#sign-in .primary"), page.get_by_role("alert")
        await name.fill("Abbey")
        await password.fill("correct horse")
        await page.route("**/api/auth/signin*", partial(Route.fulfill, status=429, headers={"Retry-After": "600"}))
        await page.clock.pause_at(await page.evaluate("Date.now() + 3600000"))

        await submit.click()
        await expect(alert.locator(".visually-hidden")).to_contain_text(first)
        await expect(submit).to_have_attribute("aria-disabled", "true")
        await page.clock.run_for(1000)
        # Only what is hidden from screen readers changes.
        await expect(alert.locator("[aria-hidden=true].countdown")).to_contain_text(later)
        await expect(alert.locator(".visually-hidden")).to_contain_text(first)
        await password.press("Enter")
        await expect(alert).to_be_focused()
        assert visitor.refusals() == ["429"]

        await page.clock.run_for(600_000)
        await expect(alert).to_have_text(over)
        await expect(submit).not_to_have_attribute("aria-disabled", "true")
        await submit.click()
        await expect(submit).to_have_attribute("aria-disabled", "true")
        # Somebody else may try.
        await name.fill("Somebody else")
        await expect(submit).not_to_have_attribute("aria-disabled", "true")
        await expect(alert).to_be_hidden()
        assert visitor.refusals() == ["429"]


async def test_refused_attempts_look_refused(visitor: Visitor, somebody: Somebody) -> None:
    page = visitor.page
    await visitor.goto("/sign-in")
    await page.locator("#sign-in [name=username]").fill(somebody.username)
    await page.locator("#sign-in [name=password]").fill("wrong horse")
    await page.locator("#sign-in .primary").click()
    await expect(page.get_by_role("alert")).to_be_visible()
    assert visitor.refusals() == ["401"]
    await visitor.sign_in(somebody.username, somebody.password)

    refused = page.locator("#activity-list li", has_text="Sign-in failed")
    opened = page.locator("#activity-list li", has_text="Signed in").first
    await expect(refused.locator(".title .icon")).to_be_visible()
    await expect(opened.locator(".title .icon")).to_be_hidden()
    colours = [await one.locator(".title").evaluate("(e) => getComputedStyle(e).color") for one in (refused, opened)]
    assert colours[0] != colours[1]
