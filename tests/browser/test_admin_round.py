"""Administration in a real browser: the whole round, on one service with people in it."""

import re
from functools import partial
from typing import Any

import httpx
import pytest
from playwright.async_api import Page, Route, expect

from gatepost.console.translations import words_of
from tests.browser.conftest import ADMIN_PASSWORD, PASSWORD, Somebody, Visitors
from tests.support.visitor import Visitor

pytestmark = pytest.mark.browser


async def agree(page: Page, *consequences: str, yes: str) -> None:
    """Answer a question with yes, after it has said what will happen."""
    dialog = page.get_by_role("dialog")
    for text in consequences:
        await expect(dialog).to_contain_text(text)
    await dialog.get_by_role("button", name=yes).click()
    await expect(dialog).to_be_hidden()


async def said(page: Page, text: str) -> None:
    await expect(page.locator("#toasts")).to_contain_text(text)


async def test_person_is_found_given_a_role_signed_out_elsewhere_disabled_enabled_and_deleted(
    admin: Visitor, visitors: Visitors, somebody: Somebody
) -> None:
    other = await visitors()
    await other.sign_in(somebody.username, somebody.password)
    page = admin.page

    await admin.goto("/admin/people")
    await page.get_by_label("Search").fill(somebody.email)
    await page.get_by_label("Search").press("Enter")
    await expect(page.get_by_text("1 person")).to_be_visible()
    assert "search=" in page.url
    await page.reload()
    await expect(page.get_by_label("Search")).to_have_value(somebody.email)
    await page.get_by_role("link", name=somebody.username).click()
    await expect(page.get_by_role("heading", level=1)).to_have_text(somebody.username)

    await page.get_by_role("checkbox", name=re.compile("^moderator")).check()
    await page.get_by_role("button", name="Save the roles").click()
    await agree(page, f"{somebody.username} gets: moderator.", yes="Change the roles")
    await said(page, "The roles were changed.")
    await expect(page.get_by_text("Roles changed").first).to_be_visible()

    await page.get_by_role("button", name="Sign out everywhere").click()
    await agree(page, "devices are signed out at once", "No mail is sent.", yes="Sign out everywhere")
    await expect(page.get_by_text("No device is signed in.")).to_be_visible()
    await other.goto("/account")
    await expect(other.page).to_have_url(re.compile("/sign-in"))
    other.refusals()

    await page.get_by_role("button", name="Disable the account").click()
    await agree(page, "cannot sign in until the account is enabled again", yes="Disable")
    await expect(page.locator(".lead").get_by_text("Disabled")).to_be_visible()
    await page.get_by_role("button", name="Enable the account").click()
    await agree(page, "can sign in again as before", yes="Enable")
    await expect(page.locator(".lead").get_by_text("Disabled")).to_be_hidden()

    await page.get_by_role("button", name="New password").click()
    await agree(page, f"A mail with a link goes to {somebody.email}.", yes="Send the link")
    await said(page, "A link is on its way")
    assert await admin.findings() == []

    await page.get_by_role("button", name="Delete the account").click()
    await agree(page, f"keeps the number #{somebody.id}", "This cannot be undone.", yes="Delete permanently")
    await expect(page).to_have_url(re.compile("/admin/people$"))
    await admin.goto(f"/admin/people/{somebody.id}")
    await expect(page.get_by_role("heading", name="No such person")).to_be_visible()
    # The page asks for the account and for its devices; the other answer may come later.
    await page.wait_for_load_state("networkidle")
    assert set(admin.refusals()) == {"404"}


async def test_conflicts_and_the_last_administrator_are_told_in_words(
    admin: Visitor, somebody: Somebody, root: httpx.AsyncClient
) -> None:
    page = admin.page
    await admin.goto(f"/admin/people/{somebody.id}")
    await expect(page.get_by_label("User name")).to_have_value(somebody.username)
    await root.patch(f"/api/admin/users/{somebody.id}", json={"language": "de"})

    await page.get_by_role("button", name="Disable the account").click()
    await agree(page, yes="Disable")
    await expect(page.get_by_role("alert")).to_contain_text("Somebody else has changed this in the meantime")
    await expect(page.get_by_label("Language of mails")).to_have_value("de")
    assert admin.refusals() == ["412"]

    me = (await root.get("/api/users/me")).json()["id"]
    await admin.goto(f"/admin/people/{me}")
    await expect(page.get_by_text("This is your own account. Name, address, password")).to_be_visible()
    theirs = ("Delete the account", "Disable the account", "New password", "Sign out everywhere", "Save the profile")
    for name in theirs:
        await expect(page.get_by_role("button", name=name)).to_be_hidden()
    await page.get_by_role("checkbox", name=re.compile("^admin")).uncheck()
    await page.get_by_role("button", name="Save the roles").click()
    await agree(page, yes="Change the roles")
    await expect(page.get_by_role("alert")).to_contain_text("This is the last administrator who can sign in.")
    assert admin.refusals() == ["409"]


async def test_somebody_is_invited_and_the_invitation_taken_back(admin: Visitor) -> None:
    page = admin.page
    await admin.goto("/admin/invitations")
    await page.get_by_label("E-mail").fill("nina@example.com")
    await page.get_by_role("checkbox", name="moderator").check()
    await page.get_by_role("button", name="Send the invitation").click()
    row = page.get_by_role("row").filter(has_text="nina@example.com")
    await expect(row).to_contain_text("moderator")
    await expect(row).to_contain_text("in 7 days")
    assert await admin.findings() == []

    await page.get_by_label("E-mail").fill("admin@example.com")
    await page.get_by_role("button", name="Send the invitation").click()
    await expect(page.get_by_label("E-mail")).to_have_accessible_description(
        "This e-mail address already has an account."
    )
    assert admin.refusals() == ["400"]

    await row.get_by_role("button", name="Revoke the invitation of nina@example.com").click()
    await agree(page, "The link in the mail stops working.", yes="Revoke")
    await expect(row).to_have_count(0)


async def test_role_is_made_edited_and_deleted(admin: Visitor) -> None:
    page = admin.page
    await admin.goto("/admin/roles")
    await page.get_by_role("button", name="New role").click()
    editor = page.get_by_role("dialog")
    await editor.get_by_label("Name").fill("Support!")
    await editor.get_by_role("button", name="Save").click()
    await expect(editor.get_by_label("Name")).to_be_focused()
    assert admin.refusals() == ["422"]
    await editor.get_by_label("Name").fill("support")
    await editor.get_by_role("checkbox", name=re.compile("users:read")).check()
    await editor.get_by_label("Permissions of your own apps").fill("orders:refund\ntickets:close")
    assert await admin.findings() == []
    await editor.get_by_role("button", name="Save").click()
    card = page.get_by_role("listitem").filter(has=page.get_by_role("heading", name="support"))
    for word in ("users:read", "orders:refund", "tickets:close"):
        await expect(card).to_contain_text(word)

    await card.get_by_role("button", name="Edit support").click()
    await editor.get_by_role("checkbox", name=re.compile("users:read")).uncheck()
    await editor.get_by_role("button", name="Save").click()
    await expect(card).not_to_contain_text("users:read")

    await card.get_by_role("button", name="Delete support").click()
    await agree(page, "Everybody who has it loses it.", yes="Delete the role")
    await expect(card).to_have_count(0)


async def test_who_signed_in_long_ago_confirms_it_before_power_is_given(admin: Visitor) -> None:
    page = admin.page
    refusal = {
        "code": "step_up_required", "status": 401, "title": "Step-up required", "message": "…", "errors": [],
        "maxAge": 300, "methods": ["password"],
    }  # fmt: skip
    await admin.goto("/admin/roles")
    await page.get_by_role("button", name="New role").click()
    await page.route("**/api/admin/roles", partial(Route.fulfill, status=401, json=refusal), times=1)
    editor, dialog = page.get_by_role("dialog").first, page.get_by_role("dialog", name="Confirm that it is you")
    password = dialog.get_by_label("Password", exact=True)
    await editor.get_by_label("Name").fill("confirmed")
    await editor.get_by_role("button", name="Save").click()

    await expect(password).to_be_focused()
    assert await admin.findings() == []
    await page.keyboard.type("wrong horse")
    await page.keyboard.press("Enter")
    await expect(password).to_have_accessible_description(re.compile("not your current"))
    await password.fill(ADMIN_PASSWORD)
    await page.keyboard.press("Enter")

    await expect(page.get_by_role("listitem").filter(has=page.get_by_role("heading", name="confirmed"))).to_be_visible()
    assert admin.refusals() == ["401", "403"]


async def test_audit_log_is_filtered_and_the_address_holds_the_filter(admin: Visitor, somebody: Somebody) -> None:
    page = admin.page
    await admin.goto("/admin/audit")
    await page.get_by_label("About").fill(somebody.username)
    await page.get_by_label("Event").select_option("account.created")
    await page.get_by_role("button", name="Show").click()
    await expect(page.get_by_text("1 entry")).to_be_visible()
    await expect(page.get_by_role("row").nth(1)).to_contain_text(somebody.username)
    assert f"userId={somebody.id}" in page.url
    await page.reload()
    await expect(page.get_by_label("About")).to_have_value(somebody.username)
    await expect(page.get_by_role("row")).to_have_count(2)
    assert await admin.findings() == []

    await page.get_by_label("About").fill("nobody of this name")
    await page.get_by_role("button", name="Show").click()
    await expect(page.get_by_label("About")).to_have_accessible_description(
        re.compile("Nobody has this name or address")
    )
    await page.get_by_role("link", name="Clear").click()
    await page.get_by_label("Event").select_option("client.removed")
    await page.get_by_role("button", name="Show").click()
    await expect(page.get_by_text("No entry matches these filters.")).to_be_visible()
    await page.go_back()
    await expect(page.get_by_role("row").nth(2)).to_be_visible()


async def test_keys_show_their_life(admin: Visitor) -> None:
    page = admin.page
    await admin.goto("/admin/keys")
    await expect(page.get_by_text("Signs now")).to_be_visible()
    await expect(page.get_by_text("Known to all services")).to_be_visible()
    assert await admin.findings() == []


async def show_figures(page: Page, *, scale: int) -> None:
    """Answer the overview with figures of a deployment of some size."""
    days = [
        {
            "day": f"2026-01-{number:02}",
            "signUps": scale * number,
            "signIns": scale * 40,
            "refused": [
                {"event": "sign_in.failed", "reason": reason, "count": scale * (place + 1)}
                for place, reason in enumerate(
                    ("wrong_password", "unknown_account", "disabled", "unverified", "a_new_one", "account_changed")
                )
            ],
            "activeSessions": scale * 50 if number > 3 else None,
            "people": scale * 100 if number > 3 else None,
            "withSecondFactor": scale * number if number > 3 else None,
        }
        for number in range(1, 31)
    ]
    totals = {
        "measuredAt": "2026-01-30T12:00:00Z", "people": scale, "disabled": 0, "unverified": 0,
        "withSecondFactor": scale, "activeSessions": scale,
    }  # fmt: skip

    async def answer(route: Any) -> None:
        await route.fulfill(json={"totals": totals, "days": days})

    await page.route("**/api/admin/overview?*", answer)


@pytest.mark.parametrize(("scale", "people", "ticks"), [(0, "0", ["0"]), (1_000_000, "1M", ["0", "10M", "20M", "30M"])])
async def test_overview_reads_well_with_nobody_and_with_a_million(
    admin: Visitor, scale: int, people: str, ticks: list[str]
) -> None:
    page = admin.page
    await show_figures(page, scale=scale)
    await admin.goto("/admin")

    await expect(page.locator("[data-tile=people]")).to_have_text(people)
    plot = page.get_by_role("figure", name="Sign-ups")
    await expect(plot.locator("svg .tick[text-anchor=end]")).to_have_text(ticks)
    await expect(plot.get_by_role("img")).to_have_accessible_description(
        re.compile("nothing" if scale == 0 else "465,000,000 in all, most on 30 Jan: 30,000,000")
    )
    await expect(page.get_by_text("Nothing in this period")).to_have_count(5 if scale == 0 else 0)
    factors = page.get_by_role("figure", name="Second factor")
    await expect(factors.locator("[data-legend] strong")).to_have_text("–" if scale == 0 else "30")
    await plot.get_by_text("As a table").click()
    await expect(plot.get_by_role("row")).to_have_count(31)
    assert await admin.findings() == []
    for width in (360, 1280):
        await page.set_viewport_size({"width": width, "height": 780})
        assert await admin.fits()


async def test_plots_have_a_legend_each_and_a_colour_has_one_meaning(admin: Visitor) -> None:
    page = admin.page
    await show_figures(page, scale=7)
    await admin.goto("/admin")
    await expect(page.locator(".plot svg")).to_have_count(5)

    meanings: dict[str, set[str]] = {}
    for plot in await page.locator(".plot").all():
        entries = await plot.locator("[data-legend] li").all()
        assert entries, await plot.inner_text()
        for entry in entries:
            colour = await entry.locator(".swatch").evaluate("(e) => getComputedStyle(e).backgroundColor")
            label = str(await entry.evaluate("(e) => [...e.childNodes].find((n) => n.nodeType === 3).data"))
            meanings.setdefault(colour, set()).add(label)
        drawn = await plot.locator(".shape, .line").evaluate_all("(all) => all.map((e) => e.classList[1])")
        named = await plot.locator(".swatch").evaluate_all("(all) => all.map((e) => e.classList[1])")
        assert set(drawn) <= set(named)
    assert [labels for labels in meanings.values() if len(labels) > 1] == []


async def test_day_of_a_plot_is_told_at_a_tap_and_by_the_arrow_keys(visitors: Visitors) -> None:
    visitor = await visitors(viewport={"width": 360, "height": 780}, has_touch=True, is_mobile=True)
    page = visitor.page
    await show_figures(page, scale=10)
    await visitor.sign_in("admin", ADMIN_PASSWORD)
    await visitor.goto("/admin")
    plot = page.get_by_role("figure", name="Sign-ups")
    days, legend = plot.get_by_role("slider", name="Sign-ups: choose a day"), plot.locator("[data-legend]")
    await expect(legend).to_have_text("Sign-ups4,650")

    await days.tap()
    await expect(legend).to_contain_text("Jan")
    await days.press("End")
    await expect(days).to_have_attribute("aria-valuetext", "30 Jan. Sign-ups: 300.")
    await expect(legend).to_have_text("Sign-ups30030 Jan")
    await days.press("ArrowLeft")
    await expect(legend).to_have_text("Sign-ups29029 Jan")
    await expect(plot.locator(".chosen")).to_have_count(1)
    await days.press("Escape")
    await expect(legend).to_have_text("Sign-ups4,650")


async def test_table_of_a_plot_comes_into_its_place(admin: Visitor) -> None:
    page = admin.page
    await show_figures(page, scale=3)
    await admin.goto("/admin")
    await expect(page.locator(".plot svg")).to_have_count(5)
    plots = page.locator(".plot")

    async def bottoms() -> list[float]:
        return list(await plots.evaluate_all("(all) => all.map((e) => e.getBoundingClientRect().bottom + scrollY)"))

    switch = page.get_by_role("figure", name="Sign-ins").get_by_text("As a table")
    place, card = await switch.bounding_box(), await page.get_by_role("figure", name="Sign-ins").bounding_box()
    assert place
    assert card
    assert card["x"] < place["x"]
    assert place["x"] + place["width"] < card["x"] + card["width"]
    before = await bottoms()
    await page.get_by_role("figure", name="Sign-ins").get_by_text("As a table").click()
    await expect(page.get_by_role("figure", name="Sign-ins").locator("svg")).to_be_hidden()
    assert await switch.bounding_box() == place
    after = await bottoms()
    assert max(abs(one - other) for one, other in zip(before, after, strict=True)) < 24
    await page.get_by_role("figure", name="Sign-ins").get_by_text("As a table").click()
    await expect(page.get_by_role("figure", name="Sign-ins").locator("svg")).to_be_visible()


async def test_pages_fit_a_phone_and_speak_german(visitors: Visitors) -> None:
    visitor = await visitors(viewport={"width": 360, "height": 780}, locale="de-AT", color_scheme="dark")
    await visitor.sign_in("admin", ADMIN_PASSWORD)
    for path, title in (
        ("/admin", "Überblick"), ("/admin/people", "Personen"), ("/admin/roles", "Rollen"),
        ("/admin/invitations", "Einladungen"), ("/admin/audit", "Protokoll"), ("/admin/keys", "Schlüssel"),
    ):  # fmt: skip
        await visitor.goto(path)
        await expect(visitor.page.get_by_role("heading", level=1)).to_have_text(title)
        await expect(visitor.page.locator("[data-content] [aria-busy=true]")).to_have_count(0)
        assert await visitor.fits(), path
        assert await visitor.findings() == [], path
        shown = await visitor.page.inner_text("body")
        assert re.findall(r"\b(?:admin|admin_\w+|events|problem|common)\.\w[\w.]*", shown) == []


async def test_page_without_the_permission_says_what_is_needed_and_hides_the_rest(
    visitors: Visitors, somebody: Somebody, root: httpx.AsyncClient
) -> None:
    visitor = await visitors()
    await visitor.sign_in(somebody.username, PASSWORD)
    page = visitor.page
    await visitor.goto("/admin/people")
    await expect(page.get_by_role("heading", name="You cannot see this page")).to_be_focused()
    await expect(page.get_by_text("users:read")).to_be_visible()
    assert not any("/api/admin" in url for url in visitor.seen.urls)
    assert await visitor.findings() == []

    role = (await root.post("/api/admin/roles", json={"name": "reader", "permissions": ["users:read"]})).json()
    await root.put(f"/api/admin/users/{somebody.id}/roles", json={"roles": ["user", "reader"]})
    await visitor.goto(f"/admin/people/{somebody.id}")
    await expect(page.get_by_role("heading", level=1)).to_have_text(somebody.username)
    await expect(page.get_by_role("heading", name="Devices")).to_be_visible()
    for hidden in ("Access", "Activity"):
        await expect(page.get_by_role("heading", name=hidden)).to_be_hidden()
    for gone in ("Save the profile", "Save the roles", "Sign out everywhere"):
        await expect(page.get_by_role("button", name=gone)).to_be_hidden()
    await expect(page.get_by_role("link", name="Audit log")).to_be_hidden()
    visitor.refusals()
    await root.delete(f"/api/admin/roles/{role['id']}")


async def test_second_invitation_of_an_address_warns_and_replaces_the_first(
    admin: Visitor, root: httpx.AsyncClient
) -> None:
    page = admin.page
    await root.post("/api/admin/invitations", json={"email": "twice@example.com", "roles": []})
    await admin.goto("/admin/invitations")
    row = page.get_by_role("row", name=re.compile("twice@example.com", re.IGNORECASE))
    await expect(row).to_have_count(1)

    await page.locator("#invite [name=email]").fill(" Twice@example.com")
    await page.locator("#invite [value=moderator]").check()
    await page.get_by_role("button", name="Send the invitation").click()
    await agree(
        page, "was sent just now, with the roles user.", "gives the roles user and moderator.", yes="Replace and send"
    )
    await said(page, "An invitation is on its way")
    await expect(row).to_have_count(1)
    await expect(row).to_contain_text("moderator")

    await row.get_by_role("button", name="again").click()
    await agree(page, "The link in the earlier mail stops working", yes="Send again")
    await said(page, "An invitation is on its way to Twice@example.com")
    await expect(row).to_contain_text("moderator")


async def test_page_of_oneself_says_so_where_others_are_signed_out(admin: Visitor, root: httpx.AsyncClient) -> None:
    me = (await root.get("/api/users/me")).json()["id"]
    await admin.goto(f"/admin/people/{me}")

    await expect(admin.page.get_by_text("This is your own account: you cannot sign yourself out here.")).to_be_visible()
    await expect(admin.page.get_by_role("button", name="Sign out everywhere")).to_be_hidden()


async def test_activity_of_a_person_tells_who_has_done_it(
    admin: Visitor, root: httpx.AsyncClient, somebody: Somebody
) -> None:
    await root.patch(f"/api/admin/users/{somebody.id}", json={"emailVerified": True})
    await admin.goto(f"/admin/people/{somebody.id}")

    changed, made = await admin.page.locator("[data-activity] li").all()
    await expect(changed).to_contain_text("by admin · ")
    await expect(made).not_to_contain_text("by ")
    seen = admin.page.locator("[data-facts] dt", has_text="Last sign-in")
    await expect(seen.locator("+ dd")).to_have_text("just now")


async def test_roles_that_every_deployment_has_are_described_in_the_language_of_the_page(
    admin: Visitor, root: httpx.AsyncClient, somebody: Somebody
) -> None:
    await root.post("/api/admin/roles", json={"name": "sorter", "description": "Sorts things.", "permissions": []})
    first = {role["name"]: role["description"] for role in (await root.get("/api/admin/roles")).json()}
    for language in ("en", "de"):
        words = words_of(language)
        for path in ("/admin/roles", f"/admin/people/{somebody.id}"):
            await admin.goto(f"{path}?lang={language}")
            for name in ("user", "moderator", "admin"):
                await expect(admin.page.get_by_text(words(f"admin.client.role.{name}"))).to_be_visible()
                assert words_of("en")(f"admin.client.role.{name}") == first[name]
            await expect(admin.page.get_by_text("Sorts things.")).to_be_visible()
