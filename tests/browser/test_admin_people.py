"""The list of people in a real browser: search and order, rows, several at once, CSV, a new person."""

import csv
import io
import re
from pathlib import Path

import httpx
import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import ADMIN_PASSWORD, Visitors
from tests.support.visitor import Visitor

pytestmark = pytest.mark.browser


async def make(root: httpx.AsyncClient, domain: str, *names: str) -> dict[str, int]:
    """Make people of a domain; return their ids."""
    ids = {}
    for name in names:
        body = {"username": name, "email": f"{name.split()[0].lower()}@{domain}", "password": "correct horse battery"}
        answer = await root.post("/api/admin/users", json=body)
        assert answer.status_code == 201, answer.text
        ids[name] = answer.json()["id"]
    return ids


async def open_list(visitors: Visitors, search: str, **options: object) -> Visitor:
    """Return the administrator, before the list of those whom a search finds."""
    visitor = await visitors(**options)
    await visitor.sign_in("admin", ADMIN_PASSWORD)
    await visitor.goto(f"/admin/people?search={search}")
    await expect(visitor.page.locator("[data-list] table")).to_be_visible()
    return visitor


async def shown(page: Page) -> list[str]:
    """Return the names of the list."""
    return await page.locator("[data-list] .lead-cell a").all_inner_texts()


async def agree(page: Page, *texts: str) -> None:
    """Answer a question with yes, after it has said what will happen."""
    for text in texts:
        await expect(page.get_by_role("dialog")).to_contain_text(text)
    await page.locator("#confirm [data-yes]").click()


async def test_heads_order_the_list_and_say_so(visitors: Visitors, root: httpx.AsyncClient) -> None:
    await make(root, "heads.example.com", "Berta Heads", "Anton Heads", "Carl Heads")
    visitor = await open_list(visitors, "heads.example.com")
    page = visitor.page
    name = page.get_by_role("columnheader", name="Name")

    await name.get_by_role("button").press("Enter")
    await expect(name).to_have_attribute("aria-sort", "ascending")
    await expect(name.get_by_role("button")).to_be_focused()
    assert await shown(page) == ["Anton Heads", "Berta Heads", "Carl Heads"]
    await name.get_by_role("button").click()
    await expect(name).to_have_attribute("aria-sort", "descending")
    assert await shown(page) == ["Carl Heads", "Berta Heads", "Anton Heads"]
    assert "sort=-username" in page.url

    await page.get_by_role("columnheader", name="Last sign-in").get_by_role("button").click()
    await expect(page.get_by_role("columnheader", name="Last sign-in")).to_have_attribute("aria-sort", "descending")
    await expect(page.locator("[data-list]")).to_contain_text("never")
    assert await visitor.findings() == []


async def test_whole_row_is_one_link_but_for_its_box(visitors: Visitors, root: httpx.AsyncClient) -> None:
    ids = await make(root, "rows.example.com", "Rosa Rows")
    visitor = await open_list(visitors, "rows.example.com")
    page = visitor.page
    row = page.locator("[data-list] tbody tr")

    await row.get_by_role("checkbox", name="Select Rosa Rows").check()
    await expect(page.get_by_text("1 selected")).to_be_visible()
    assert await row.get_by_role("link").count() == 1
    # The link lies over the row.
    await row.locator(".seen-cell").click(force=True)
    await expect(page).to_have_url(re.compile(f"/admin/people/{ids['Rosa Rows']}$"))


async def test_several_get_a_role_and_are_disabled_and_who_is_refused_is_named(
    visitors: Visitors, root: httpx.AsyncClient
) -> None:
    ids = await make(root, "several.example.com", "Sam Several", "Sue Several")
    visitor = await open_list(visitors, "several.example.com")
    page = visitor.page

    await page.get_by_label("Select all on this page").check()
    await page.get_by_label("Role to give or remove").select_option("moderator")
    await page.get_by_role("button", name="Give role").click()
    await agree(page, "Give the role moderator", "Sam Several", "Sue Several")
    await expect(page.locator("#toasts")).to_contain_text("Done for 2 people.")
    await expect(page.locator("[data-list]").get_by_text("moderator")).to_have_count(2)

    # Somebody else is faster with one of them; and the administrator, from another page of the list, is chosen, too.
    await page.get_by_label("Search").fill("admin@example.com")
    await page.get_by_label("Search").press("Enter")
    await page.get_by_role("checkbox", name="Select admin").check()
    await expect(page.get_by_text("3 selected")).to_be_visible()
    await root.patch(f"/api/admin/users/{ids['Sue Several']}", json={"language": "de"})
    await page.get_by_role("button", name="Disable", exact=True).click()
    await agree(page, "Disable the selected people (3)?")
    results = page.locator("[data-results]")
    await expect(results).to_contain_text("Done for 1 person. Not done for 2 people:")
    await expect(results).to_be_focused()
    await expect(results.get_by_role("listitem").filter(has_text="admin")).to_contain_text("This is your own account")
    await expect(results.get_by_role("listitem").filter(has_text="Sue")).to_contain_text("Somebody else has changed")
    await expect(page.get_by_text("3 selected")).to_be_visible()
    assert await visitor.findings() == []
    assert sorted(visitor.refusals()) == ["403", "412"]

    # What others have done is known now.
    await page.get_by_role("button", name="Disable", exact=True).click()
    await agree(page)
    await expect(results).to_contain_text("Done for 2 people. Not done for 1 person:")
    states = [(await root.get(f"/api/admin/users/{person}")).json()["status"] for person in ids.values()]
    assert states == ["disabled", "disabled"]
    assert visitor.refusals() == ["403"]


async def test_list_says_how_many_there_are_and_leads_back_from_beyond_its_end(
    visitors: Visitors, root: httpx.AsyncClient
) -> None:
    await make(root, "many.example.com", *(f"M{number} Many" for number in range(22)))
    visitor = await open_list(visitors, "many.example.com")
    page, summary = visitor.page, visitor.page.locator("[data-summary]")

    await visitor.goto("/admin/people?search=M7 Many")
    await expect(summary).to_have_text("1 person")
    await expect(page.locator("[data-pager]")).to_be_hidden()
    await visitor.goto("/admin/people?search=nobody.many")
    await expect(summary).to_have_text("0 people")
    await expect(page.locator("[data-list]")).to_contain_text("Nobody matches.")
    await expect(page.get_by_label("Select all on this page")).to_be_hidden()
    await visitor.goto("/admin/people?search=many.example.com&page=9")
    await expect(page.locator("[data-list]")).to_contain_text("There are not that many pages.")
    await page.get_by_role("link", name="Previous").click()
    await expect(summary).to_have_text("21–22 of 22")
    await page.get_by_role("link", name="Previous").click()
    await expect(summary).to_have_text("1–20 of 22")
    assert "page=" not in page.url


async def test_csv_has_what_the_list_is_narrowed_to(visitors: Visitors, root: httpx.AsyncClient) -> None:
    await make(root, "csv.example.com", "Cleo Csv", "Carla Csv")
    visitor = await open_list(visitors, "csv.example.com&sort=username")

    async with visitor.page.expect_download() as waiting:
        await visitor.page.get_by_role("link", name="Save as CSV").click()
    download = await waiting.value

    text = Path(await download.path()).read_text(encoding="utf-8-sig")
    assert [row["username"] for row in csv.DictReader(io.StringIO(text))] == ["Carla Csv", "Cleo Csv"]
    assert download.suggested_filename == "people.csv"


async def test_person_is_made_in_the_page_and_errors_stand_at_their_fields(visitors: Visitors) -> None:
    visitor = await open_list(visitors, "admin")
    page = visitor.page

    await page.get_by_role("button", name="New person").click()
    form = page.locator("#person")
    await form.get_by_role("button", name="Create").click()
    await expect(form.locator("#person-username-error")).to_have_text("Please fill this in.")
    await form.get_by_label("User name").fill("admin")
    await form.get_by_label("E-mail").fill("nobody.new@example.com")
    await form.get_by_label("I set it now").check()
    await form.locator("#person-password").fill("correct horse battery")
    await form.get_by_role("button", name="Create").click()
    await expect(form.locator("#person-username-error")).to_have_text("This user name is already taken.")
    assert await visitor.findings() == []
    assert visitor.refusals() == ["400"]

    await form.get_by_label("User name").fill("Nobody New")
    await form.get_by_label("moderator").check()
    await form.get_by_role("button", name="Create").click()
    await expect(page.locator("#toasts")).to_contain_text("Nobody New has an account now.")
    await page.get_by_label("Search").fill("nobody new")
    await page.get_by_label("Search").press("Enter")
    await expect(page.locator("[data-list] tbody tr")).to_contain_text("moderator")


async def test_list_fits_a_phone_and_whoever_only_reads_changes_nothing(
    visitors: Visitors, root: httpx.AsyncClient
) -> None:
    await make(root, "phone.example.com", "Paula Phone")
    visitor = await open_list(visitors, "phone.example.com", viewport={"width": 360, "height": 740})
    await visitor.page.get_by_label("Select all on this page").check()
    assert await visitor.fits()
    assert await visitor.findings() == []

    await root.post("/api/admin/roles", json={"name": "looker", "permissions": ["users:read"]})
    body = {
        "username": "Lois Looker", "email": "lois@example.com", "password": "correct horse battery",
        "roles": ["user", "looker"], "emailVerified": True,
    }  # fmt: skip
    await root.post("/api/admin/users", json=body)
    looker = await visitors()
    await looker.sign_in("Lois Looker", "correct horse battery")
    await looker.goto("/admin/people?search=phone.example.com")
    await expect(looker.page.get_by_role("link", name="Paula Phone")).to_be_visible()
    await expect(looker.page.get_by_role("button", name="New person")).to_be_hidden()
    await expect(looker.page.get_by_role("checkbox")).to_have_count(0)
    await expect(looker.page.get_by_role("link", name="Save as CSV")).to_be_visible()


async def test_what_can_be_done_with_the_selected_stays_below_the_head_of_the_page(
    visitors: Visitors, root: httpx.AsyncClient
) -> None:
    await make(root, "below.example.com", *(f"Bel{number} Ow" for number in range(20)))
    visitor = await open_list(visitors, "below.example.com")
    page = visitor.page
    await page.get_by_role("checkbox", name="Select Bel19 Ow").check()
    await page.get_by_role("link", name="Bel0 Ow", exact=True).scroll_into_view_if_needed()

    head, bar = await page.locator(".bar").bounding_box(), await page.locator("[data-chosen]").bounding_box()
    assert head is not None
    assert bar is not None
    assert await page.evaluate("scrollY") > 200
    assert head["y"] + head["height"] <= bar["y"] < 200
