"""What the style sheets promise: paper, frames of the focus, the colour of the team, what a list without rows shows."""

from datetime import datetime

import httpx
import pytest
from playwright.async_api import Page, expect

from gatepost.console.translations import words_of
from gatepost.core.colors import READABLE, VISIBLE, contrast
from tests.browser.conftest import ADMIN_PASSWORD, Somebody, Visitors

pytestmark = pytest.mark.browser

HIDDEN_ON_PAPER = (".bar", "footer", ".side", ".tabs", ".filters", ".pager", ".button")


async def colour(page: Page, selector: str, name: str) -> str:
    """Return a computed colour as `#rrggbb`."""
    value = await page.locator(selector).first.evaluate("(e, name) => getComputedStyle(e)[name]", name)
    return "#" + "".join(f"{int(part):02x}" for part in value.removeprefix("rgb(").rstrip(")").split(","))


async def test_paper_has_what_is_said_and_nothing_to_press(visitors: Visitors) -> None:
    visitor = await visitors(color_scheme="dark")
    page = visitor.page
    await visitor.sign_in("admin", ADMIN_PASSWORD)
    # As wide as a sheet.
    await page.set_viewport_size({"width": 680, "height": 900})
    for path, shown in (
        ("/account", "#device-list li"), ("/admin/audit", "[data-list] tbody tr"), ("/admin/roles", ".role-card"),
    ):  # fmt: skip
        await visitor.goto(path)
        await expect(page.locator(shown).first).to_be_attached()
        await expect(page.locator("main [aria-busy=true]")).to_have_count(0)
        await page.emulate_media(media="print")
        await expect(page.locator(shown).first).to_be_visible()
        for selector in HIDDEN_ON_PAPER:
            for element in await page.locator(selector).all():
                assert not await element.is_visible(), (path, selector)
        shadows = await page.locator(".card").evaluate_all("(all) => all.map((e) => getComputedStyle(e).boxShadow)")
        assert set(shadows) == {"none"}, path
        assert await colour(page, "html", "backgroundColor") == "#ffffff"
        printed = "(all) => all.map((e) => getComputedStyle(e, '::after').content)"
        assert set(await page.locator("table a").evaluate_all(printed)) <= {"none"}, path
        if path == "/admin/audit":
            display = await page.locator("table tr").last.evaluate("(e) => getComputedStyle(e).display")
            assert display == "table-row"
        await page.emulate_media(media="screen")


async def test_people_on_paper_have_their_roles_and_moments_and_nothing_to_choose(
    visitors: Visitors, root: httpx.AsyncClient, somebody: Somebody
) -> None:
    await root.put(f"/api/admin/users/{somebody.id}/roles", json={"roles": ["user", "moderator"]})
    visitor = await visitors(locale="de-DE", timezone_id="UTC")
    page = visitor.page
    await visitor.sign_in("admin", ADMIN_PASSWORD)
    created = (await root.get(f"/api/admin/users/{somebody.id}")).json()["createdAt"]
    day = datetime.fromisoformat(created).strftime("%d.%m.%Y")
    words = words_of("de")
    exact = "(all) => all.map((one) => getComputedStyle(one, '::after').content)"

    await visitor.goto(f"/admin/people/{somebody.id}")
    await expect(page.locator("[data-activity] time").first).to_be_attached()
    await page.emulate_media(media="print")
    await expect(page.get_by_text(words("admin.client.role.moderator"))).to_be_visible()
    await expect(page.get_by_text(words("admin.client.role.admin"))).to_be_hidden()
    for nothing in (
        page.get_by_role("heading", name=words("admin_person.acts.title")),
        page.get_by_role("checkbox"),
        page.get_by_role("link"),
    ):
        await expect(nothing.locator("visible=true")).to_have_count(0)
    shown = await page.locator("[data-activity] time, [data-facts] time, [data-sessions] time").evaluate_all(exact)
    assert len(shown) >= 4
    assert [text for text in shown if day not in text] == []

    await page.emulate_media(media="screen")
    await visitor.goto(f"/admin/people?search={somebody.email}")
    await expect(page.get_by_role("link", name=somebody.username)).to_be_visible()
    await page.emulate_media(media="print")
    await expect(page.get_by_role("checkbox")).to_have_count(0)
    assert [text for text in await page.locator("[data-list] time[title]").evaluate_all(exact) if day not in text] == []
    # A button in the head is empty where the next sheet repeats it.
    assert await page.locator("th button").first.evaluate("(one) => getComputedStyle(one).display") == "contents"


async def test_focus_has_a_frame_that_is_seen_in_light_dark_and_forced_colours(visitors: Visitors) -> None:
    for options in ({"color_scheme": "light"}, {"color_scheme": "dark"}, {"forced_colors": "active"}):
        visitor = await visitors(**options)
        page = visitor.page
        await visitor.goto("/sign-in")
        await page.wait_for_load_state("networkidle")
        for _ in range(6):
            await page.keyboard.press("Tab")
            focused = page.locator(":focus")
            style = await focused.evaluate("(e) => getComputedStyle(e).outlineStyle")
            width = await focused.evaluate("(e) => parseFloat(getComputedStyle(e).outlineWidth)")
            assert (style, width >= 2) == ("solid", True), await focused.evaluate("(e) => e.outerHTML")
            if "forced_colors" not in options:
                frame = await colour(page, ":focus", "outlineColor")
                assert contrast(frame, await colour(page, "html", "backgroundColor")) >= VISIBLE


async def test_button_has_the_colour_as_given_and_its_text_can_be_read(visitors: Visitors) -> None:
    for scheme in ("light", "dark"):
        visitor = await visitors(color_scheme=scheme)
        for path, selector in (("/sign-in", "#sign-in .primary"), ("/errors", ".brand-bar")):
            await visitor.goto(path)
            surface = await colour(visitor.page, selector, "backgroundColor")
            assert surface == "#0f766e"
            assert contrast(surface, await colour(visitor.page, selector, "color")) >= READABLE


async def test_list_without_rows_says_so_with_a_sign(visitors: Visitors) -> None:
    visitor = await visitors()
    await visitor.sign_in("admin", ADMIN_PASSWORD)
    await visitor.goto("/admin/audit?address=192.0.2.1")

    empty = visitor.page.locator("[data-list] .empty")
    await expect(empty).to_have_text("No entry matches these filters.")
    await expect(empty.locator(".icon")).to_be_visible()
    assert await visitor.findings() == []


async def test_filters_are_folded_on_a_phone_until_something_is_filtered(visitors: Visitors) -> None:
    visitor = await visitors(viewport={"width": 360, "height": 740}, is_mobile=True, has_touch=True)
    page = visitor.page
    await visitor.sign_in("admin", ADMIN_PASSWORD)
    address = page.get_by_label("IP address")
    await visitor.goto("/admin/audit")
    await expect(page.locator("[data-list] tbody tr").first).to_be_visible()
    await expect(address).to_be_hidden()
    await page.get_by_text("Filter", exact=True).tap()
    await expect(address).to_be_visible()

    await visitor.goto("/admin/audit?address=192.0.2.1")
    await expect(address).to_have_value("192.0.2.1")
    await expect(address).to_be_visible()
    await page.set_viewport_size({"width": 1280, "height": 800})
    await visitor.goto("/admin/audit")
    await expect(address).to_be_visible()


async def test_people_on_a_phone_are_two_lines_each_below_folded_filters(
    visitors: Visitors, somebody: Somebody
) -> None:
    visitor = await visitors(viewport={"width": 360, "height": 740}, is_mobile=True, has_touch=True)
    page = visitor.page
    await visitor.sign_in("admin", ADMIN_PASSWORD)
    role = page.get_by_label("Role", exact=True)
    await visitor.goto("/admin/people")
    row = page.locator("[data-list] tbody tr").filter(has_text=somebody.email)
    await expect(row).to_be_visible()
    await expect(role).to_be_hidden()
    for left, right in ((".lead-cell", ".seen-cell"), (".email-cell", ".state-cell")):
        one, other = [await row.locator(cell).bounding_box() for cell in (left, right)]
        assert one is not None
        assert other is not None
        assert one["x"] < other["x"]
        assert abs(one["y"] + one["height"] / 2 - other["y"] - other["height"] / 2) < 4
    assert await row.locator("td:visible").count() == 5

    await visitor.goto("/admin/people?role=admin")
    await expect(role).to_have_value("admin")
    await expect(role).to_be_visible()


async def test_list_of_error_codes_keeps_nobody_out(visitors: Visitors) -> None:
    for options in (
        {"color_scheme": "dark"},
        {"viewport": {"width": 800, "height": 740}},
        {"viewport": {"width": 360, "height": 740}, "is_mobile": True},
    ):
        visitor = await visitors(**options)
        await visitor.goto("/errors#invalid_credentials")
        assert await visitor.findings() == []
        assert await visitor.fits()
